"""The load of an exercise from what was logged (P-01 to P-04, S-*, R-01). Loads in kg, per implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fitsense.training.catalog import LOWER_BODY, Exercise
from fitsense.training.conditions import Limits
from fitsense.training.e1rm import percent_of_1rm
from fitsense.training.prescription import Dose
from fitsense.training.readiness import Readiness
from fitsense.training.rounding import next_load, round_load

BACK_PAIN_FACTOR = 0.65
"""C-LBP: loads drop by 30 to 50 %."""


class LoadChange(NamedTuple):
    """What happens to a logged load, and why.

    ``raise`` (P-01), ``hold``, ``reps_first`` (P-03), ``failed`` (P-04), ``refit`` (the range or the RIR asks
    for less), ``eased`` (sleep, break, illness, deload or pain).
    """

    exercise_id: str
    old_kg: float
    new_kg: float
    why: str


def step_cap_pct(exercise: Exercise, limits: Limits) -> float:
    """P-02: largest rise of this exercise's load in a week, per cent."""
    own = 10.0 if exercise.pattern in LOWER_BODY else 5.0
    return min(own, limits.step_pct) if limits.step_pct else own


def earned(lift: Mapping[str, Any], dose: Dose, experience: str) -> bool:
    """P-01: every set at the top of the range at the target RIR; beyond novices with no e1RM lost."""
    reps, rir = lift["reps"], lift["rir"]
    if not reps or min(reps) < dose.reps[1] or sum(rir) / len(rir) < dose.rir - 0.25:
        return False
    values = lift["e1rm_kg"]
    return experience == "novice" or len(values) < 2 or values[-1] >= values[-2]


def failed(lift: Mapping[str, Any], dose: Dose) -> bool:
    """P-04: the bottom of the range was missed with nothing left."""
    return bool(lift["reps"]) and min(lift["reps"]) < dose.reps[0] and min(lift["rir"]) <= 0.5


def decide_load(
    exercise: Exercise,
    lift: Mapping[str, Any],
    dose: Dose,
    context: Mapping[str, Any],
    limits: Limits,
    ready: Readiness,
    *,
    sets_rise: bool,
    back_pain: bool,
) -> LoadChange:
    """This week's load of a logged lift; with ``sets_rise`` its muscle gets more sets, so it holds (P-05)."""
    base: float = lift["weight_kg"]
    cap = min(step_cap_pct(exercise, limits), ready.step_pct)
    ceiling = base * (1 + cap / 100)
    target, why = base, "hold"
    if failed(lift, dose):
        target, why = base * 0.93, "failed"
    elif earned(lift, dose, context["experience"]) and not sets_rise:
        heavier = next_load(exercise, base, context["units"])
        target, why = (heavier, "raise") if heavier <= ceiling + 1e-6 else (base, "reps_first")
    elif lift["e1rm_kg"]:
        fitting = lift["e1rm_kg"][-1] * percent_of_1rm(dose.reps[0], dose.rir)
        target, why = (max(fitting, base * 0.7), "refit") if fitting < base * 0.95 else (base, "hold")
    factor = ready.load_factor * (ready.compound_factor if exercise.compound else 1.0)
    if back_pain and exercise.pattern in LOWER_BODY:
        factor = min(factor, BACK_PAIN_FACTOR)
    if factor < 1:
        target, why = min(target, base * factor), "eased"
    if target == base:
        return LoadChange(exercise.id, base, base, why)
    kg = round_load(exercise, target, context["units"], ceiling)
    kg = kg if kg <= ceiling + 1e-6 and (target > base or kg <= base) else base
    return LoadChange(exercise.id, base, kg, why if kg != base else "hold")
