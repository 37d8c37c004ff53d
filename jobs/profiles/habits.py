"""How they train: experience, goal, equipment, time, sleep and strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.profiles.people import Bodies, Health, shares
from jobs.profiles.sampling import Bools, Draws, Floats, Ints
from jobs.profiles.targets import (
    DAYS_WEIGHTS,
    EQUIPMENT,
    EXPERIENCES,
    GOALS,
    KIT_ALWAYS,
    KIT_MAYBE,
    KITS,
    MINUTES,
    MINUTES_WEIGHTS,
)

MONTHS = ((0, 8), (9, 36), (37, 240))
"""By experience: training age in months."""
MEN_E1RM = np.array([132.0, 100.0, 92.0])
WOMEN_E1RM = np.array([78.0, 45.0, 47.0])
"""Squat, bench press and bent-over row of an 80 kg man and a 63 kg woman after five years of training:
between the "intermediate" and "advanced" columns of published norms (strengthlevel.com, ExRx)."""


@dataclass(frozen=True)
class Habits:
    """``owns`` (n, 24) follows ``targets.EQUIPMENT``; ``e1rm_kg`` (n, 3) is squat, bench press, row."""

    experience: Ints
    months: Ints
    goal: Ints
    owns: Bools
    days: Ints
    minutes: Ints
    sleep_hours: Floats
    adherence: Floats
    e1rm_kg: Floats


def draw_habits(draws: Draws, bodies: Bodies, health: Health, max_days: Ints, may_lose: Bools) -> Habits:
    """``max_days`` is what age and conditions allow (rules §7), ``may_lose`` who may be in a deficit."""
    experience = _experience(draws, bodies)
    months = _months(draws, experience, bodies)
    goal = _goals(draws, bodies, experience, may_lose)
    days = np.minimum(1 + draws.choices(np.array(DAYS_WEIGHTS)[experience]), max_days)
    minutes = np.array(MINUTES)[draws.choices(np.array(MINUTES_WEIGHTS)[experience])]
    return Habits(
        experience=experience,
        months=months,
        goal=goal,
        owns=_equipment(draws, experience),
        days=days,
        minutes=minutes,
        sleep_hours=_sleep(draws, bodies, health),
        adherence=_adherence(draws, bodies, experience),
        e1rm_kg=_strength(draws, bodies, months),
    )


def _experience(draws: Draws, bodies: Bodies) -> Ints:
    z = 0.35 * (bodies.activity - 1.5) - 0.05 * (bodies.bmi - 26) - 0.25 * np.maximum(bodies.age - 60, 0) / 10
    z -= 0.5 * (bodies.age < 22)
    affinity = np.exp(z[:, None] * np.array([-0.8, 0.1, 1.0]))
    return draws.category("experience", shares("experience", EXPERIENCES), affinity, strata=bodies.band)


def _months(draws: Draws, experience: Ints, bodies: Bodies) -> Ints:
    """Skewed to the low end of each level; nobody trained before the age of 15."""
    low, high = np.array(MONTHS).T[:, experience]
    months = low + (draws.rng.random(len(experience)) ** 1.6) * (high - low + 1)
    found: Ints = np.minimum(months, (bodies.age - 15) * 12).astype(np.int64)
    return found


def _goals(draws: Draws, bodies: Bodies, experience: Ints, may_lose: Bools) -> Ints:
    heavy, older, male = bodies.bmi - 26, (bodies.age - 40) / 10, 1 - bodies.female
    fat_loss = np.where(may_lose & (bodies.bmi >= 21), np.exp(0.17 * heavy), 0.0)
    muscle = np.exp(-0.1 * heavy - 0.25 * older + 0.4 * male)
    strength = np.exp(0.5 * (experience - 1) - 0.15 * older + 0.2 * male)
    general = np.exp(0.3 * older)
    affinity = np.stack([fat_loss, muscle, strength, general], axis=1)
    return draws.category("goal", shares("goal", GOALS), np.clip(affinity, 0, 20), strata=bodies.sex)


def _equipment(draws: Draws, experience: Ints) -> Bools:
    affinity = np.exp(np.outer(experience - 0.7, np.array([0.35, 0.0, -0.5, -0.6, 0.2])))
    kit = draws.category("kit", shares("kit", KITS), affinity)
    chance = np.zeros((len(KITS), len(EQUIPMENT)))
    for row, name in enumerate(KITS):
        for item, share in (dict.fromkeys(KIT_ALWAYS[name], 1.0) | KIT_MAYBE[name]).items():
            chance[row, EQUIPMENT.index(item)] = share
    return draws.rng.random((len(kit), len(EQUIPMENT))) < chance[kit]


def _sleep(draws: Draws, bodies: Bodies, health: Health) -> Floats:
    """7.0 ± 0.8 h, about a third below 7 h as in CDC's BRFSS; newborns cost about an hour."""
    mean = 7.05 - 0.1 * (np.abs(bodies.age - 45) < 12) - 0.02 * (bodies.bmi - 26)
    mean = mean - 1.0 * (health.has["postpartum"] & (health.postpartum_weeks < 26))
    return np.clip(np.round(mean + draws.normal(len(bodies.age), 0.8), 1), 4.2, 9.6)


def _adherence(draws: Draws, bodies: Bodies, experience: Ints) -> Floats:
    """Mean 0.88 (see ``fitsense.simulation.attendance``): beta, higher with experience and age."""
    mean = 0.868 + 0.02 * (experience - 0.74) + 0.008 * (bodies.age - 41) / 10 + 0.012
    mean = np.clip(mean, 0.6, 0.97)
    return np.round(draws.rng.beta(9 * mean, 9 * (1 - mean)), 3)


def _strength(draws: Draws, bodies: Bodies, months: Ints) -> Floats:
    """e1RM (n, 3): mass to the power of 2/3 (Jaric 2002), training age, age, a talent common to all lifts."""
    female = bodies.female[:, None]
    lean = np.minimum(bodies.bmi, 25 + 0.35 * np.maximum(bodies.bmi - 25, 0)) * (bodies.height_cm / 100) ** 2
    mass = lean / (78 - 16 * bodies.female)
    trained = 0.5 + 0.5 * np.log1p(months) / np.log1p(60)
    aged = 1 - 0.006 * np.clip(bodies.age - 35, 0, 30) - 0.012 * np.maximum(bodies.age - 65, 0)
    talent = np.exp(draws.normal(len(mass), 0.13))
    lift = np.exp(draws.rng.standard_normal((len(mass), 3)) * 0.07)
    norm = MEN_E1RM * (1 - female) + WOMEN_E1RM * female
    found: Floats = np.round(norm * (mass ** (2 / 3) * trained * aged * talent)[:, None] * lift, 1)
    return found
