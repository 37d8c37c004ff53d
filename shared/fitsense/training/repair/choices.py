"""Another exercise in the place of one that the person may not do: the nearest that they may."""

from __future__ import annotations

from collections.abc import Iterable

from fitsense.training.catalog.exercises import PATTERNS, Exercise, exercises_for, load_catalog
from fitsense.training.history.sessions import exercise_named
from fitsense.training.repair.numbers import fitting_load
from fitsense.training.repair.work import Work, WorkDay, WorkItem
from fitsense.training.verify.exercises import objections
from fitsense.training.verify.ground import Ground, logged_kg
from fitsense.training.verify.violation import Violation

_RELATED: dict[str, tuple[str, ...]] = {
    "squat": ("lunge", "knee_ext"), "lunge": ("squat", "knee_ext"), "knee_ext": ("squat", "lunge"),
    "hinge": ("knee_flex", "hip_abd"), "knee_flex": ("hinge",), "h_push": ("chest_iso", "v_push"),
    "v_push": ("shoulder_iso", "h_push"), "chest_iso": ("h_push",), "shoulder_iso": ("v_push",),
    "h_pull": ("v_pull",), "v_pull": ("h_pull",), "hip_abd": ("hip_add", "hinge"), "hip_add": ("hip_abd",),
    "core_antiext": ("core_antirot", "core_lat"), "core_antirot": ("core_antiext", "core_lat"),
    "core_lat": ("core_antirot", "core_antiext"), "core_flex": ("core_antiext", "core_antirot"),
    "core_rot": ("core_antirot", "core_antiext"), "olympic": ("hinge", "squat"), "plyo": ("squat", "hinge"),
    "carry": ("core_lat", "core_antirot"), "shrug": ("h_pull",),
}  # fmt: skip
"""Where nothing of a pattern is left: patterns that train much the same."""
_HOLDS = frozenset({"isometric_hold"})
"""Dosed in seconds, which repetitions cannot say."""


def mend_choice(work: Work, ground: Ground, day: WorkDay, item: WorkItem, why: Violation) -> None:
    """Swap the exercise for the nearest one that is allowed, or take it out if there is none."""
    taken = {str(one.raw.get("id")) for one in day.items if one is not item}
    other = _meant(ground, item, taken) or nearest(ground, _exercise(item), taken)
    if other is None:
        work.drop(day, item, why)
        return
    work.swap(item, other.id, why)
    kg = fitting_load(ground, other, logged_kg(ground, other))
    if "kg" in item.raw and item.raw["kg"] != kg:
        work.set(item, "kg", kg, why)


def _exercise(item: WorkItem) -> Exercise | None:
    name = item.raw.get("id")
    return load_catalog().by_id.get(name) if isinstance(name, str) else None


def _meant(ground: Ground, item: WorkItem, taken: set[str]) -> Exercise | None:
    """The exercise whose name stands where its id should."""
    name = item.raw.get("id")
    if not isinstance(name, str) or name in load_catalog():
        return None
    found = exercise_named(name[:80])
    if found is None or found in taken:
        return None
    exercise = load_catalog()[found]
    return None if any(objections(ground, exercise)) else exercise


def nearest(ground: Ground, exercise: Exercise | None, taken: set[str]) -> Exercise | None:
    """The most similar exercise that the person may do and that ``taken`` lacks; same pattern first."""
    if exercise is None:
        return None
    for pattern in (exercise.pattern, *_RELATED.get(exercise.pattern, ())):
        found = [one for one in _allowed(ground, pattern) if one.id not in taken and one.id != exercise.id]
        if found:
            return min(found, key=lambda one: _distance(ground, exercise, one))
    return None


def _allowed(ground: Ground, pattern: str) -> Iterable[Exercise]:
    limits = ground.limits
    others = PATTERNS - {pattern}
    every = exercises_for(ground.owned, limits.tags | _HOLDS, limits.patterns | others, ground.rank)
    return [one for one in every if one.id not in ground.request.avoid]


def _distance(ground: Ground, one: Exercise, other: Exercise) -> float:
    """How unlike two exercises are; one that the person knows is nearer."""
    shared = len(set(one.secondary) & set(other.secondary))
    return (
        6.0 * (one.primary != other.primary)
        + 4.0 * (one.kind != other.kind)
        + 2.0 * (one.unilateral != other.unilateral)
        + 1.0 * (one.rank != other.rank)
        + 1.0 * len(one.equipment ^ other.equipment)
        - 0.5 * shared
        - 3.0 * (other.id in ground.lifts)
    )
