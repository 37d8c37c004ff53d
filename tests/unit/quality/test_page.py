"""The pages: the same bytes twice, self-contained, legible without colour, charts with words for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser

import polars as pl
import pytest

from fitsense.artifacts import to_json
from fitsense.reporting.checks import at_most, none_of, plain, report, rounded
from fitsense.reporting.elements import Chart, Page, Section, Table
from fitsense.reporting.render import html, verdict
from fitsense.reporting.text import count, number, percent, signed_percent
from jobs.anomalies.page import build as anomalies_page
from jobs.bias.page import build as bias_page
from jobs.histograms import histogram
from jobs.quality_gate.gate import judge, weigh
from jobs.quality_gate.page import build as gate_page
from jobs.statistics.page import build as statistics_page
from jobs.validation.page import build as validation_page
from tests.unit.quality.judging import anomalies, bias, statistics, tables, validation
from tests.unit.quality.samples import Run, clean_run

PAGES: dict[str, Callable[[Run], Page]] = {
    "validation": lambda run: validation_page(*validation(run)),
    "statistics": lambda run: statistics_page(statistics(run, reference=run.index().head(900))),
    "anomalies": lambda run: anomalies_page(*anomalies(tables(run))),
    "bias": lambda run: bias_page(bias(run)),
}


@cache
def made(name: str) -> tuple[Page, str]:
    page = PAGES[name](clean_run(1200))
    return page, html(page)


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return made(request.param)[0]


@pytest.fixture
def text(page: Page) -> str:
    """The page as HTML."""
    return made(page.report.stage)[1]


class Tags(HTMLParser):
    """Opened tags with their attributes; complains of tags that do not close in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def charts(page: Page) -> Iterator[Chart]:
    for section in page.sections:
        yield from section.charts


def test_the_same_data_give_the_same_bytes() -> None:
    for name, make in PAGES.items():
        page = make(clean_run(1200))
        before, text = made(name)
        assert to_json(page.report) == to_json(before.report)
        assert html(page) == text


def test_a_page_fetches_and_runs_nothing(text: str) -> None:
    tags = Tags(text)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags.found}
    assert not re.findall(r"(?:src|href|srcset)\s*=|url\((?!#)|@import|@font-face", text)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_every_chart_has_words_and_its_own_ids(page: Page, text: str) -> None:
    tags = Tags(text)
    drawn = [attributes for tag, attributes in tags.found if tag == "svg"]
    assert len(drawn) == len(list(charts(page))) > 0
    assert all(
        attributes["role"] == "img" and len(attributes["aria-label"] or "") > 30 for attributes in drawn
    )
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_charts_fit_a_phone_and_take_the_page_s_colours(text: str) -> None:
    widths = [float(w) for w in re.findall(r'<svg [^>]*?viewBox="0 0 ([\d.]+) ', text)]
    assert widths
    assert max(widths) <= 345
    assert not re.findall(r'(?:fill|stroke)="(?!none|var\(--|transparent)[^"]+"', text)


def test_specs_hold_against_the_vega_lite_schema(page: Page) -> None:
    import altair

    for chart in charts(page):
        altair.LayerChart.from_dict(chart.spec)


def test_a_red_page_says_so_in_words() -> None:
    red = report("validation", [none_of("schema", 3, "broken"), none_of("index", 0)], {})
    page = Page(title="T", purpose="P", report=red)
    text = html(page)
    assert verdict(page) == "1 of 2 checks crossed their threshold: schema."
    assert "✗ failed" in text
    assert text.index("<code>schema") < text.index("<code>index")
    assert "<title>FAILED" in text


def test_what_comes_from_data_is_escaped() -> None:
    red = report("validation", [none_of("schema", 1, "<b>&")], {})
    table = Table("<i>", ["<u>"], [["<script>alert(1)</script>"]])
    text = html(Page(title="<x>", purpose="", report=red, sections=[Section("s", tables=[table])]))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_gate_s_page_lists_every_check() -> None:
    reports = [made(name)[0].report for name in PAGES]
    weighed = weigh(reports, [])
    text = html(gate_page(judge(weighed), weighed))
    for one in reports:
        for check in one.checks:
            assert f"{one.stage}.{check.name}" in text


def test_checks_pass_exactly_when_value_and_threshold_say_so() -> None:
    assert at_most("a", 0.1 + 0.2, 0.3).passed
    assert not at_most("a", 0.300001, 0.3).passed
    with pytest.raises(ValueError, match="nan"):
        at_most("a", float("nan"), 1)


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two checks"):
        report("validation", [none_of("a", 0), none_of("a", 0)], {})


def test_no_check_at_all_is_no_pass() -> None:
    assert not report("validation", [], {}).passed


def test_facts_are_plain_and_rounded() -> None:
    assert plain({"a": (1 / 3, float("inf")), 2: True}) == {"a": [0.333333, None], "2": True}
    assert rounded(123456.789) == 123457


def test_numbers_are_written_as_people_read_them() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert [percent(v) for v in (0, 0.004, 0.051, 0.5, 1)] == ["0 %", "0.40 %", "5.1 %", "50 %", "100 %"]
    assert [signed_percent(v) for v in (0.05, -0.05, 0.0001)] == ["+5.0 %", "\u22125.0 %", "0 %"]
    assert [number(v) for v in (None, True, 3, 0.5, "x")] == ["\u2013", "yes", "3", "0.5", "x"]


def test_bins_of_counts_hold_whole_numbers() -> None:
    told = histogram({"a": pl.Series([2, 3, 3, 6])})
    assert told["edges"] == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert told["shares"]["a"] == [0.25, 0.5, 0, 0, 0.25]


def test_bins_lose_nothing() -> None:
    told = histogram({"a": pl.Series([0.0, *[0.1 * i for i in range(500)], 1e6])})
    assert sum(told["shares"]["a"]) == pytest.approx(1)
    assert len(told["edges"]) < 70
    assert histogram({})["shares"] == {}
