"""Energy needs and targets that the rules allow (N-01 to N-08)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.training.nutrition.energy import KCAL_FLOOR, LOSS_BAND_PCT
from jobs.profiles.habits import Habits
from jobs.profiles.people import Bodies, Health
from jobs.profiles.sampling import Bools, Draws, Floats
from jobs.profiles.targets import GOALS, SEXES

ACTIVITY_FACTORS = np.array([1.2, 1.375, 1.55, 1.725, 1.9])
KCAL_PER_KG = 7700.0
LOSES, GAINS, LIFTS = (GOALS.index(goal) for goal in ("fat_loss", "muscle_gain", "strength"))


@dataclass(frozen=True)
class Energy:
    """kcal a day and kg."""

    bmr: Floats
    tdee: Floats
    target: Floats
    target_weight_kg: Floats


def may_lose(bodies: Bodies, health: Health) -> Bools:
    """N-08: who may be in a deficit at all."""
    early = health.has["postpartum"] & (health.postpartum_weeks < 6)
    flagged = health.has["pregnant"] | health.has["eating_disorder_history"] | early
    return (bodies.bmi >= 18.5) & ~flagged


def energy_of(draws: Draws, bodies: Bodies, health: Health, habits: Habits) -> Energy:
    """Mifflin-St Jeor 1990 (X: mean of both), activity factor, then the goal within its bounds."""
    bmr = 10 * bodies.weight_kg + 6.25 * bodies.height_cm - 5 * bodies.age + 5 - 166 * bodies.female
    tdee = bmr * ACTIVITY_FACTORS[bodies.activity] + _maternity(health)
    target = np.maximum(tdee - _deficit(bodies, health, habits, tdee) + _surplus(habits, tdee), 0)
    return Energy(
        bmr=np.round(bmr),
        tdee=np.round(tdee),
        target=np.ceil(np.maximum(target, _floor(bodies, health, habits, bmr)) / 10) * 10,
        target_weight_kg=_target_weight(draws, bodies, health, habits),
    )


def _maternity(health: Health) -> Floats:
    """Extra need: 340 and 450 kcal in the second and third trimester (IOM 2006), 330 while breastfeeding."""
    weeks = health.gestation_weeks
    pregnancy = np.select([weeks > 27, weeks > 13], [450.0, 340.0], 0.0)
    found: Floats = pregnancy + 330.0 * (health.has["postpartum"] & (health.postpartum_weeks < 26))
    return found


def _deficit(bodies: Bodies, health: Health, habits: Habits, tdee: Floats) -> Floats:
    """N-01: 0.6 % of body weight a week; N-02: at most 750 kcal, 500 from 65 on, 25 % of TDEE; C-PP: 400."""
    pace = sum(LOSS_BAND_PCT) / 200
    wanted = pace * bodies.weight_kg * KCAL_PER_KG / 7
    most = np.minimum(np.where(bodies.age >= 65, 500.0, 750.0), 0.25 * tdee)
    most = np.where(health.has["postpartum"], np.minimum(most, 400.0), most)
    return np.where(habits.goal == LOSES, np.minimum(wanted, most), 0.0)


def _surplus(habits: Habits, tdee: Floats) -> Floats:
    """N-06: 10-20 % for those who gain, half of it for the advanced, never above 500 kcal."""
    share = np.select([habits.goal == GAINS, habits.goal == LIFTS], [0.12, 0.03], 0.0)
    return np.minimum(share * np.where(habits.experience == 2, 0.5, 1.0) * tdee, 500.0)


def _floor(bodies: Bodies, health: Health, habits: Habits, bmr: Floats) -> Floats:
    """N-03: 1,200 (F) and 1,500 kcal; 1,500 postpartum; from 4 training days on at least the BMR."""
    floor = np.array([KCAL_FLOOR[sex] for sex in SEXES])[bodies.sex]
    floor = np.where(health.has["postpartum"], np.maximum(floor, 1500.0), floor)
    return np.where(habits.days >= 4, np.maximum(floor, bmr), floor)


def _target_weight(draws: Draws, bodies: Bodies, health: Health, habits: Habits) -> Floats:
    """Never below BMI 20 by a loss; the expecting and the newly delivered keep their own weight."""
    change = np.select(
        [habits.goal == LOSES, habits.goal == GAINS],
        [-draws.rng.uniform(0.05, 0.15, len(bodies.age)), draws.rng.uniform(0.02, 0.06, len(bodies.age))],
        0.0,
    )
    change[health.has["pregnant"]] = 0.0
    lowest = np.minimum(20 * (bodies.height_cm / 100) ** 2, bodies.weight_kg)
    return np.round(2 * np.maximum(bodies.weight_kg * (1 + change), lowest)) / 2
