"""Loads that exist: rounding to plates, dumbbells and stacks (rule R-01). Loads in kg unless named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fitsense.training.catalog.exercises import Exercise

KG_PER_LB = 0.45359237
BAR_KG = 20.0
"""An empty barbell; a target below it asks for another exercise (R-01)."""
BAR_LB = 45.0
_EPSILON = 1e-6
STORED_TO_KG = 0.01
"""Loads are stored in kilograms of two decimals: 45 lb as 20.41, which is 44.996 lb."""
_BARS = frozenset({"barbell", "trap_bar", "smith"})


@dataclass(frozen=True, slots=True)
class Rack:
    """What the person's loads are made of; 0 is "the usual one" (R-01)."""

    units: str = "kg"
    dumbbell_step_kg: float = 0.0
    bar_kg: float = 0.0
    micro_plates: bool = False


KG_RACK = Rack()
LB_RACK = Rack("lb")
_RACKS = {"kg": KG_RACK, "lb": LB_RACK}


def rack_of(person: Mapping[str, Any]) -> Rack:
    """The rack of a Context or a profile as a dict: ``units`` and, where known, what was measured."""
    step_kg, bar_kg = person.get("dumbbell_step_kg"), person.get("bar_kg")
    micro = bool(person.get("micro_plates"))
    if not (step_kg or bar_kg or micro):
        return _RACKS[person["units"]]
    return Rack(person["units"], step_kg or 0.0, bar_kg or 0.0, micro)


def step(exercise: Exercise, load: float, rack: Rack | str) -> float:
    """Smallest step of the implement near ``load``, both in the rack's units."""
    rack = _rack(rack)
    equipment, pounds = exercise.equipment, rack.units == "lb"
    if "dumbbell" in equipment and rack.dumbbell_step_kg:
        return rack.dumbbell_step_kg / (KG_PER_LB if pounds else 1.0)
    if rack.micro_plates and (equipment & _BARS or "ez_bar" in equipment):
        return 2.0 if pounds else 1.0
    if pounds:
        return 2.5 if "dumbbell" in equipment and load <= 20 else 5.0
    if "kettlebell" in equipment:
        return 4.0
    if "dumbbell" in equipment:
        return 2.0 if load <= 10 else 2.5
    return 5.0 if "machine" in equipment else 2.5


def minimum(exercise: Exercise, rack: Rack | str) -> float:
    """Lightest load that exists, in the rack's units: the bar itself, or one step."""
    rack = _rack(rack)
    per_unit = KG_PER_LB if rack.units == "lb" else 1.0
    if exercise.equipment & {"barbell", "trap_bar"}:
        return rack.bar_kg / per_unit if rack.bar_kg else BAR_LB if rack.units == "lb" else BAR_KG
    return 5.0 if rack.units == "lb" and not rack.dumbbell_step_kg else step(exercise, 0, rack)


def _rack(rack: Rack | str) -> Rack:
    return _RACKS[rack] if isinstance(rack, str) else rack


def below_bar(exercise: Exercise, target_kg: float, rack: Rack | str) -> bool:
    """R-01: the target is lighter than the empty bar, so another exercise is due."""
    rack = _rack(rack)
    per_unit = KG_PER_LB if rack.units == "lb" else 1.0
    bars = exercise.equipment & {"barbell", "trap_bar"}
    return bool(bars) and target_kg < minimum(exercise, rack) * per_unit - STORED_TO_KG


def exists(exercise: Exercise, kg: float, rack: Rack | str) -> bool:
    """Whether the person can put exactly this load together."""
    return abs(round_load(exercise, kg, rack) - kg) <= STORED_TO_KG


def round_load(exercise: Exercise, target_kg: float, rack: Rack | str, ceiling_kg: float = math.inf) -> float:
    """The nearest load that exists, in kg; rounded down where up would cross ``ceiling_kg`` (P-02).

    Steps are counted from the lightest load, so a 15 kg bar gives 15, 17.5, 20. In pounds the grid is
    pounds, and the kilograms are what those plates weigh. Never less than the lightest load, even where
    the ceiling is lower: see ``below_bar``.
    """
    rack = _rack(rack)
    per_unit = KG_PER_LB if rack.units == "lb" else 1.0
    target, ceiling = target_kg / per_unit, (ceiling_kg + STORED_TO_KG) / per_unit
    rounded = _on_grid(exercise, target, rack, lambda steps: math.floor(steps + 0.5))
    if rounded > ceiling:
        rounded = _on_grid(exercise, ceiling, rack, lambda steps: math.floor(steps + _EPSILON))
    return round(max(rounded, minimum(exercise, rack)) * per_unit, 2)


def _on_grid(exercise: Exercise, load: float, rack: Rack, to_steps: Callable[[float], int]) -> float:
    size = step(exercise, load, rack)
    origin = _origin(exercise, size, rack)
    return origin + to_steps((load - origin) / size) * size


def _origin(exercise: Exercise, size: float, rack: Rack) -> float:
    """Where the grid begins: a bar of one's own shifts it; everything else counts from nothing."""
    if not rack.bar_kg or not exercise.equipment & {"barbell", "trap_bar"}:
        return 0.0
    return math.fmod(minimum(exercise, rack), size)


def next_load(exercise: Exercise, load_kg: float, rack: Rack | str, least_kg: float = 0.0) -> float:
    """The next heavier load that exists, in kg, and at least ``least_kg``."""
    rack = _rack(rack)
    per_unit = KG_PER_LB if rack.units == "lb" else 1.0
    slack = STORED_TO_KG / per_unit
    load = max(load_kg / per_unit, minimum(exercise, rack) - 2 * slack)
    size = step(exercise, load + slack, rack)
    origin = _origin(exercise, size, rack)
    heavier = origin + (math.floor((load + slack - origin) / size) + 1) * size
    while heavier * per_unit < least_kg - STORED_TO_KG:
        heavier += size
    return round(heavier * per_unit, 2)
