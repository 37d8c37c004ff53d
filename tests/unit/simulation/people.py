"""Athletes who follow plans made up by a test: everybody alike, everybody well, nobody away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fitsense.simulation.arrays import Floats
from fitsense.simulation.attendance import draw_life
from fitsense.simulation.body import draw_body
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.following import Followers, followers
from fitsense.simulation.moves import load_moves
from fitsense.simulation.response import RESPONSE, Response
from fitsense.simulation.roster import roster_of
from fitsense.simulation.streams import generator
from tests.bench.trial.diary import START
from tests.unit.workouts.people import copies

TRAINED: dict[str, Any] = {
    "experience": "intermediate", "training_months": 24, "squat_e1rm_kg": 120.0, "bench_e1rm_kg": 90.0,
    "row_e1rm_kg": 80.0, "adherence": 1.0,
}  # fmt: skip
STEADY = Rates(miss=0.0, pain=0.0, rir_noise=0.0)
WEEKS = 16


def athletes(
    count: int = 60,
    usual: float = 0.0,
    response: Response = RESPONSE,
    rates: Rates = STEADY,
    **changes: Any,
) -> Followers:
    """``count`` athletes alike; ``usual`` is the weekly dose a lift group that they come with."""
    moves, roster = load_moves(), roster_of(copies(count, **{**TRAINED, **changes}))
    rng, calendar = generator(4, "followers"), Calendar(START, WEEKS)
    life, body = draw_life(moves, roster, rng, calendar, rates), draw_body(roster, rng, calendar)
    life = replace(life, sleep=np.full_like(life.sleep, roster.sleep_hours[0]))
    dose = np.full((count, 3), usual)
    people = followers(moves, roster, life, body, response, rates.rir_noise, dose, rng)
    people.skill = np.ones_like(people.skill)
    return people


def plan(kg: float | None, sets: int = 3, days: int = 3, reps: tuple[int, int] = (8, 12), **more: Any) -> Any:
    """Squat, bench press and row, ``kg`` on the bar of each."""
    exercises = [
        {"id": one, "sets": sets, "reps": list(reps), "rir": 2.0, "kg": kg, "rest_s": 120, **more}
        for one in ("sq01", "hp01", "hr01")
    ]
    return {"goal": "muscle_gain", "days": [{"exercises": exercises}] * days, "deload": False}


def gained(people: Followers, before: Floats) -> float:
    """Mean rise of the rested 1RM, per cent."""
    return float(100 * (people.strength.rested_e1rm / before - 1).mean())
