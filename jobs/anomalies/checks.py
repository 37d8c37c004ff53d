"""The judgements of the anomalies report."""

from __future__ import annotations

from typing import Any

import polars as pl

from fitsense.config import Anomalies
from fitsense.manifest import Check, Report
from fitsense.reporting.checks import at_most, report, share
from fitsense.reporting.text import count, words
from jobs import histograms as bins
from jobs.anomalies.rules import TABLES
from jobs.anomalies.series import JUMP, STUCK_RUN
from jobs.anomalies.tally import Tally

Worst = dict[str, pl.DataFrame]
NOUNS = {"profiles": "people", "sets": "sets", "days": "days", "weeks": "weeks", "dataset": "records"}


def judge(tally: Tally, params: Anomalies) -> tuple[Report, Worst]:
    """The report, and the tables of worst rows that its page shows."""
    people = tally.people()
    checks = [
        *(_impossible(tally, name, params) for name in TABLES),
        *(_outliers(tally, name, params) for name in TABLES),
        *_series(people, params),
    ]
    worst = {"impossible": tally.impossible(), "outliers": tally.worst(), "people": _odd_people(people)}
    return report("anomalies", checks, _facts(tally, people, params)), worst


def _impossible(tally: Tally, name: str, params: Anomalies) -> Check:
    rows, bad = tally.rows[name], tally.impossible_rows[name]
    found = {
        rule.says: tally.broken[name][rule.name]
        for rule in TABLES[name].rules
        if tally.broken[name][rule.name]
    }
    told = (
        "; ".join(f"{says}: {count(n)}" for says, n in found.items())
        or f"none of {len(TABLES[name].rules)} rules broken"
    )
    said = f"{count(bad)} of {count(rows)} {NOUNS[name]} cannot be ({told})"
    return at_most(f"impossible_{name}", share(bad, rows), params.max_impossible_share, said)


def _outliers(tally: Tally, name: str, params: Anomalies) -> Check:
    judged, found = tally.judged[name], tally.outliers[name]
    shares = {number: share(found[number], judged[number]) for number in judged}
    worst = max(shares, key=shares.__getitem__)
    said = (
        f"{words(worst)}: {count(found[worst])} of {count(judged[worst])} values lie over "
        f"{params.outlier_mads:g} MADs from the median of their group"
    )
    return at_most(f"outliers_{name}", shares[worst], params.max_outlier_share, said)


def _series(people: pl.DataFrame, params: Anomalies) -> list[Check]:
    said = {
        "gaps": "people whose day log skips or repeats a day",
        "stuck": f"people with {STUCK_RUN} or more equal readings in a row",
        "weight_jumps": f"people whose weight moves by over {JUMP:.0%} within three days",
        "energy_balance": "people whose weight change their energy balance does not explain",
    }
    odd = people.select(odd_expressions()).sum().row(0, named=True)
    return [
        at_most(
            name,
            share(int(odd[name] or 0), people.height),
            params.max_outlier_share,
            f"{count(odd[name] or 0)} of {count(people.height)} {text}",
        )
        for name, text in said.items()
    ]


def odd_expressions() -> list[pl.Expr]:
    """One boolean column each, of a frame of ``series.people``."""
    return [
        ((pl.col("gap_days") > 0) | (pl.col("days_logged") > pl.col("dates"))).alias("gaps"),
        (pl.col("stuck") >= STUCK_RUN).alias("stuck"),
        (pl.col("jump") > JUMP).alias("weight_jumps"),
        (pl.col("residual_kg").abs() > pl.col("tolerance_kg")).alias("energy_balance"),
    ]


def _odd_people(people: pl.DataFrame) -> pl.DataFrame:
    flagged = people.with_columns(odd_expressions())
    names = [e.meta.output_name() for e in odd_expressions()]
    odd = flagged.filter(pl.any_horizontal(names))
    why = (
        pl.concat_list([pl.when(pl.col(n)).then(pl.lit(words(n))) for n in names])
        .list.drop_nulls()
        .list.join(", ")
    )
    ranked = odd.with_columns(why.alias("why")).sort(
        pl.col("residual_kg").abs().fill_null(0).round(6), "user_id", descending=[True, False]
    )
    return ranked.select("user_id", "why", "gap_days", "stuck", "jump", "residual_kg", "tolerance_kg")


def _facts(tally: Tally, people: pl.DataFrame, params: Anomalies) -> dict[str, Any]:
    return {
        "rows": {name: tally.rows[name] for name in TABLES},
        "impossible": {name: dict(tally.broken[name]) for name in TABLES},
        "outlier_mads": params.outlier_mads,
        "outlier_shares": {
            n: {k: share(tally.outliers[n][k], v) for k, v in tally.judged[n].items()} for n in TABLES
        },
        "people": people.height,
        "histograms": {
            "bmi": bins.histogram({"people": tally.samples["profiles"]["bmi"]}),
            "kcal_over_need": bins.histogram({"days": _ratio(tally, "kcal", "tdee_kcal")}),
            "sleep_h": bins.histogram({"days": tally.samples["days"]["sleep_h"]}),
            "rir": bins.histogram({"sets": tally.samples["sets"]["rir"]}),
            "weight_change_pct": bins.histogram({"weeks": tally.samples["weeks"]["weight_change_pct"]}),
            "residual_kg": bins.histogram({"people": people["residual_kg"]}),
        },
        "worst": tally.worst().with_columns(pl.col("value", "median", "z").round(4)).to_dicts(),
    }


def _ratio(tally: Tally, over: str, under: str) -> pl.Series:
    return tally.samples["days"].select(pl.col(over) / pl.col(under)).to_series()
