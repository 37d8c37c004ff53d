"""People for simulations: a real population, or one person many times with something changed."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import polars as pl

from fitsense.config import Profiles, Workouts
from fitsense.simulation.athletes import Simulation, simulate
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.roster import roster_of
from fitsense.simulation.streams import generator
from jobs.profiles.table import SCHEMA, transform
from jobs.workouts.logs import Logs
from jobs.workouts.logs import transform as live

GYM = ["barbell", "rack", "bench", "dumbbell", "cable", "machine", "mat", "box", "wall", "pullup_bar"]
PERSON: dict[str, Any] = {
    "user_id": "u00000000", "age": 30, "age_band": "25-34", "sex": "M", "height_cm": 178.0,
    "weight_kg": 80.0, "bmi": 25.2, "activity": "moderate", "goal": "muscle_gain",
    "experience": "novice", "training_months": 1, "days_per_week": 3, "minutes_per_session": 60,
    "equipment": GYM, "conditions": [], "medical_clearance": True, "gestation_weeks": None,
    "postpartum_weeks": None, "language": "en", "units": "kg", "target_weight_kg": 83.0,
    "bmr_kcal": 1770.0, "tdee_kcal": 2740.0, "kcal_target": 2740.0, "sleep_hours": 7.5,
    "squat_e1rm_kg": 80.0, "bench_e1rm_kg": 60.0, "row_e1rm_kg": 55.0, "adherence": 0.95,
}  # fmt: skip
ORDINARY = Rates(miss=0.12, pain=0.0, rir_noise=0.7)


def copies(count: int = 120, **changes: Any) -> pl.DataFrame:
    """``count`` people alike but for their ids."""
    rows = [{**PERSON, **changes, "user_id": f"u{number:08d}"} for number in range(count)]
    return pl.DataFrame(rows, schema=SCHEMA)


def lived(people: pl.DataFrame, weeks: int = 12, rates: Rates = ORDINARY, seed: int = 1) -> Simulation:
    calendar = Calendar(dt.date(2026, 1, 5), weeks)
    return simulate(roster_of(people), calendar, rates, generator(seed, "test"))


@cache
def population() -> pl.DataFrame:
    return transform(Profiles(users=600, part_users=600), 3, 0)


@cache
def logs() -> Logs:
    return live(population(), Workouts(weeks=8), 3, 0)
