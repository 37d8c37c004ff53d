"""Profiles and training logs in the schemas of ``fitsense.records``, small and made by formula."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl

from fitsense.training.catalog.exercises import allowed
from jobs.queries.logs import UserLog, load_logs

START = dt.date(2026, 1, 5)
KITS = [
    [],
    ["band", "mat"],
    ["dumbbell", "bench", "mat"],
    ["barbell", "rack", "bench", "dumbbell", "cable", "machine", "mat", "box", "pullup_bar"],
]
CONDITIONS = [
    [],
    [],
    [],
    ["knee_pain"],
    ["hypertension"],
    ["asthma"],
    ["cardiac"],
    ["eating_disorder_history"],
]
GOALS = ["fat_loss", "muscle_gain", "strength", "general_fitness"]
NOTES = ["Felt strong today.", "Stuck again.", "Dormí mal otra vez.", "आज थकान थी।"]


@dataclass(frozen=True)
class History:
    profiles: list[dict[str, Any]]
    sets: pl.DataFrame
    days: pl.DataFrame
    weeks: pl.DataFrame

    @property
    def logs(self) -> dict[str, UserLog]:
        return load_logs(self.sets, self.days, self.weeks)


def profile(user: int) -> dict[str, Any]:
    """A person whose every feature follows from the number."""
    draw = Random(user)
    age = 18 + 9 * user % 60
    weight = 50.0 + 7 * user % 55
    sex = "FMFMX"[user % 5]
    return {
        "user_id": f"u{user:08d}",
        "age": age,
        "age_band": next(b for a, b in _BANDS if age >= a),
        "sex": sex,
        "height_cm": 160.0 + user % 30,
        "weight_kg": weight,
        "activity": ["sedentary", "light", "moderate", "active"][user % 4],
        "goal": GOALS[user % 4],
        "experience": ["novice", "intermediate", "advanced"][user % 3],
        "days_per_week": 2 + user % 4,
        "minutes_per_session": [20, 30, 45, 60, 90][user % 5],
        "equipment": KITS[user % 4],
        "conditions": CONDITIONS[user % len(CONDITIONS)],
        "medical_clearance": draw.random() < 0.5,
        "gestation_weeks": None,
        "postpartum_weeks": None,
        "language": ["en", "en", "en", "es", "hi"][user % 5],
        "units": ["kg", "lb"][user % 2],
        "target_weight_kg": weight + (-6 if user % 4 == 0 else 3),
        "kcal_target": 1700.0 + 10 * (user % 80),
    }


_BANDS = [(65, "65+"), (55, "55-64"), (45, "45-54"), (35, "35-44"), (25, "25-34"), (18, "18-24")]


def history(users: int, weeks: int = 6, first: int = 0) -> History:
    """``users`` people from number ``first`` on, each with ``weeks`` weeks of logs."""
    profiles = [profile(user) for user in range(first, first + users)]
    sets, days, summaries = [], [], []
    for person in profiles:
        draw = Random(person["user_id"])
        lifts = [exercise for exercise in allowed(person) if exercise.compound][:5]
        for week in range(weeks):
            done = draw.randint(0, person["days_per_week"])
            sets += [row for session in range(done) for row in _session(person, week, session, lifts, draw)]
            days += [_day(person, week, day, draw) for day in range(7)]
            summaries.append(_summary(person, week, done, draw))
    return History(
        profiles,
        pl.DataFrame(sets, schema_overrides={"weight_kg": pl.Float64, "rir": pl.Float32}),
        pl.DataFrame(days, schema_overrides={"pain_area": pl.String, "note": pl.String}),
        pl.DataFrame(summaries),
    )


def _session(
    person: dict[str, Any], week: int, session: int, lifts: list[Any], draw: Random
) -> list[dict[str, Any]]:
    return [
        {
            "user_id": person["user_id"],
            "week": week,
            "session": session,
            "exercise_id": exercise.id,
            "set_index": number,
            "reps": draw.randint(5, 14),
            "weight_kg": 20.0 + 2.5 * week if exercise.loaded else None,
            "rir": draw.choice([0.5, 1.0, 2.0, 3.0, 4.5]),
        }
        for exercise in lifts
        for number in range(3)
    ]


def _day(person: dict[str, Any], week: int, day: int, draw: Random) -> dict[str, Any]:
    hurts = draw.random() < 0.03
    return {
        "user_id": person["user_id"],
        "date": START + dt.timedelta(days=7 * week + day),
        "pain": draw.randint(1, 6) if hurts else 0,
        "pain_area": draw.choice(["knee", "shoulder", "low_back"]) if hurts else None,
        "note": draw.choice(NOTES) if draw.random() < 0.1 else None,
    }


def _summary(person: dict[str, Any], week: int, done: int, draw: Random) -> dict[str, Any]:
    return {
        "user_id": person["user_id"],
        "week": week,
        "planned_sessions": person["days_per_week"],
        "done_sessions": done,
        "sleep_mean_h": round(draw.uniform(4.8, 8.6), 2),
        "kcal_mean": round(draw.uniform(1500, 2900), 1),
        "weight_mean_kg": person["weight_kg"] + week * draw.uniform(-0.4, 0.2),
        "stalled": draw.random() < 0.2,
        "deload": week > 0 and draw.random() < 0.1,
    }
