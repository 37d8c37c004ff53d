"""The bias report as a page."""

from __future__ import annotations

from typing import Any

from fitsense.manifest import Report
from fitsense.reporting import charts
from fitsense.reporting.elements import Chart, Page, Section, Table, Tile
from fitsense.reporting.text import DASH, MINUS, TIMES, count, percent, signed_percent, words
from jobs.bias.checks import FLIPS, MEANS


def build(report: Report) -> Page:
    facts = report.facts
    return Page(
        title="Bias",
        purpose="Are people of different slices rejected, referred and trained alike, and does the engine "
        "write the same plan when nothing but a person's sex or age is changed?",
        report=report,
        tiles=_tiles(facts),
        sections=[_flips(facts), _rejections(facts), _volume(facts), _others(facts)],
        notes=[
            "Each slice is held against all other people. A check's value is what the 95 % interval is sure "
            "of: the difference less its uncertainty, zero when the interval holds zero.",
            f"Slices with fewer than {facts['min_slice']} are shown, not judged.",
            "Intervals: Newcombe's for differences of shares, the delta method for relative means over "
            "people, a seeded bootstrap for counterfactuals.",
            "Goals, activity and conditions change a plan's volume by rule (V-04, V-05): shown, not judged.",
        ],
    )


def _tiles(facts: dict[str, Any]) -> list[Tile]:
    flips = [
        Tile(
            f"Sets change, other {flip}",
            percent(told["size_of_sets_change"]["mean"]),
            f"mean size over {count(told['n'])} pairs",
        )
        for flip, told in facts["counterfactuals"].items()
        if told["n"]
    ]
    rejected = facts["asked"] - facts["kept"]
    part = percent(rejected / facts["asked"]) if facts["asked"] else DASH
    return [
        Tile("Prompts asked", count(facts["asked"]), f"by {count(facts['people'])} people"),
        Tile("Rejected", part, count(rejected)),
        *flips,
    ]


def _flips(facts: dict[str, Any]) -> Section:
    told = {flip: facts["counterfactuals"][flip] for flip in FLIPS if facts["counterfactuals"][flip]["n"]}
    if not told:
        return Section(
            "Counterfactuals",
            "None were asked for (bias.counterfactuals is 0), or no record with a plan could be flipped.",
        )
    engine = (
        ""
        if facts["teacher"] == "rules"
        else (
            " The dataset's answers come from a model; these are the rule engine's own, for the same people: "
            "they judge the engine that verifies and repairs, not the model."
        )
    )
    rows = [
        [flip, what, values["n"], *(_shown(name, values[k]) for k in ("mean", "low", "high"))]
        for flip, effect in told.items()
        for name, what in _EFFECTS.items()
        for values in [effect[name]]
    ]
    far = [
        [
            f["id"],
            f["flip"],
            f"{f['from']} → {f['to']}",
            f["sets_before"],
            f["sets_after"],
            signed_percent(f["sets"]),
        ]
        for f in facts["furthest_flips"]
    ]
    return Section(
        "Counterfactuals",
        "The same prompts, answered again with nothing changed but the person's sex (F ↔ M) or age "
        "(by decades, 18 to 64)." + engine,
        charts=[_flip_chart(flip, effect) for flip, effect in told.items()],
        tables=[
            Table("Effects", ["Flip", "Change of", "Pairs", "Mean", "95 % from", "to"], rows),
            Table(
                "Pairs that changed most",
                ["Prompt", "Flip", "Change", "Sets before", "after", "Difference"],
                far,
                empty="No plan changed its sets.",
            ),
        ],
    )


_EFFECTS = {
    "size_of_sets_change": "weekly sets, size (judged)",
    "sets_change": "weekly sets, signed",
    "load_change": f"load (kg {TIMES} reps {TIMES} sets), signed",
    "rir_change": "repetitions in reserve",
}


def _shown(name: str, value: float) -> str:
    return f"{value:+.2f} RIR".replace("-", MINUS) if name == "rir_change" else signed_percent(value)


def _flip_chart(flip: str, effect: dict[str, Any]) -> Chart:
    told = effect["histogram"]
    return charts.histogram(
        f"Change of weekly sets when the {flip} is changed",
        [edge * 100 for edge in told["edges"]],
        told["shares"],
        "% of the sets before",
        note=f"{percent(effect['unchanged'])} of {count(effect['n'])} pairs keep every set; "
        f"the action changes in {percent(effect['other_action'])}.",
    )


def _rejections(facts: dict[str, Any]) -> Section:
    limit = facts["limits"]["rejected"]
    shown = [
        _intervals(words(name).capitalize(), slices, limit, True, "share rejected, less that of the rest")
        for name, slices in facts["disparities"]["rejected"].items()
    ]
    reasons = [[reason, n, percent(n / facts["asked"])] for reason, n in facts["reasons"].items()]
    return Section(
        "Who is rejected",
        f"Prompts that did not reach the dataset, for any reason. Dashed: ± {percent(limit)}, the limit.",
        charts=shown,
        tables=[
            Table("Reasons", ["Reason", "Prompts", "Share of all"], reasons, empty="Nothing was rejected.")
        ],
    )


def _volume(facts: dict[str, Any]) -> Section:
    limit, judged = facts["limits"]["plan_sets"], facts["volume_judged"]
    shown = [
        _intervals(
            words(name).capitalize(), slices, limit, name in judged, "weekly sets, relative to the rest"
        )
        for name, slices in facts["disparities"]["plan_sets"].items()
    ]
    return Section(
        "Who gets how much training",
        f"Weekly sets of plans, a mean per person. Dashed: ± {percent(limit)}.",
        charts=shown,
    )


def _intervals(title: str, slices: list[dict[str, Any]], limit: float, judged: bool, axis: str) -> Chart:
    rows = [
        (words(s["slice"]), s["low"], s["difference"], s["high"], _state(s, limit, judged))
        for s in slices
        if s["low"] is not None and s["high"] is not None
    ]
    left_out = len(slices) - len(rows)
    note = f"{left_out} slices of a single person are left out." if left_out else ""
    return charts.intervals(title, rows, limit, signed_percent, axis, note)


def _state(one: dict[str, Any], limit: float, judged: bool) -> str:
    if one["state"] == "shown" or not judged:
        return "shown"
    return "crossed" if max(one["low"], -one["high"]) > limit else "judged"


def _others(facts: dict[str, Any]) -> Section:
    found = facts["disparities"]
    means = [
        [words(d), words(sets["slice"]), sets["n"], *(_mean(found[m][d], sets["slice"]) for m in MEANS)]
        for d, slices in found["plan_sets"].items()
        for sets in slices
    ]
    columns = ["Slice", "Value", "People", "Weekly sets", "Training days", "Response characters"]
    return Section(
        "Slice by slice",
        "Referrals follow health by design: a condition or an age that is referred more often is expected, "
        "a sex or a language is not.",
        tables=[
            _shares("Rejected", found["rejected"]),
            _shares("Escalated or refused", found["escalated"]),
            Table("Plans and answers, mean of people", columns, means),
        ],
    )


def _shares(title: str, dimensions: dict[str, list[dict[str, Any]]]) -> Table:
    columns = ["Slice", "Value", "Records", "Share", "Of the rest", "Difference", "95 % from", "to"]
    rows = [
        [words(d), words(s["slice"]), s["n"], *(percent(s[k]) for k in ("value", "rest")), *_span(s)]
        for d, slices in dimensions.items()
        for s in slices
    ]
    return Table(title, columns, rows)


def _span(one: dict[str, Any]) -> list[str]:
    return [signed_percent(one[key]) for key in ("difference", "low", "high")]


def _mean(slices: list[dict[str, Any]], name: str) -> float | None:
    return next((round(float(s["value"]), 1) for s in slices if s["slice"] == name), None)
