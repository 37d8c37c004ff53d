"""Loads that exist: rounding to plates, dumbbells and stacks (rule R-01). Loads in kg unless named."""

from __future__ import annotations

import math

from fitsense.training.catalog import Exercise

KG_PER_LB = 0.45359237
BAR_KG = 20.0
"""An empty barbell; a target below it asks for another exercise (R-01)."""
BAR_LB = 45.0
_EPSILON = 1e-6
STORED_TO_KG = 0.01
"""Loads are stored in kilograms of two decimals: 45 lb as 20.41, which is 44.996 lb."""


def step(exercise: Exercise, load: float, units: str) -> float:
    """Smallest step of the implement near ``load``, both in ``units``."""
    equipment = exercise.equipment
    if units == "lb":
        return 2.5 if "dumbbell" in equipment and load <= 20 else 5.0
    if "kettlebell" in equipment:
        return 4.0
    if "dumbbell" in equipment:
        return 2.0 if load <= 10 else 2.5
    if "machine" in equipment:
        return 5.0
    return 2.5


def minimum(exercise: Exercise, units: str) -> float:
    """Lightest load that exists, in ``units``."""
    if exercise.equipment & {"barbell", "trap_bar"}:
        return BAR_LB if units == "lb" else BAR_KG
    return 5.0 if units == "lb" else step(exercise, 0, units)


def round_load(exercise: Exercise, target_kg: float, units: str, ceiling_kg: float = math.inf) -> float:
    """The nearest load that exists, in kg; rounded down where up would cross ``ceiling_kg`` (P-02).

    In pounds the grid is pounds, and the kilograms are what those plates weigh.
    """
    per_unit = KG_PER_LB if units == "lb" else 1.0
    target, ceiling = target_kg / per_unit, ceiling_kg / per_unit
    size = step(exercise, target, units)
    rounded = math.floor(target / size + 0.5) * size
    if rounded > ceiling + _EPSILON:
        rounded = math.floor(ceiling / size + _EPSILON) * size
    return round(max(rounded, minimum(exercise, units)) * per_unit, 2)


def next_load(exercise: Exercise, load_kg: float, units: str) -> float:
    """The next heavier load that exists, in kg."""
    per_unit = KG_PER_LB if units == "lb" else 1.0
    load = load_kg / per_unit
    slack = STORED_TO_KG / per_unit
    size = step(exercise, load + slack, units)
    return round((math.floor((load + slack) / size) + 1) * size * per_unit, 2)
