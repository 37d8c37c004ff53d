"""Sets, repetitions, RIR, rest and session minutes by goal, level and bounds (G-*, I-01, P-07, T-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fitsense.training.catalog import Exercise
from fitsense.training.conditions import Limits
from fitsense.training.e1rm import percent_of_1rm
from fitsense.training.readiness import Readiness

SECONDS_PER_REP = 4
DELOAD_RIR = 4.0
UNLOADED_REPS = (8, 15)
NOVICE_RIR = 2.0
FIRST_WEEKS_RIR = 3.0
SENIOR_REST_S = 120


class Dose(NamedTuple):
    """Of one exercise: ``sets`` of ``reps`` (low, high) at ``rir``, ``rest_s`` seconds between."""

    sets: int
    reps: tuple[int, int]
    rir: float
    rest_s: int


_COMPOUND: dict[tuple[str, str], Dose] = {
    ("strength", "novice"): Dose(3, (8, 12), 2, 120),
    ("strength", "intermediate"): Dose(4, (4, 6), 2, 180),
    ("strength", "advanced"): Dose(4, (3, 5), 2, 210),
    ("muscle_gain", "novice"): Dose(3, (8, 12), 2, 90),
    ("muscle_gain", "intermediate"): Dose(3, (6, 10), 2, 120),
    ("muscle_gain", "advanced"): Dose(4, (6, 10), 1, 120),
    ("general_fitness", "novice"): Dose(2, (8, 12), 3, 90),
    ("general_fitness", "intermediate"): Dose(3, (8, 12), 3, 90),
    ("general_fitness", "advanced"): Dose(3, (8, 12), 2, 90),
    ("fat_loss", "novice"): Dose(3, (8, 12), 2, 75),
    ("fat_loss", "intermediate"): Dose(3, (6, 10), 2, 90),
    ("fat_loss", "advanced"): Dose(3, (6, 10), 2, 120),
}
_ISOLATION: dict[str, Dose] = {
    "strength": Dose(3, (8, 12), 2, 75),
    "muscle_gain": Dose(3, (10, 15), 1, 75),
    "general_fitness": Dose(2, (10, 15), 3, 60),
    "fat_loss": Dose(2, (10, 15), 2, 60),
}
_SUPPORT = Dose(2, (8, 12), 3, 45)
"""Trunk, balance and mobility."""
_SUPPORT_PATTERNS = frozenset(
    {"core_antiext", "core_antirot", "core_lat", "core_flex", "core_rot", "balance", "mobility", "carry"}
)


def rir_floor(context: Mapping[str, Any], limits: Limits, *, compound: bool) -> float:
    """Smallest RIR that any set of this person may target (G-02, P-07, C-*)."""
    floor = max(limits.rir_floor, 1.0 if compound else 0.0)
    if context["experience"] == "novice":
        floor = max(floor, FIRST_WEEKS_RIR if context["week"] < 2 else NOVICE_RIR)
    return floor


def first_weeks(context: Mapping[str, Any]) -> bool:
    """P-07: the first two weeks of a novice."""
    return bool(context["experience"] == "novice" and context["week"] < 2)


def short(minutes: int) -> int:
    """How far a session must be squeezed: 0 not, 1 below 45 minutes, 2 below 30, 3 below 20 (T-01)."""
    return (minutes < 45) + (minutes < 30) + (minutes < 20)


def dose_kind(exercise: Exercise) -> str:
    """All exercises of a kind get the same dose: ``compound``, ``unloaded``, ``isolation`` or ``support``."""
    if exercise.pattern in _SUPPORT_PATTERNS:
        return "support"
    if exercise.compound:
        return "compound" if exercise.loaded else "unloaded"
    return "isolation"


def base_dose(context: Mapping[str, Any], exercise: Exercise) -> Dose:
    """What goal and level alone would give."""
    kind = dose_kind(exercise)
    if kind == "support":
        return _SUPPORT
    if exercise.compound:
        dose = _COMPOUND[context["goal"], context["experience"]]
        # Three to five push-ups make nobody stronger: without a load the repetitions have to do it (G-01).
        return dose if exercise.loaded else dose._replace(reps=max(dose.reps, UNLOADED_REPS))
    dose = _ISOLATION[context["goal"]]
    return dose if context["experience"] == "advanced" else dose._replace(rir=max(dose.rir, 2))


def prescribe(context: Mapping[str, Any], exercise: Exercise, limits: Limits, ready: Readiness) -> Dose:
    """The dose within every bound of the person and the week; the sets before the week's ``set_factor``."""
    sets, reps, rir, rest_s = base_dose(context, exercise)
    if exercise.pattern not in _SUPPORT_PATTERNS:
        reps = max(reps, limits.reps) if limits.reps else reps
    rir = max(rir, rir_floor(context, limits, compound=exercise.compound)) + ready.rir_extra
    if ready.deload:
        rir = max(rir, DELOAD_RIR)
    if context["age"] >= 65:
        rest_s = SENIOR_REST_S if exercise.compound else rest_s
    squeeze = short(context["minutes_per_session"])
    if squeeze:
        rest_s = min(rest_s, _short_rest(context, exercise, squeeze))
    most = 1 if squeeze == 3 else 2 if first_weeks(context) or squeeze == 2 else sets
    return Dose(min(sets, most), reps, min(rir, 6.0), rest_s)


def _short_rest(context: Mapping[str, Any], exercise: Exercise, squeeze: int) -> int:
    """The least rest that I-01 still allows."""
    if not exercise.compound or context["experience"] == "novice" or squeeze == 3:
        return 60
    return {"strength": 120, "muscle_gain": 90}.get(context["goal"], 60)


def warm_up_sets(exercise: Exercise, reps: int, rir: float) -> int:
    """W-01: ramp sets before the first loaded lift of a pattern; not counted as work."""
    if not exercise.loaded or not exercise.compound:
        return 0
    share = percent_of_1rm(reps, rir)
    return 1 if share <= 0.70 else 2 if share <= 0.85 else 3


SESSION_START_MIN = 5.0


def exercise_minutes(
    exercise: Exercise, sets: int, reps: int, rest_s: int, rir: float, *, warm: bool
) -> float:
    """T-01 for one exercise: sets with their rests, ramp sets if ``warm``, 1.5 minutes of changeover."""
    work_s = reps * SECONDS_PER_REP * (2 if exercise.unilateral else 1)
    ramp = warm_up_sets(exercise, reps, rir) if warm else 0
    return sets * (work_s + rest_s) / 60 + 0.5 * ramp + 1.5
