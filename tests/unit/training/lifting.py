"""Logged sets for the engine's tests: cases, logs and bounds in a line each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from fitsense.training.case import Case
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history.e1rm import e1rm
from fitsense.training.history.log import Exposure, Log, log_of_case
from fitsense.training.history.readiness import Readiness
from fitsense.training.load.loads import LoadBounds, LoadChange, decide_load, load_bounds
from fitsense.training.people.conditions import limits_for
from fitsense.training.week.prescription import Dose
from tests.unit.training.people import context

CATALOG = load_catalog()
DAY_0 = dt.date(2026, 3, 2)
DOSE = Dose(3, (8, 12), 2, 90)


def day(number: int) -> dt.date:
    return DAY_0 + dt.timedelta(days=number)


def sets(
    number: int, exercise: str, kg: float | None, reps: Sequence[int], rir: float | None = 2, **more: Any
) -> list[dict[str, Any]]:
    """The sets of one exercise on day ``number``."""
    return [
        {
            "date": day(number).isoformat(),
            "exercise": exercise,
            "weight_kg": kg,
            "reps": one,
            "rir": rir,
            **more,
        }
        for one in reps
    ]


def case(rows: Iterable[dict[str, Any]] = (), profile: dict[str, Any] | None = None, **history: Any) -> Case:
    person = {
        "age": 34, "sex": "F", "height_cm": 168, "weight_kg": 68, "goal": "muscle_gain",
        "experience": "intermediate", "days_per_week": 3, "minutes_per_session": 60, "equipment": [],
    }  # fmt: skip
    return Case.model_validate(
        {
            "request": "next_week_plan",
            "profile": person | (profile or {}),
            "history": {"sets": list(rows), **history},
        }
    )


def log(rows: Iterable[dict[str, Any]], **history: Any) -> Log:
    return log_of_case(case(rows, **history))


def session(number: int, kg: float, reps: Sequence[int], rir: float | None = 2, **more: Any) -> Exposure:
    estimate = e1rm(kg, max(reps), rir) if rir is not None else None
    return Exposure(day(number), kg, tuple(reps), (rir,) * len(reps), estimate, **more)


def bounds(
    ready: Readiness | None = None, own_log: Log | None = None, aching: Iterable[str] = (), **changes: Any
) -> LoadBounds:
    person = context(**changes)
    return load_bounds(person, limits_for(person), ready or Readiness(), log=own_log, pain=aching)


def change(
    exercise: str,
    *exposures: Exposure,
    dose: Dose = DOSE,
    sets_rise: bool = False,
    ready: Readiness | None = None,
    own_log: Log | None = None,
    aching: Iterable[str] = (),
    **changes: Any,
) -> LoadChange:
    """What happens to the load of ``exercise`` for an intermediate lifter, changed by ``changes``."""
    return decide_load(
        CATALOG[exercise], exposures, dose, bounds(ready, own_log, aching, **changes), sets_rise=sets_rise
    )
