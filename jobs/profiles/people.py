"""Who they are: age, sex, body, activity, and the conditions that go with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.profiles.sampling import Bools, Draws, Floats, Ints, scaled
from jobs.profiles.targets import (
    ACTIVITIES,
    AGE_BANDS,
    AGE_EDGES,
    CONDITIONS,
    OBESITY_BMI,
    SEXES,
    SHARES,
    Condition,
)

FEMALE = np.array([1.0, 0.0, 0.5])
"""By sex code: how far female norms apply; an X is taken halfway."""


@dataclass(frozen=True)
class Bodies:
    """Arrays over people; ``sex``, ``band``, ``activity`` are codes of the tables in ``targets``."""

    age: Ints
    band: Ints
    sex: Ints
    height_cm: Floats
    weight_kg: Floats
    bmi: Floats
    activity: Ints

    @property
    def female(self) -> Floats:
        return FEMALE[self.sex]


@dataclass(frozen=True)
class Health:
    """``has`` maps a condition code to who has it; weeks are 0 where they do not apply."""

    has: dict[str, Bools]
    gestation_weeks: Ints
    postpartum_weeks: Ints


def shares(name: str, values: tuple[str, ...]) -> Floats:
    return np.array([SHARES[name][value] for value in values])


def draw_bodies(draws: Draws, size: int) -> Bodies:
    """Height falls with age; BMI rises to 60 and falls with activity."""
    band = draws.category("age_band", shares("age_band", AGE_BANDS), size=size)
    age = _ages(draws, band)
    sex = draws.category("sex", shares("sex", SEXES), size=size, strata=band)
    activity = _activities(draws, age, band)
    height = _heights(draws, age, sex)
    bmi = _bmis(draws, age, sex, activity)
    weight = np.clip(np.round(bmi * (height / 100) ** 2, 1), 38, 200)
    return Bodies(age, band, sex, height, weight, np.round(weight / (height / 100) ** 2, 1), activity)


def _ages(draws: Draws, band: Ints) -> Ints:
    """Even within a band; above 65 fewer with each year."""
    edges = np.array(AGE_EDGES)
    within = draws.rng.random(len(band))
    within = np.where(band == len(AGE_BANDS) - 1, within**1.8, within)
    found: Ints = (edges[band] + within * (edges[band + 1] - edges[band])).astype(np.int64)
    return found


def _activities(draws: Draws, age: Ints, band: Ints) -> Ints:
    slope = np.array([0.25, 0.1, 0.0, -0.15, -0.3])
    affinity = np.exp(slope * ((age - 42) / 15)[:, None])
    return draws.category("activity", shares("activity", ACTIVITIES), affinity, strata=band)


def _heights(draws: Draws, age: Ints, sex: Ints) -> Floats:
    """NCD-RisC 2020 orders of magnitude: 164 ± 6.5 cm and 177 ± 7 cm, 0.06 cm a year less after 40."""
    mean = 177 - 13 * FEMALE[sex] - 0.06 * np.maximum(age - 40, 0)
    return np.clip(np.round(mean + draws.normal(len(age), 6.8)), 145, 208)


def _bmis(draws: Draws, age: Ints, sex: Ints, activity: Ints) -> Floats:
    aged = np.minimum(age, 60) - 42 - 0.5 * np.maximum(age - 60, 0)
    log_mean = np.log(25.9) + 0.035 * aged / 15 - 0.04 * (activity - 1.5) - 0.02 * FEMALE[sex]
    found: Floats = np.clip(np.exp(log_mean + draws.normal(len(age), 0.17)), 17, 49)
    return found


def draw_health(draws: Draws, bodies: Bodies) -> Health:
    """Conditions by quota, given age, sex and BMI; only combinations that can be."""
    has: dict[str, Bools] = {}
    strata = bodies.band * len(SEXES) + bodies.sex
    for code, condition in CONDITIONS.items():
        has[code] = draws.hits(code, scaled(_affinity(condition, bodies, has), condition.share), strata)
    has["obesity"] = bodies.bmi >= OBESITY_BMI
    size = len(bodies.age)
    gestation = np.where(has["pregnant"], draws.rng.integers(5, 37, size), 0)
    postpartum = np.where(has["postpartum"], draws.rng.integers(1, 49, size), 0)
    return Health(has, gestation, postpartum)


def _affinity(condition: Condition, bodies: Bodies, has: dict[str, Bools]) -> Floats:
    low, high = condition.ages
    log_odds = condition.per_15_years * (bodies.age - 42) / 15 + condition.per_5_bmi * (bodies.bmi - 26) / 5
    possible = (bodies.age >= low) & (bodies.age <= high)
    possible &= np.isin(bodies.sex, [SEXES.index(sex) for sex in condition.sexes])
    for code in condition.excludes:
        possible &= ~has[code]
    if condition.requires:
        possible &= np.logical_or.reduce([has[code] for code in condition.requires])
    return np.where(possible, np.exp(np.clip(log_odds + condition.female * bodies.female, -4, 4)), 0.0)
