"""Each exercise by itself: choice, repetitions, effort, rest, load (E-01, C-*, G-*, I-01, P-*, R-01)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from fitsense.training.catalog.exercises import Exercise
from fitsense.training.load import rounding
from fitsense.training.verify.ground import Ground, load_ceiling, logged_kg
from fitsense.training.verify.sheet import REST_S, RIR, Item, Sheet
from fitsense.training.verify.violation import Numbers, Violation
from fitsense.training.week.prescription import DELOAD_RIR

TOLERANCE = 1e-6
GRID_TOLERANCE_KG = 0.01
"""Pounds stored as kilograms are rounded to two decimals."""
EARLY_SETS = 2
"""P-07: sets of an exercise in a novice's first two weeks."""
MORE_REPS = 3
"""P-03: as far above the range, while the next load is too big a step."""
MOST_REPS = 20
"""P-03."""
SAFE_REST_S = (30, 60)
"""I-01, house: less rest than this makes a hard set of another exercise; single-joint and compound ones."""
_UNTIMED = frozenset({"cardio", "mobility", "balance"})
_REPS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "strength": ((1, 6), (1, 12)),
    "muscle_gain": ((6, 15), (5, 30)),
    "fat_loss": ((6, 15), (5, 20)),
    "general_fitness": ((8, 15), (5, 20)),
}
"""G-01 by goal: the recommended repetitions of loaded compound lifts, and those that still work (ACSM 2009:
strength 1-12RM; Iversen 2021: 5-30 near failure)."""
_NOVICE_STRENGTH = ((8, 12), (6, 15))
_OTHER_REPS = ((5, 20), (3, 30))
"""Isolation under a strength goal, and unloaded work, whose repetitions are all that can make it harder."""
_REST: dict[str, tuple[int, int]] = {"strength": (120, 300), "muscle_gain": (90, 180)}
"""I-01: recommended rest of compound lifts, seconds."""


def check_item(ground: Ground, sheet: Sheet, item: Item) -> Iterator[Violation]:
    """All that one exercise breaks by itself; unreadable parts were reported when they were read."""
    exercise = item.exercise
    if exercise is None:
        return
    yield from _choice(ground, item, exercise)
    yield from _sets(ground, item)
    yield from _reps(ground, item, exercise)
    yield from _effort(ground, sheet, item, exercise)
    yield from _rest(ground, item, exercise)
    if item.kg is not None:
        yield from _load(ground, item, item.kg, exercise)


def _choice(ground: Ground, item: Item, exercise: Exercise) -> Iterator[Violation]:
    for rule, key, extra in objections(ground, exercise):
        numbers: Numbers = {"exercise": exercise.id, **extra}
        yield Violation(rule, key, "id", item.day, item.index, numbers)


def objections(ground: Ground, exercise: Exercise) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Why this person may not do an exercise: rule, sentence and what it looked at."""
    limits = ground.limits
    if not exercise.equipment <= ground.owned:
        missing = ", ".join(sorted(exercise.equipment - ground.owned))
        yield "E-01", "verify.equipment", {"missing": missing}
    # Who logs an exercise has learned it already, whatever the catalogue calls its level.
    if exercise.rank > ground.rank and exercise.id not in ground.lifts:
        yield "F-01", "verify.level", {"level": exercise.level}
    if exercise.pattern in limits.patterns or not exercise.contra_tags.isdisjoint(limits.tags):
        why = sorted(exercise.contra_tags & limits.tags) or [f"p:{exercise.pattern}"]
        yield _excluding_rule(ground, exercise), "verify.excluded", {"tags": ", ".join(why)}
    if exercise.id in ground.request.avoid:
        yield "E-01", "verify.unwanted", {}


def _excluding_rule(ground: Ground, exercise: Exercise) -> str:
    """The first rule that takes this very exercise out."""
    excluding = ground.limits.excluding
    return next((rule for rule, one in excluding if one.takes_out(exercise)), "C-PAINRULE")


def _sets(ground: Ground, item: Item) -> Iterator[Violation]:
    if ground.early and item.sets is not None and item.sets > EARLY_SETS:
        numbers: Numbers = {"found": item.sets, "allowed": EARLY_SETS}
        yield Violation("P-07", "verify.early_sets", "sets", item.day, item.index, numbers)


# ------------------------------------------------------------------------------------------- repetitions


Range = tuple[int, int]


def rep_ranges(ground: Ground, exercise: Exercise) -> tuple[Range, Range]:
    """G-01: the recommended repetitions, and those that are allowed."""
    if exercise.kind == "support" or exercise.pattern in _UNTIMED:
        return (1, 30), (1, 30)
    return _rep_ranges(ground.goal, ground.novice, exercise.kind == "compound", ground.limits.reps)


@lru_cache(maxsize=1024)
def _rep_ranges(goal: str, novice: bool, compound: bool, bound: Range | tuple[()]) -> tuple[Range, Range]:
    if goal == "strength" and compound and novice:
        wanted, works = _NOVICE_STRENGTH
    else:
        wanted, works = _REPS[goal] if compound else _OTHER_REPS
    works = (works[0], max(works[1], min(wanted[1] + MORE_REPS, MOST_REPS)))
    if not bound:
        return wanted, works
    low, high = bound
    wanted = (max(low, wanted[0]), max(high, wanted[1]))
    return wanted, (max(low, works[0]), max(works[1], min(high + MORE_REPS, MOST_REPS)))


def _reps(ground: Ground, item: Item, exercise: Exercise) -> Iterator[Violation]:
    if item.reps is None:
        return
    low, high = item.reps
    wanted, works = rep_ranges(ground, exercise)
    if wanted[0] <= low and high <= wanted[1]:
        return
    numbers: Numbers = {"low": low, "high": high, "allowed_low": works[0], "allowed_high": works[1]}
    if low < works[0] or high > works[1]:
        rule = "G-01"
        if low < works[0] and ground.limits.reps:
            rule = ground.bound_by(lambda one: one.reps == ground.limits.reps, rule)
        yield Violation(rule, "verify.reps", "reps", item.day, item.index, numbers)
    elif not _own_range(ground, exercise, item.reps):
        numbers |= {"allowed_low": wanted[0], "allowed_high": wanted[1]}
        yield Violation("G-01", "verify.reps_usual", "reps", item.day, item.index, numbers, "warn")


def _own_range(ground: Ground, exercise: Exercise, reps: tuple[int, int]) -> bool:
    """Whether the person trains in this very range already."""
    if ground.request.log is None:
        return False
    targets = ground.request.log.target_reps
    return targets.get(exercise.id, targets.get("")) == reps


# ---------------------------------------------------------------------------------------- effort and rest


def rir_least(ground: Ground, exercise: Exercise, *, deload: bool) -> tuple[float, str]:
    """G-02: least repetitions in reserve, and the rule that asks for most."""
    floor, rule = ground.rir_floors[exercise.compound], "G-02"
    if "axial_load" in exercise.contra_tags:
        floor = max(floor, 1.0)  # no failure under a bar on the spine
    if ground.early:
        rule = "P-07"
    if ground.ready.rir_extra:
        rule = ground.eased_by(rule)
    if deload and floor < DELOAD_RIR:
        return DELOAD_RIR, "D-02"
    return min(floor, RIR[1]), rule


def _effort(ground: Ground, sheet: Sheet, item: Item, exercise: Exercise) -> Iterator[Violation]:
    if item.rir is None:
        return
    least, rule = rir_least(ground, exercise, deload=sheet.deload)
    if item.rir < least - TOLERANCE:
        numbers: Numbers = {"found": item.rir, "allowed": least}
        yield Violation(rule, "verify.rir", "rir", item.day, item.index, numbers)


def rest_range(ground: Ground, exercise: Exercise) -> tuple[int, int, int]:
    """I-01: least rest that is allowed, least and most that are recommended, seconds."""
    if exercise.kind not in ("compound", "unloaded"):
        least = SAFE_REST_S[0]
        return least, 60 if ground.goal == "muscle_gain" and exercise.kind == "isolation" else least, 180
    least = SAFE_REST_S[1] if exercise.loaded else SAFE_REST_S[0]
    if ground.novice:
        return least, 60, 180
    low, high = _REST.get(ground.goal, (60, 180)) if exercise.loaded else (60, 180)
    return least, max(low, 90) if ground.senior else low, high


def _rest(ground: Ground, item: Item, exercise: Exercise) -> Iterator[Violation]:
    rest = item.rest_s
    if rest is None or not REST_S[0] <= rest <= REST_S[1]:
        return
    least, low, high = rest_range(ground, exercise)
    if rest < least:
        numbers: Numbers = {"found": rest, "allowed": least}
        yield Violation("I-01", "verify.rest", "rest_s", item.day, item.index, numbers)
    elif not low <= rest <= high:
        numbers = {"found": rest, "low": low, "high": high}
        yield Violation("I-01", "verify.rest_usual", "rest_s", item.day, item.index, numbers, "warn")


# --------------------------------------------------------------------------------------------------- loads

_UNBACKED = {"squat": 1.0, "hinge": 1.0, "knee_flex": 0.6, "knee_ext": 0.6, "calf": 1.0, "carry": 0.6}
_UNBACKED_OTHER = 0.5
"""House: shares of body weight that no load may pass that no logged set stands behind."""


def unbacked_ceiling(ground: Ground, exercise: Exercise) -> float:
    """Most that an exercise without a log may be given, kg; implements are held one in each hand."""
    share = _UNBACKED.get(exercise.pattern, _UNBACKED_OTHER)
    hands = 2 if exercise.equipment & {"dumbbell", "kettlebell"} else 1
    return float(ground.context["weight_kg"]) * share / hands


def exists(ground: Ground, exercise: Exercise, kg: float) -> bool:
    """R-01: whether this load can be put together, or is the one that was used last."""
    logged = logged_kg(ground, exercise)
    if logged is not None and abs(kg - logged) <= GRID_TOLERANCE_KG:
        return True
    return rounding.exists(exercise, kg, ground.loads.rack)


def highest(ground: Ground, exercise: Exercise) -> tuple[float, str, str]:
    """Most that the exercise may weigh, kg, with its rule and sentence."""
    base = logged_kg(ground, exercise)
    if base is None:
        return unbacked_ceiling(ground, exercise), "P-02", "verify.load_unbacked"
    ceiling, rule = load_ceiling(ground, exercise, base)
    return ceiling, rule, "verify.load_rise" if ceiling >= base else "verify.load_ease"


def _load(ground: Ground, item: Item, kg: float, exercise: Exercise) -> Iterator[Violation]:
    place = ("kg", item.day, item.index)
    if kg <= 0 or not (exercise.loaded or logged_kg(ground, exercise)):
        key = "verify.load_nothing" if kg <= 0 else "verify.load_bodyweight"
        yield Violation("R-01", key, *place, {"found": kg})
        return
    ceiling, rule, key = highest(ground, exercise)
    if kg > ceiling + GRID_TOLERANCE_KG:
        numbers: Numbers = {"exercise": exercise.id, "found": kg, "allowed": round(ceiling, 2)}
        if (base := logged_kg(ground, exercise)) is not None:
            numbers["before"] = base
        yield Violation(rule, key, *place, numbers)
    elif not exists(ground, exercise, kg):
        near = rounding.round_load(exercise, kg, ground.loads.rack, ceiling)
        numbers = {"found": kg, "allowed": near}
        yield Violation("R-01", "verify.load_grid", *place, numbers)
