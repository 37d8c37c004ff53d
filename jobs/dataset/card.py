"""The dataset card: the facts as Markdown, with the front matter that dataset hubs read."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fitsense.config import canonical_json
from jobs.dataset.split import STRATA

TABLES = (
    ("type", "type"),
    ("language", "language"),
    ("age_band", "age band"),
    ("sex", "sex"),
    ("goal", "goal"),
    ("activity", "activity"),
    ("experience", "experience"),
    ("condition", "condition"),
    ("equipment_kit", "equipment"),
    ("action", "action"),
)
_OWN_TEACHER = "The answers were made by FitSense's own rules."
_FOREIGN_TEACHER = (
    "The answers were written by a model of another provider ({model}): its terms of use bind whoever "
    "trains on them."
)


def card(facts: dict[str, Any]) -> str:
    """``card.md`` of the facts of ``facts.facts``."""
    titles = [name.replace("_", " ") for name in STRATA]
    strata = f"{', '.join(titles[:-1])} and {titles[-1]}"
    licence = _teacher_licence(facts)
    return _template().render(facts=facts, tables=TABLES, strata=strata, teacher_licence=licence)


def _teacher_licence(facts: dict[str, Any]) -> str:
    for stage in facts["recipe"]:
        if stage["stage"] == "teacher" and stage["params"].get("kind") != "rules":
            return _FOREIGN_TEACHER.format(model=stage["params"].get("model", "unknown"))
    return _OWN_TEACHER


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("jobs.dataset", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML; ``cell`` escapes what would break a table
        keep_trailing_newline=True,
    )
    environment.filters.update(count=_count, percent=_percent, cell=_cell, params=_params)
    return environment.get_template("card.md.j2")


def _count(n: int) -> str:
    return f"{n:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _cell(value: str) -> str:
    """Text that may stand in a table: no pipes, no line ends, no markup."""
    flat = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "|*`<>[]\\" else c for c in flat)


def _params(params: dict[str, Any]) -> str:
    text = canonical_json(params).decode().replace("|", "\\|")
    return f"`{text}`" if params else "none"
