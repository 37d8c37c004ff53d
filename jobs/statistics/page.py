"""The statistics report as a page."""

from __future__ import annotations

from typing import Any

from fitsense.manifest import Report
from fitsense.reporting import charts
from fitsense.reporting.elements import Chart, Page, Section, Table, Tile
from fitsense.reporting.text import DASH, MINUS, count, percent, words
from jobs.statistics.population import SLICES

CHARTED = 12
"""Bars of a chart; the rest stands in report.json."""
AXES = {
    "prompt_chars": ("Length of prompts", "characters"),
    "context_chars": ("Length of contexts", "characters"),
    "response_chars": ("Length of responses", "characters"),
    "plan_sets": ("Weekly sets of a plan", "sets"),
    "plan_days": ("Training days of a plan", "days"),
}


def build(report: Report) -> Page:
    facts = report.facts
    sections = [_content(facts), _slices(facts), _lengths(facts), _variety(facts), _drift(facts)]
    return Page(
        title="Statistics",
        purpose="What the dataset holds, whether its answers differ from each other, whether the people it "
        "was made for are all in it, and how far it moved from an earlier one.",
        report=report,
        tiles=_tiles(facts),
        sections=sections,
        notes=[
            "Population: all prompts asked. A slice is judged by the rarest value that people have.",
            f"Stability index (PSI): Σ (a {MINUS} e) ln(a / e) over the shares of both sides; under 0.1 is "
            "called steady, over 0.25 a drift. Numbers are cut at the tenths of the reference.",
            "Tokens are estimated: four characters each in English and Spanish, two in Hindi.",
            "distinct-n: different n-grams among the first 3 000 words of a prompt type, in a seeded sample.",
        ],
    )


def _tiles(facts: dict[str, Any]) -> list[Tile]:
    lengths = facts["lengths"].values()
    tokens = sum(column["tokens"] for split in lengths for column in split.values())
    unique = facts["uniqueness"]
    least = min(unique, key=lambda kind: (unique[kind]["responses"], kind), default="")
    carried = min((told["share"] for told in facts["context"].values()), default=0.0)
    kept = percent(facts["records"] / facts["asked"]) if facts["asked"] else DASH
    return [
        Tile("Records", count(facts["records"]), f"{kept} of the prompts asked"),
        Tile("Tokens", f"{tokens / 1e6:.2f} M", "estimated"),
        Tile("Least unique type", percent(unique[least]["responses"]) if least else DASH, words(least)),
        Tile("Sleep, energy, weight shown", percent(carried), "the least of the three, after week 0"),
    ]


def _bars(title: str, shares: dict[str, float], note: str = "") -> Chart:
    more = len(shares) - CHARTED
    rest = f"{more} rarer values are in report.json." if more > 0 else ""
    rows = [(words(name), value) for name, value in list(shares.items())[:CHARTED]]
    return charts.bars(title, rows, note=note or rest)


def _content(facts: dict[str, Any]) -> Section:
    categories, by_type = facts["categories"], facts["actions_by_type"]
    actions = list(categories["action"])
    stacks = [
        (words(kind), {words(a): shares.get(a, 0.0) for a in actions}) for kind, shares in by_type.items()
    ]
    return Section(
        "What is in it",
        charts=[
            _bars("Prompt types", categories["type"]),
            _bars("Languages", categories["language"]),
            _bars("Actions", categories["action"]),
            charts.stacked("Actions by prompt type", stacks, [words(a) for a in actions]),
            _bars("Tags", facts["tags"], "A record may carry several."),
            _context(facts["context"]),
        ],
    )


def _context(context: dict[str, dict[str, float]]) -> Chart:
    rows = [(name, told["share"]) for name, told in context.items()]
    of = count(next(iter(context.values()))["of"]) if context else "0"
    return charts.bars("What reaches the prompts", rows, note=f"Share of the {of} records after week 0.")


def _slices(facts: dict[str, Any]) -> Section:
    shown = [_slice_chart(name, facts["categories"][name], facts["population"][name]) for name in SLICES]
    rows = [
        [words(name), len(records), min(records.values(), default=0), round(facts["population_psi"][name], 4)]
        for name, records in facts["slice_records"].items()
    ]
    columns = ["Slice", "Values that people have", "Records of the rarest", "Stability index"]
    return Section(
        "Whom it speaks for",
        "Bars are the dataset's shares, ticks the population's: a bar short of its tick is a group that "
        "lost records on the way.",
        charts=shown,
        tables=[Table("Slices in numbers", columns, rows)],
    )


def _slice_chart(name: str, ours: dict[str, float], theirs: dict[str, float]) -> Chart:
    values = sorted({*ours, *theirs}, key=lambda value: (-theirs.get(value, 0.0), value))
    if name == "age_band":
        values.sort()
    rows = [(words(value), ours.get(value, 0.0), theirs.get(value, 0.0)) for value in values[: 2 * CHARTED]]
    return charts.against(words(name).capitalize(), rows, ("dataset", "population"))


def _lengths(facts: dict[str, Any]) -> Section:
    shown = [
        charts.histogram(AXES[c][0], told["edges"], told["shares"], AXES[c][1])
        for c, told in facts["histograms"].items()
        if told["shares"]
    ]
    rows = [
        [
            split,
            words(column.removesuffix("_chars")),
            *(round(told[k]) for k in ("mean", "median", "p95", "max", "tokens_mean", "tokens")),
        ]
        for split, columns in facts["lengths"].items()
        for column, told in columns.items()
    ]
    heads = ["Split", "Text", "Mean", "Median", "95 %", "Longest", "Tokens each", "Tokens in all"]
    return Section(
        "Lengths and plans",
        "Shares within each split; the three lines should lie on each other.",
        charts=shown,
        tables=[Table("Lengths in characters, and estimated tokens", heads, rows)],
    )


def _variety(facts: dict[str, Any]) -> Section:
    unique, diversity = facts["uniqueness"], facts["diversity"]
    rows = [
        [
            what,
            words(kind),
            told["words"],
            told["vocabulary"],
            *(percent(told[f"distinct_{n}"]) for n in (1, 2, 3)),
        ]
        for what, key in (("prompts", "prompts"), ("answers", "messages"))
        for kind, told in diversity[key].items()
    ]
    heads = ["Text", "Prompt type", "Words", "Vocabulary", "distinct-1", "distinct-2", "distinct-3"]
    return Section(
        "Variety",
        f"Words of {count(diversity['records'])} records, drawn by seed.",
        charts=[
            charts.bars(
                "Different responses per prompt type", [(words(k), t["responses"]) for k, t in unique.items()]
            ),
            charts.bars(
                "Different prompts per prompt type", [(words(k), t["prompts"]) for k, t in unique.items()]
            ),
            charts.bars(
                "distinct-2 of answers",
                [(words(k), t["distinct_2"]) for k, t in diversity["messages"].items()],
            ),
        ],
        tables=[Table("Vocabulary", heads, rows)],
    )


def _drift(facts: dict[str, Any]) -> Section:
    drift, beside = facts["drift"], facts["reference"]
    if drift is None:
        return Section(
            "Drift",
            "No reference run is named in the config (statistics.reference_run): no drift was judged.",
        )
    ranked = sorted(drift.items(), key=lambda item: (-item[1], item[0]))
    index = charts.bars(
        "Stability index by feature", [(words(n), v) for n, v in ranked], lambda v: f"{v:.3f}"
    )
    moved = [_moved(facts, beside, name) for name, _ in ranked[:5]]
    return Section(
        "Drift",
        f"Against run {facts['reference_run']} with {count(beside['records'])} records; the five features "
        "that moved most are drawn.",
        charts=[index, *moved],
    )


def _moved(facts: dict[str, Any], beside: dict[str, Any], name: str) -> Chart:
    if name in beside["histograms"]:
        told, (title, axis) = beside["histograms"][name], AXES[name]
        return charts.histogram(title, told["edges"], told["shares"], axis)
    ours, theirs = facts["categories"][name], beside["categories"][name]
    values = sorted({*ours, *theirs}, key=lambda value: (-theirs.get(value, 0.0), value))[:CHARTED]
    rows = [(words(v), ours.get(v, 0.0), theirs.get(v, 0.0)) for v in values]
    return charts.against(words(name).capitalize(), rows, ("this run", "reference"))
