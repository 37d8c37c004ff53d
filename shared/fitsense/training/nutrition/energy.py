"""Energy and body weight: floors, deficits, and the rate of change (rules §5, N-01 to N-08)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fitsense.training.people.conditions import bmi

KCAL_FLOOR = {"F": 1200.0, "M": 1500.0, "X": 1500.0}
"""N-03: no target below it is issued, explained or allowed once. Unknown sex: the higher one."""
BREASTFEEDING_FLOOR = 1500.0
BREASTFEEDING_WEEKS = 26
"""Weeks in which the floor after a birth holds, unless it is told that nobody is breastfed."""
VERY_LOW_KCAL = 800.0
"""N-04: below it only in medical care."""
LOSS_BAND_PCT = (0.5, 0.7)
GAIN_BAND_PCT = {"novice": (0.25, 0.5), "intermediate": (0.25, 0.5), "advanced": (0.1, 0.25)}
LOW_AVAILABILITY = 30.0
"""N-05: kcal per kg of fat-free mass and day, after exercise."""
AIMED_AVAILABILITY = 45.0
ACTIVE_DAYS = 4
"""N-03: from so many training days a week on, the floor is the resting need at the least."""
NO_DEFICIT = frozenset({"pregnant", "eating_disorder_history", "ed_history"})
_SEX_TERM = {"M": 5.0, "F": -161.0, "X": -78.0}


def kcal_floor(person: Mapping[str, Any]) -> float:
    """N-03; 1,500 while breastfeeding (C-PP); the resting need for who trains 4 days a week or more."""
    floor = KCAL_FLOOR[person["sex"]]
    if breastfeeding(person):
        floor = max(floor, BREASTFEEDING_FLOOR)
    if person.get("days_per_week", 0) >= ACTIVE_DAYS:
        floor = max(floor, float(math.ceil(resting_kcal(person))))
    return floor


def breastfeeding(person: Mapping[str, Any]) -> bool:
    """As told; in the half year after a birth also where it is not told."""
    told, weeks = person.get("breastfeeding"), person.get("postpartum_weeks")
    return bool(told) if told is not None else weeks is not None and weeks < BREASTFEEDING_WEEKS


def resting_kcal(person: Mapping[str, Any]) -> float:
    """Mifflin-St Jeor, kcal a day; for sex X the mean of both."""
    base = 10 * person["weight_kg"] + 6.25 * person["height_cm"] - 5 * person["age"]
    return float(base + _SEX_TERM[person["sex"]])


def energy_availability(person: Mapping[str, Any], kcal: float | None) -> float | None:
    """N-05: (intake - exercise) per kg of fat-free mass; None where one of them is unknown."""
    mass = person.get("ffm_kg")
    if kcal is None or not mass:
        return None
    return float((kcal - person.get("exercise_kcal_day", 0.0)) / mass)


def deficit_forbidden(person: Mapping[str, Any]) -> bool:
    """N-08: none below BMI 18.5 or age 18, in pregnancy, 6 weeks after a birth, with an eating disorder."""
    weeks = person.get("postpartum_weeks")
    return (
        bmi(person) < 18.5
        or person["age"] < 18
        or bool(NO_DEFICIT & set(person["conditions"]))
        or person.get("gestation_weeks") is not None
        or (weeks is not None and weeks < 6)
    )


def goal_of(person: Mapping[str, Any], *, no_deficit: bool = False) -> str:
    """The goal that a plan may follow: losing fat becomes general fitness where no deficit is allowed (N-08).

    ``no_deficit`` is what the conditions say (``Limits.no_deficit``).
    """
    goal: str = person["goal"]
    return "general_fitness" if goal == "fat_loss" and (no_deficit or deficit_forbidden(person)) else goal


def weekly_changes_pct(weights_kg: Sequence[float]) -> list[float]:
    """Change of the weekly mean from each week to the next, per cent of body weight."""
    return [100 * (after - before) / before for before, after in pairwise(weights_kg)]


def weekly_change_pct(weights_kg: Sequence[float], weeks: int = 4) -> float | None:
    """Mean change of the weekly mean weight, per cent of body weight a week, over the last ``weeks``."""
    recent = weights_kg[-(weeks + 1) :]
    if len(recent) < 2:
        return None
    return 100 * (recent[-1] - recent[0]) / recent[0] / (len(recent) - 1)
