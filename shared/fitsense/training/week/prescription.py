"""Sets, repetitions, RIR, rest and session minutes by goal, level and bounds (G-*, I-01, P-07, T-01)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fitsense.training.catalog.exercises import Exercise, Kind
from fitsense.training.history.e1rm import percent_of_1rm
from fitsense.training.history.readiness import Readiness
from fitsense.training.people.conditions import Limits

SECONDS_PER_REP = 4
DELOAD_RIR, MOST_RIR = 4.0, 6.0
UNLOADED_REPS, UNLOADED_REST_S = (8, 15), 120
NOVICE_RIR = 2.0
FIRST_WEEKS_RIR = 3.0
SENIOR_REST_S = 120
SENIOR_SHORT_REST_S = {1: 120, 2: 90, 3: 60}
SENIOR_SETS = 3
"""C-65."""
MOST_SETS = 5
"""House: the band is reached with further exercises, not with a tenth set."""
SHORTEST, SHORTEST_REPS = 3, 12
"""T-01: leg, pull and push fit into a quarter of an hour only where no set goes on for ever."""


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


class Bounds(NamedTuple):
    """All that a dose depends on, beside the kind of exercise."""

    goal: str
    experience: str
    first_weeks: bool
    senior: bool
    squeeze: int
    rir_floor: float
    reps: tuple[int, int] | tuple[()]
    rir_extra: float
    deload: bool


def bounds_of(context: Mapping[str, Any], limits: Limits, ready: Readiness) -> Bounds:
    """What binds every dose of this person this week."""
    return Bounds(
        context["goal"],
        context["experience"],
        first_weeks(context),
        context["age"] >= 65,
        short(context["minutes_per_session"]),
        limits.rir_floor,
        limits.reps,
        ready.rir_extra,
        ready.deload,
    )


def rir_floor(context: Mapping[str, Any], limits: Limits, *, compound: bool) -> float:
    """Smallest RIR that any set of this person may target (G-02, P-07, C-*)."""
    return _rir_floor(limits.rir_floor, context["experience"], first_weeks(context), compound)


def _rir_floor(own: float, experience: str, early: bool, compound: bool) -> float:
    floor = max(own, 1.0 if compound else 0.0)
    return max(floor, FIRST_WEEKS_RIR if early else NOVICE_RIR) if experience == "novice" else floor


def first_weeks(context: Mapping[str, Any]) -> bool:
    """P-07: the first two weeks of a novice."""
    return bool(context["experience"] == "novice" and context["week"] < 2)


def most_sets(context: Mapping[str, Any]) -> int:
    """Of one exercise in one session: 2 in a novice's first weeks (P-07), 3 from 65 on (C-65), else 5."""
    if first_weeks(context):
        return 2
    return SENIOR_SETS if context["age"] >= 65 else MOST_SETS


def short(minutes: int) -> int:
    """How far a session must be squeezed: 0 not, 1 below 45 minutes, 2 below 30, 3 below 20 (T-01)."""
    return (minutes < 45) + (minutes < 30) + (minutes < 20)


def base_dose(kind: Kind, goal: str, experience: str) -> Dose:
    """What goal and level alone would give."""
    if kind == "support":
        return _SUPPORT
    if kind == "isolation":
        dose = _ISOLATION[goal]
        return dose if experience == "advanced" else dose._replace(rir=max(dose.rir, 2))
    dose = _COMPOUND[goal, experience]
    # Three to five push-ups make nobody stronger: without a load the repetitions have to do it (G-01).
    if kind == "compound":
        return dose
    return dose._replace(reps=max(dose.reps, UNLOADED_REPS), rest_s=min(dose.rest_s, UNLOADED_REST_S))


def prescribe(context: Mapping[str, Any], exercise: Exercise, limits: Limits, ready: Readiness) -> Dose:
    """The dose within every bound of the person and the week; the sets before the week's ``set_factor``."""
    return dose_of(exercise.kind, bounds_of(context, limits, ready))


@lru_cache(maxsize=8192)
def dose_of(kind: Kind, bounds: Bounds) -> Dose:
    """The dose of all exercises of ``kind`` within ``bounds``."""
    sets, reps, rir, rest_s = base_dose(kind, bounds.goal, bounds.experience)
    compound = kind in ("compound", "unloaded")
    if kind != "support":
        reps = max(reps, bounds.reps) if bounds.reps else reps
    floor = _rir_floor(bounds.rir_floor, bounds.experience, bounds.first_weeks, compound)
    rir = max(rir, floor) + bounds.rir_extra
    if bounds.deload:
        rir = max(rir, DELOAD_RIR)
    if bounds.senior and compound:
        rest_s = SENIOR_REST_S
    if bounds.squeeze:
        rest_s = min(rest_s, _short_rest(bounds, compound))
    if bounds.squeeze == SHORTEST:
        reps = (min(reps[0], SHORTEST_REPS), min(reps[1], SHORTEST_REPS))
    if bounds.senior:
        sets = min(sets, SENIOR_SETS)
    most = 1 if bounds.squeeze == SHORTEST else 2 if bounds.first_weeks or bounds.squeeze == 2 else sets
    return Dose(min(sets, most), reps, min(rir, MOST_RIR), rest_s)


def _short_rest(bounds: Bounds, compound: bool) -> int:
    """The least rest that I-01 still allows; older people keep theirs until time is very short."""
    if bounds.senior and compound:
        return SENIOR_SHORT_REST_S[bounds.squeeze]
    if not compound or bounds.experience == "novice" or bounds.squeeze == 3:
        return 60
    return {"strength": 120, "muscle_gain": 90}.get(bounds.goal, 60)


def warm_up_sets(exercise: Exercise, reps: int, rir: float) -> int:
    """W-01: ramp sets before the first loaded lift of a pattern; not counted as work."""
    return ramp_sets(reps, rir) if exercise.kind == "compound" else 0


@lru_cache(maxsize=1024)
def ramp_sets(reps: int, rir: float) -> int:
    """W-01 for a loaded compound lift."""
    return ramps_at(percent_of_1rm(reps, rir))


LIGHT, MEDIUM = 0.70, 0.85
"""W-01: shares of the maximum up to which one and two ramp sets do."""


def ramps_at(share: float) -> int:
    """W-01: ramp sets for a load of ``share`` of the maximum."""
    return 1 if share <= LIGHT else 2 if share <= MEDIUM else 3


SESSION_START_MIN = 5.0
RAMP_SET_MIN = 0.5
CHANGEOVER_MIN = 1.5


def exercise_minutes(
    exercise: Exercise, sets: int, reps: int, rest_s: int, rir: float, *, warm: bool
) -> float:
    """T-01 for one exercise: sets with their rests, ramp sets if ``warm``, 1.5 minutes of changeover."""
    ramp = warm_up_sets(exercise, reps, rir) if warm else 0
    return (
        sets * set_seconds(reps, rest_s, unilateral=exercise.unilateral) / 60
        + RAMP_SET_MIN * ramp
        + CHANGEOVER_MIN
    )


def set_seconds(reps: int, rest_s: int, *, unilateral: bool) -> int:
    """One set with its rest; both sides of a unilateral exercise."""
    return reps * SECONDS_PER_REP * (2 if unilateral else 1) + rest_s
