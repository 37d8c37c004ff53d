from __future__ import annotations

import datetime as dt

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history.log import Exposure, Log
from fitsense.training.request import Request
from fitsense.training.week.continuity import last_days, session_sets, usual_sets
from fitsense.training.week.plan import build_plan
from tests.unit.training.people import context

MONDAY = dt.date(2026, 5, 4)


def done(*days: int, kg: float | None = 50.0, sets: int = 3) -> tuple[Exposure, ...]:
    """Sessions so many days after the first Monday."""
    return tuple(
        Exposure(MONDAY + dt.timedelta(days=day), kg, (8,) * sets, (2.0,) * sets, None, hard_sets=sets)
        for day in days
    )


def test_the_days_of_a_week_come_back_in_their_order() -> None:
    log = Log(lifts={"sq01": done(0, 7), "hp01": done(0, 7), "hi01": done(2, 9), "vr01": done(2, 9)})
    assert last_days(log, 2) == (("sq01", "hp01"), ("hi01", "vr01"))
    assert last_days(log, 1) == (("hi01", "vr01"),)
    assert last_days(None, 2) == last_days(Log(), 2) == ()


def test_what_one_is_used_to_is_the_fullest_of_four_weeks() -> None:
    lifts = {"sq01": (*done(0), *done(7, sets=1)), "sq06": done(-40, kg=None)}
    assert usual_sets(lifts)["quads"] == 3
    assert usual_sets(lifts)["glutes"] == 1.5
    assert session_sets(Log(lifts=lifts)) == {"sq01": 3}
    assert usual_sets({}) == {}


def test_the_same_lifts_stand_on_the_same_days_next_week() -> None:
    person = context(lifts=[], weekly_sets={}, minutes_per_session=60)
    first = build_plan(Request(person), seed=2)
    lifts: dict[str, tuple[Exposure, ...]] = {}
    for day, offset in zip(first.plan["days"], (0, 1, 3, 4), strict=True):
        for one in day["exercises"]:
            kg = 40.0 if load_catalog()[one["id"]].loaded else None
            lifts[one["id"]] = (*lifts.get(one["id"], ()), *done(offset, kg=kg, sets=one["sets"]))
    log = Log(lifts=lifts, weekly_sets=usual_sets(lifts))
    again = build_plan(Request({**person, "weekly_sets": usual_sets(lifts)}, log=log), seed=5)
    before = [{one["id"] for one in day["exercises"]} for day in first.plan["days"]]
    after = [{one["id"] for one in day["exercises"]} for day in again.plan["days"]]
    kept = sum(len(old & new) for old, new in zip(before, after, strict=True))
    assert kept >= 0.9 * sum(map(len, before))
