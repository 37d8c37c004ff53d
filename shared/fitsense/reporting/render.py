"""Pages to HTML: one file, nothing fetched, nothing scripted."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitsense.manifest import Check
from fitsense.reporting.elements import Chart, Page
from fitsense.reporting.text import MINUS, number, words

if TYPE_CHECKING:
    from jinja2 import Template


HERE = Path(__file__).parent
VEGALITE = "6.4"


def html(page: Page) -> str:
    """The page as one self-contained document; the same page, the same bytes."""
    return _template().render(
        page=page,
        css=(HERE / "page.css").read_text(),
        verdict=verdict(page),
        checks=sorted(page.report.checks, key=lambda check: (check.passed, _waived(page, check))),
        charts=_charts(page),
    )


def crossed(page: Page) -> list[str]:
    return [check.name for check in page.report.checks if not check.passed]


def verdict(page: Page) -> str:
    """The headline in words."""
    total, failed = len(page.report.checks), crossed(page)
    if not failed:
        return f"All {total} checks passed."
    return f"{len(failed)} of {total} checks crossed their threshold: {', '.join(failed)}."


def svg(chart: Chart, name: str) -> str:
    """An inline SVG that scales with its card; ids are the chart's own, colours the page's."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(chart.spec, vl_version=VEGALITE, allowed_base_urls=[])
    drawn = re.sub(r'(id="|url\(#)', rf"\g<1>{name}-", drawn)
    head = f'<svg role="img" aria-label="{escape(chart.alt)}"'
    return drawn.replace("<svg", head, 1)


def _charts(page: Page) -> dict[int, str]:
    charts = [chart for section in page.sections for chart in section.charts]
    return {id(chart): svg(chart, f"c{place}") for place, chart in enumerate(charts)}


def _waived(page: Page, check: Check) -> bool:
    return check.name in page.waived


def _state(page: Page, check: Check) -> str:
    return "passed" if check.passed else "waived" if _waived(page, check) else "failed"


_NUMERIC = re.compile(rf"[+{MINUS}]?\d[\d.,\u202f]*( %| RIR)?")


def _is_number(value: Any) -> bool:
    """Of a table's cell: a number, or text that is one; it is set flush right."""
    if isinstance(value, str):
        return _NUMERIC.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, words=words)
    environment.globals.update(state=_state, is_number=_is_number, ref=id)
    return environment.get_template("page.html.j2")
