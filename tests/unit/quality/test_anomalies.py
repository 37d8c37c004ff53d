"""Anomalies: clean data are green, and each check has data that turn it red."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from jobs.anomalies.robust import learn, score
from jobs.anomalies.rules import TABLES, Number
from jobs.anomalies.tally import REFERENCE_PARTS, Tally, reference_parts
from tests.unit.quality.judging import Frames, anomalies, names, red, tables
from tests.unit.quality.samples import Run

ROW = pl.int_range(pl.len())
ODD = ["u00000003", "u00000011", "u00000020"]
BY_ODD = pl.col("user_id").is_in(ODD)


def put(table: str, column: str, value: Any, where: pl.Expr) -> Callable[[Frames], None]:
    """``value`` into ``column`` where ``where`` holds."""

    def break_(frames: Frames) -> None:
        changed = pl.when(where).then(value).otherwise(pl.col(column))
        frames[table] = frames[table].with_columns(changed.alias(column))

    return break_


def skip_days(frames: Frames) -> None:
    middle = pl.col("date").dt.day().is_between(12, 14)
    frames["days"] = frames["days"].filter(~(BY_ODD & middle))


def repeat_days(frames: Frames) -> None:
    frames["days"] = pl.concat(
        [frames["days"], frames["days"].filter(BY_ODD & (pl.col("date").dt.day() == 9))]
    )


DAY = pl.int_range(pl.len()).over("user_id")
RARE = ROW % 25 == 0
BREAKS: list[tuple[str, Callable[[Frames], None]]] = [
    ("impossible_profiles", put("profiles", "age", 12, ROW == 0)),
    ("impossible_profiles", put("profiles", "kcal_target", 900.0, ROW == 0)),
    ("impossible_profiles", put("profiles", "bmi", 45.0, ROW == 0)),
    ("impossible_profiles", put("profiles", "gestation_weeks", 20, pl.col("sex") == "M")),
    ("impossible_sets", put("sets", "reps", -1, ROW == 5)),
    ("impossible_sets", put("sets", "weight_kg", 500.0, ROW == 5)),
    ("impossible_sets", put("sets", "rir", -2.0, ROW == 5)),
    ("impossible_days", put("days", "sleep_h", 25.0, ROW == 5)),
    ("impossible_days", put("days", "done_session", True, ROW == 1)),
    ("impossible_weeks", put("weeks", "done_sessions", 9, ROW == 5)),
    ("impossible_dataset", put("dataset", "action", pl.lit("escalate"), pl.col("has_plan"))),
    ("impossible_dataset", put("dataset", "plan_days", 9, pl.col("has_plan"))),
    ("outliers_profiles", put("profiles", "bench_e1rm_kg", 1500.0, RARE)),
    ("outliers_sets", put("sets", "weight_kg", 399.0, RARE)),
    ("outliers_days", put("days", "sleep_h", 0.5, RARE)),
    ("outliers_weeks", put("weeks", "mean_rir", 40.0, RARE)),
    ("outliers_dataset", put("dataset", "response_chars", 900_000, RARE)),
    ("gaps", skip_days),
    ("gaps", repeat_days),
    ("stuck", put("days", "sleep_h", 7.0, BY_ODD)),
    ("weight_jumps", put("days", "weight_kg", pl.col("weight_kg") * 1.08, BY_ODD & (DAY == 20))),
    ("energy_balance", put("days", "weight_kg", pl.col("weight_kg") + DAY * 0.2, BY_ODD)),
]


def test_clean_data_are_green(run: Run) -> None:
    report, worst = anomalies(tables(run))
    assert report.passed
    assert worst["impossible"].is_empty()
    assert worst["people"].is_empty()


def test_every_check_has_a_breakage(run: Run) -> None:
    assert names(anomalies(tables(run))[0]) == {name for name, _ in BREAKS}


@pytest.mark.parametrize(("name", "break_"), BREAKS)
def test_broken_data_turn_their_check_red(run: Run, name: str, break_: Callable[[Frames], None]) -> None:
    frames = tables(run)
    break_(frames)
    report, _ = anomalies(frames)
    assert name in red(report)


def test_every_rule_judges_something(run: Run) -> None:
    """A rule whose columns are always null would check nothing."""
    frames = tables(run)
    people = frames["profiles"].with_columns(gestation_weeks=pl.lit(20))
    for name, table in TABLES.items():
        frame = people if name == "profiles" else frames[name]
        for rule in table.rules:
            assert frame.select(rule.broken.is_not_null().any()).item(), f"{name}.{rule.name}"


def test_the_worst_rows_name_who_when_and_what(run: Run) -> None:
    frames = tables(run)
    put("sets", "weight_kg", 399.0, ROW == 77)(frames)
    _, worst = anomalies(frames)
    row = worst["outliers"].filter(pl.col("table") == "sets").row(0, named=True)
    assert row["who"] == frames["sets"]["user_id"][77]
    assert row["number"] in {"load", "load_over_planned"}


def test_odd_people_are_named_with_the_reason(run: Run) -> None:
    frames = tables(run)
    put("days", "sleep_h", 7.0, BY_ODD)(frames)
    skip_days(frames)
    _, worst = anomalies(frames)
    assert sorted(worst["people"]["user_id"]) == ODD
    assert set(worst["people"]["why"]) == {"gaps, stuck"}


def test_robust_scores_do_not_bend_to_the_outlier() -> None:
    frame = pl.DataFrame({"user_id": [str(i) for i in range(101)], "x": [*np.linspace(0, 1, 100), 1e9]})
    number = Number("x", pl.col("x"))
    scored = score(frame, number, learn(frame, number, "user_id"))
    assert scored["z"][-1] > 1e6
    assert scored["z"].head(100).abs().max() < 3  # type: ignore[operator]


def test_equal_values_are_no_reason_to_call_the_next_one_an_outlier() -> None:
    frame = pl.DataFrame({"user_id": [str(i) for i in range(50)], "x": [7.0] * 49 + [7.01]})
    number = Number("x", pl.col("x"))
    scored = score(frame, number, learn(frame, number, "user_id"))
    assert scored["z"].abs().max() <= 8  # type: ignore[operator]


def test_a_group_of_few_people_is_not_judged() -> None:
    """A thousand sets of five people say nothing of the sixth."""
    frame = pl.DataFrame({"user_id": [str(i % 5) for i in range(1000)], "x": [1.0] * 999 + [1e6]})
    number = Number("x", pl.col("x"))
    assert score(frame, number, learn(frame, number, "user_id")).is_empty()


def test_parts_give_what_the_whole_gives(run: Run) -> None:
    frames = tables(run)
    put("sets", "weight_kg", 399.0, RARE)(frames)
    whole, _ = anomalies(frames)
    tally = Tally(8, frames["profiles"])
    for name, frame in frames.items():
        tally.learn(name, frame)
        parts = (
            frame.partition_by("user_id", maintain_order=True)
            if name == "days"
            else [frame.head(50), frame.tail(-50)]
        )
        for part in parts:
            tally.add(name, part)
    assert {n: tally.outliers[n].total() for n in frames} != dict.fromkeys(frames, 0)
    assert tally.people().sort("user_id").height == whole.facts["people"]
    shares = whole.facts["outlier_shares"]["sets"]
    assert shares["load"] == pytest.approx(
        tally.outliers["sets"]["load"] / tally.judged["sets"]["load"], rel=1e-5
    )


def test_reference_parts_are_seeded_and_few() -> None:
    assert reference_parts(3, 1) == [0, 1, 2]
    assert len(reference_parts(1000, 1)) == REFERENCE_PARTS
    assert reference_parts(1000, 1) == reference_parts(1000, 1) != reference_parts(1000, 2)
