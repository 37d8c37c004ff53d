from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.training.history.e1rm import e1rm
from jobs.queries.context import build_context
from jobs.queries.logs import UserLog, e1rm_expr, load_logs
from tests.unit.queries.history import START, profile


@given(st.floats(1, 300), st.integers(0, 25), st.sampled_from([0.0, 0.5, 1.0, 2.5, 3.0, 3.5, 5.0]))
def test_the_expression_is_the_engines_formula(kg: float, reps: int, rir: float) -> None:
    frame = pl.DataFrame({"weight_kg": [kg], "reps": [reps], "rir": [rir]})
    found, wanted = frame.select(e1rm_expr()).item(), e1rm(kg, reps, rir)
    assert (found is None) == (wanted is None)
    assert found == pytest.approx(wanted)


def row(week: int, session: int, number: int, reps: int, kg: float | None, rir: float) -> dict[str, Any]:
    return {
        "user_id": "u00000003",
        "week": week,
        "session": session,
        "exercise_id": "hp01" if kg else "sq06",
        "set_index": number,
        "reps": reps,
        "weight_kg": kg,
        "rir": rir,
    }


def summary(week: int, **changes: Any) -> dict[str, Any]:
    base = {"planned_sessions": 3, "done_sessions": 2, "sleep_mean_h": 7.04, "kcal_mean": 2100.4}
    base |= {"weight_mean_kg": 70.0 - week, "stalled": False, "deload": False}
    return {"user_id": "u00000003", "week": week, **base, **changes}


def day(number: int, **changes: Any) -> dict[str, Any]:
    base = {"pain": 0, "pain_area": None, "note": None}
    return {"user_id": "u00000003", "date": START + dt.timedelta(days=number), **base, **changes}


@pytest.fixture
def log() -> UserLog:
    sets = [
        row(0, 0, 0, 8, 60.0, 2.0),
        row(0, 1, 0, 9, 60.0, 2.0),
        row(2, 0, 0, 6, 62.5, 1.0),
        row(2, 0, 1, 5, 62.5, 5.0),  # too easy to count
        row(2, 0, 0, 20, None, 3.0),
        row(3, 0, 0, 5, 65.0, 1.0),
    ]
    days = [
        day(0),
        day(3, note="first week"),
        day(15, pain=4, pain_area="knee"),
        day(16, note="sore"),
        day(18, pain=2, pain_area="knee"),
        day(27),
    ]
    weeks = [summary(0), summary(1, deload=True), summary(2, stalled=True), *map(summary, range(3, 8))]
    frames = [
        pl.DataFrame(sets, schema_overrides={"rir": pl.Float32}),
        pl.DataFrame(days),
        pl.DataFrame(weeks),
    ]
    return load_logs(*frames)["u00000003"]


def test_the_context_knows_what_stood_in_the_logs_and_nothing_later(log: UserLog) -> None:
    context = build_context(profile(3), log, 3)
    assert context["lifts"] == [
        {
            "exercise_id": "hp01",
            "weight_kg": 62.5,
            "reps": [6, 5],
            "rir": [1.0, 5.0],
            "e1rm_kg": [82.9, 76.0],
        },
        {"exercise_id": "sq06", "weight_kg": None, "reps": [20], "rir": [3.0], "e1rm_kg": []},
    ]
    assert context["weekly_sets"] == {
        "chest": 1.0,
        "quads": 1.0,
        "front_delt": 0.5,
        "glutes": 0.5,
        "triceps": 0.5,
    }
    assert (context["pain_area"], context["pain"]) == ("knee", 4)
    assert context["notes"] == ["first week", "sore"]
    assert (context["sleep_h"], context["kcal"]) == ([7.0, 7.0, 7.0], [2100.0, 2100.0, 2100.0])
    assert context["weights_kg"] == [70.0, 69.0, 68.0]
    assert (context["weight_kg"], context["adherence"]) == (68.0, 0.67)
    assert (context["weeks_since_deload"], context["stalled"]) == (1, True)


def test_at_week_0_the_logs_are_empty(log: UserLog) -> None:
    context = build_context(profile(3), log, 0)
    empty = ("lifts", "weekly_sets", "notes", "sleep_h", "kcal", "weights_kg")
    assert not any(context[name] for name in empty)
    assert context["weight_kg"] == profile(3)["weight_kg"]
    assert (context["adherence"], context["pain"], context["weeks_since_deload"]) == (1.0, 0, 0)


def test_a_lift_that_was_long_ago_is_no_longer_current(log: UserLog) -> None:
    assert [lift["exercise_id"] for lift in build_context(profile(3), log, 4)["lifts"]] == [
        "hp01",
        "sq06",
    ]
    later = build_context(profile(3), log, 8)
    assert later["lifts"] == []


def test_pregnancy_and_childhood_go_on_with_the_weeks(log: UserLog) -> None:
    person = profile(3) | {"gestation_weeks": 38, "postpartum_weeks": 2}
    context = build_context(person, log, 4)
    assert (context["gestation_weeks"], context["postpartum_weeks"]) == (40, 6)
