"""The people of one part as a table with the fields of ``fitsense.records.Profile``."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl

from fitsense.config import Language, Profiles
from fitsense.training.people.conditions import Limits, limits_for
from jobs.profiles.energy import energy_of, may_lose
from jobs.profiles.habits import draw_habits
from jobs.profiles.people import Bodies, Health, draw_bodies, draw_health
from jobs.profiles.sampling import Bools, Draws, Floats, Ints
from jobs.profiles.targets import (
    ACTIVITIES,
    AGE_BANDS,
    CONDITIONS,
    EQUIPMENT,
    EXPERIENCES,
    GOALS,
    POUNDS_SHARE,
    SEXES,
)

SCHEMA: dict[str, pl.DataType] = {
    "user_id": pl.String(),
    "age": pl.Int16(),
    "age_band": pl.String(),
    "sex": pl.String(),
    "height_cm": pl.Float64(),
    "weight_kg": pl.Float64(),
    "bmi": pl.Float64(),
    "activity": pl.String(),
    "goal": pl.String(),
    "experience": pl.String(),
    "training_months": pl.Int16(),
    "days_per_week": pl.Int8(),
    "minutes_per_session": pl.Int16(),
    "equipment": pl.List(pl.String()),
    "conditions": pl.List(pl.String()),
    "medical_clearance": pl.Boolean(),
    "gestation_weeks": pl.Int8(),
    "postpartum_weeks": pl.Int8(),
    "language": pl.String(),
    "units": pl.String(),
    "target_weight_kg": pl.Float64(),
    "bmr_kcal": pl.Float64(),
    "tdee_kcal": pl.Float64(),
    "kcal_target": pl.Float64(),
    "sleep_hours": pl.Float64(),
    "squat_e1rm_kg": pl.Float64(),
    "bench_e1rm_kg": pl.Float64(),
    "row_e1rm_kg": pl.Float64(),
    "adherence": pl.Float64(),
}
"""Order and names of ``fitsense.records.Profile``."""


def transform(params: Profiles, seed: int, part: int) -> pl.DataFrame:
    """People [part * part_users, ...) of ``params.users``: a pure function of its arguments."""
    first = part * params.part_users
    size = min(params.part_users, params.users - first)
    draws = Draws(seed, part)
    bodies = draw_bodies(draws, size)
    health = draw_health(draws, bodies)
    clearance = _clearance(draws, health)
    conditions = _conditions(health)
    limits = _limits(bodies, health, conditions, clearance)
    max_days = np.array([one.max_days for one in limits])
    habits = draw_habits(draws, bodies, health, max_days, may_lose(bodies, health))
    energy = energy_of(draws, bodies, health, habits)
    language = draws.category("language", np.array(list(params.languages.values())), size=size)
    languages = list(params.languages)
    columns: dict[str, Any] = {
        "user_id": [f"u{number:08d}" for number in range(first, first + size)],
        "age": bodies.age,
        "age_band": _named(AGE_BANDS, bodies.band),
        "sex": _named(SEXES, bodies.sex),
        "height_cm": bodies.height_cm,
        "weight_kg": bodies.weight_kg,
        "bmi": bodies.bmi,
        "activity": _named(ACTIVITIES, bodies.activity),
        "goal": _named(GOALS, habits.goal),
        "experience": _named(EXPERIENCES, habits.experience),
        "training_months": habits.months,
        "days_per_week": habits.days,
        "minutes_per_session": habits.minutes,
        "equipment": [[EQUIPMENT[i] for i in np.flatnonzero(row)] for row in habits.owns],
        "conditions": conditions,
        "medical_clearance": clearance,
        "gestation_weeks": _or_none(health.gestation_weeks),
        "postpartum_weeks": _or_none(health.postpartum_weeks),
        "language": _named(languages, language),
        "units": _units(draws, languages, language),
        "target_weight_kg": energy.target_weight_kg,
        "bmr_kcal": energy.bmr,
        "tdee_kcal": energy.tdee,
        "kcal_target": energy.target,
        "sleep_hours": habits.sleep_hours,
        "squat_e1rm_kg": habits.e1rm_kg[:, 0],
        "bench_e1rm_kg": habits.e1rm_kg[:, 1],
        "row_e1rm_kg": habits.e1rm_kg[:, 2],
        "adherence": habits.adherence,
    }
    return pl.DataFrame({name: pl.Series(name, columns[name]).cast(kind) for name, kind in SCHEMA.items()})


def to_parquet(people: pl.DataFrame) -> bytes:
    """The part file: same people, same bytes."""
    buffer = io.BytesIO()
    people.write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()


def _named(values: tuple[str, ...] | list[Language], codes: Ints) -> list[str]:
    return [values[code] for code in codes]


def _or_none(weeks: Ints) -> pl.Series:
    return pl.Series([int(week) or None for week in weeks], dtype=pl.Int8)


def _conditions(health: Health) -> list[list[str]]:
    size = len(health.gestation_weeks)
    found: list[list[str]] = [[] for _ in range(size)]
    for code, who in health.has.items():
        for index in np.flatnonzero(who):
            found[index].append(code)
    return found


def _clearance(draws: Draws, health: Health) -> Bools:
    """True where nothing stands against training: the healthy, and those whom a clinician has cleared.

    Quotas per condition; whoever has two needs both.
    """
    cleared = np.ones(len(health.gestation_weeks), bool)
    for code, condition in CONDITIONS.items():
        who = np.flatnonzero(health.has[code])
        if len(who):
            cleared[who] &= draws.hits(f"clearance.{code}", np.full(len(who), condition.clearance))
    return cleared


def _limits(bodies: Bodies, health: Health, conditions: list[list[str]], clearance: Bools) -> list[Limits]:
    people = zip(
        bodies.age.tolist(),
        bodies.height_cm.tolist(),
        bodies.weight_kg.tolist(),
        health.gestation_weeks.tolist(),
        health.postpartum_weeks.tolist(),
        conditions,
        clearance.tolist(),
        strict=True,
    )
    names = ("age", "height_cm", "weight_kg", "gestation_weeks", "postpartum_weeks", "conditions")
    return [
        limits_for(
            {
                **dict(zip(names, person, strict=False)),
                "gestation_weeks": person[3] or None,
                "postpartum_weeks": person[4] or None,
                "medical_clearance": person[6],
            }
        )
        for person in people
    ]


def _units(draws: Draws, languages: list[Language], language: Ints) -> list[str]:
    share: Floats = np.array([POUNDS_SHARE[name] for name in languages])[language]
    return ["lb" if pounds else "kg" for pounds in draws.hits("units", share, language)]
