"""Today's one session out of a week: what is rested, and how an easy day looks (F-02, O-02, S-03)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.load.rounding import rack_of, round_load
from fitsense.training.request import Request
from fitsense.training.week.prescription import DELOAD_RIR
from fitsense.training.week.volume import HARD_SET_RIR

REST = dt.timedelta(days=2)
"""F-02: 48 hours between hard sessions of one muscle, as far as dates can tell."""
EASY_LOAD = 0.8
FEWEST = 2
"""Exercises below which what is rested is no session of its own."""


def today_of(request: Request, days: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The day of the week that comes next, without what is not yet rested."""
    tired = tired_muscles(request)
    catalog, last = load_catalog(), _last_done(request)

    def wants(day: Mapping[str, Any]) -> tuple[int, dt.date, int]:
        """Fewest tired muscles first, then what was done longest ago; what was never done comes last."""
        ids = [planned["id"] for planned in day["exercises"]]
        done = [last[one] for one in ids if one in last]
        return sum(catalog[one].primary in tired for one in ids), max(done, default=dt.date.max), -len(done)

    day = min(days, key=wants)
    rested = [one for one in day["exercises"] if catalog[one["id"]].primary not in tired]
    return {**day, "exercises": rested} if len(rested) >= FEWEST else day


def tired_muscles(request: Request) -> frozenset[str]:
    """Muscles with hard sets within the last 48 hours."""
    log, catalog = request.log, load_catalog().by_id
    if log is None or log.as_of is None:
        return frozenset()
    return frozenset(
        catalog[exercise].primary
        for exercise, sessions in log.lifts.items()
        if exercise in catalog
        for one in sessions
        if one.date is not None
        and log.as_of - one.date < REST
        and any(rir is None or rir <= HARD_SET_RIR for rir in one.rir)
    )


def all_tired(request: Request, day: Mapping[str, Any]) -> bool:
    """True where hardly anything of ``day`` is rested: then it may only be easy."""
    tired, catalog = tired_muscles(request), load_catalog()
    rested = [one for one in day["exercises"] if catalog[one["id"]].primary not in tired]
    return len(rested) < min(FEWEST, len(day["exercises"]))


def _last_done(request: Request) -> dict[str, dt.date]:
    lifts = request.log.lifts if request.log else {}
    return {
        exercise: max(one.date for one in sessions if one.date is not None)
        for exercise, sessions in lifts.items()
        if any(one.date is not None for one in sessions)
    }


def easier(day: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """An easy day: half the sets, four or more in reserve, loads down by a fifth (O-02, S-03, C-DM1)."""
    return {**day, "exercises": [_easier(planned, request) for planned in day["exercises"]]}


def _easier(planned: Mapping[str, Any], request: Request) -> dict[str, Any]:
    kg = planned["kg"]
    if kg is not None:
        exercise = load_catalog()[planned["id"]]
        kg = min(kg, round_load(exercise, EASY_LOAD * kg, rack_of(request.context), EASY_LOAD * kg))
    sets = max(1, planned["sets"] // 2)
    return {**planned, "sets": sets, "rir": max(planned["rir"], DELOAD_RIR), "kg": kg}
