"""The anomalies report as a page."""

from __future__ import annotations

from typing import Any

import polars as pl

from fitsense.manifest import Report
from fitsense.reporting import charts
from fitsense.reporting.elements import Page, Section, Table, Tile
from fitsense.reporting.text import MINUS, count, percent, words
from jobs.anomalies.checks import NOUNS

SHOWN = 25
TITLES = {
    "bmi": ("Body mass index", "kg/m²", "of people"),
    "sleep_h": ("Sleep a night", "hours", "of days"),
    "kcal_over_need": ("Energy eaten over need", "ratio", "of days"),
    "rir": ("Repetitions in reserve", "RIR", "of sets"),
    "weight_change_pct": ("Weight change in a week", "% of body weight", "of weeks"),
    "residual_kg": ("Weight change that energy does not explain", "kg", "of people"),
}


def build(report: Report, worst: dict[str, pl.DataFrame]) -> Page:
    facts = report.facts
    return Page(
        title="Anomalies",
        purpose="Values that cannot be, and values that hardly can: in the synthetic people, in their "
        "training logs, and in the lengths of the dataset's records.",
        report=report,
        tiles=_tiles(facts),
        sections=[_numbers(facts), _found(facts), _worst(facts, worst)],
        notes=[
            "Outlier: further from the median of its group than the configured number of median "
            "absolute deviations (MAD). Groups are, for example, an exercise for loads, or sex and "
            "experience for strength.",
            "Impossible: breaks a rule of arithmetic, physiology or safety (N-03, N-08: energy floors).",
            f"Energy balance: weight change from the first to the last week against (eaten {MINUS} need) / "
            "7 700 kcal per kg; allowed are 2 kg for water, and 20 % of the need for what food logs miss "
            "and formulas err by.",
        ],
    )


def _tiles(facts: dict[str, Any]) -> list[Tile]:
    rows = facts["rows"]
    impossible = sum(n for table in facts["impossible"].values() for n in table.values())
    furthest = max((abs(row["z"]) for row in facts["worst"]), default=0.0)
    return [
        Tile("Values that cannot be", count(impossible)),
        Tile("Furthest value", f"{furthest:.1f} MADs", f"judged from {facts['outlier_mads']:g}"),
        *(
            Tile(NOUNS[name].capitalize(), count(n))
            for name, n in rows.items()
            if name in ("profiles", "days", "sets")
        ),
    ]


def _numbers(facts: dict[str, Any]) -> Section:
    shown = [
        charts.histogram(
            TITLES[name][0], told["edges"], told["shares"], TITLES[name][1], note=f"Share {TITLES[name][2]}."
        )
        for name, told in facts["histograms"].items()
        if told["shares"]
    ]
    return Section(
        "What the numbers look like",
        "Drawn from the reference sample that medians are learned from.",
        charts=shown,
    )


def _found(facts: dict[str, Any]) -> Section:
    outliers = [
        charts.bars(f"Outliers among {NOUNS[name]}", [(words(n), v) for n, v in shares.items()])
        for name, shares in facts["outlier_shares"].items()
    ]
    broken = [
        [NOUNS[name], words(rule), n]
        for name, rules in facts["impossible"].items()
        for rule, n in rules.items()
        if n
    ]
    table = Table("Rules broken", ["Table", "Rule", "Rows"], broken, empty="No rule is broken.")
    return Section("What was found", charts=outliers, tables=[table])


def _worst(facts: dict[str, Any], worst: dict[str, pl.DataFrame]) -> Section:
    ranked = sorted(facts["worst"], key=lambda row: (-abs(row["z"]), row["who"], row["when"]))[:SHOWN]
    rows = [
        [
            NOUNS[r["table"]],
            r["who"],
            r["when"],
            words(r["number"]),
            r["group"],
            r["value"],
            r["median"],
            r["z"],
        ]
        for r in ranked
    ]
    odd = [
        [who, why, gaps, stuck, percent(jump) if jump is not None else None, residual, tolerance]
        for who, why, gaps, stuck, jump, residual, tolerance in worst["people"].head(SHOWN).iter_rows()
    ]
    cannot = [list(row) for row in worst["impossible"].head(SHOWN).iter_rows()]
    return Section(
        "The worst rows",
        f"At most {SHOWN} each; being listed under furthest values is no fault below the limit.",
        tables=[
            Table("Rows that cannot be", ["Table", "Who", "When", "What"], cannot, empty="None."),
            Table(
                "People with odd day logs",
                [
                    "Person",
                    "Why",
                    "Days missing",
                    "Longest run",
                    "Largest jump",
                    "Unexplained kg",
                    "Tolerance kg",
                ],
                odd,
                empty="Nobody.",
            ),
            Table(
                "Furthest values",
                ["Table", "Who", "When", "Number", "Group", "Value", "Median", "MADs"],
                rows,
            ),
        ],
    )
