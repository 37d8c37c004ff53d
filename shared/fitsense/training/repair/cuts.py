"""Sets, exercises and days taken out, the least important first (T-01, V-*, P-05, P-06, D-02, F-*)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

from fitsense.training.catalog.exercises import LOWER_BODY, SUPPORT, Exercise
from fitsense.training.repair.work import Work, WorkDay, WorkItem
from fitsense.training.verify.days import HARD_SESSION_SETS, hard_muscles, minutes_of, sets_of
from fitsense.training.verify.exercises import rest_range
from fitsense.training.verify.ground import Ground
from fitsense.training.verify.sheet import Item, Sheet
from fitsense.training.verify.violation import Violation
from fitsense.training.verify.week import DELOAD_SHARE, ONE_SET, known_total
from fitsense.training.week.prescription import set_seconds
from fitsense.training.week.split import day_offsets

_PUSH, _PULL = frozenset({"h_push", "v_push"}), frozenset({"h_pull", "v_pull"})
_CORE_THREE = (LOWER_BODY, _PUSH, _PULL)
"""T-01: one leg, one push and one pull exercise of a day are cut last."""
MOST_ORDERED_DAYS = 6


@dataclass(slots=True)
class Part:
    """One exercise that sets can be cut from: as it stands in the plan, and as it was read."""

    day: WorkDay
    item: WorkItem
    read: Item
    exercise: Exercise
    weight: tuple[int, int, int]
    """How much it matters; the smallest goes first."""
    usual: int
    """Sets that the engine itself would give it."""

    @property
    def sets(self) -> int:
        return self.read.sets or 0


def parts_of(work: Work, sheet: Sheet, ground: Ground, only: int | None = None) -> list[Part]:
    """The exercises of the week, or of one day, the least important first."""
    parts = []
    for number, (day, items) in enumerate(zip(work.days, sheet.days, strict=True)):
        if only is not None and number != only:
            continue
        last = _last_of_three(items)
        for item, read in zip(day.items, items, strict=True):
            if read.exercise is not None and read.sets is not None:
                weight = (read.index in last, _rank(read.exercise, ground), -read.index)
                usual = ground.dose(read.exercise).sets
                parts.append(Part(day, item, read, read.exercise, weight, usual))
    return sorted(parts, key=lambda part: (part.weight, -part.read.day))


def _rank(exercise: Exercise, ground: Ground) -> int:
    """Compound lifts matter most; from 65 on balance does as much (C-65)."""
    if exercise.compound or (ground.senior and exercise.pattern == "balance"):
        return 2
    return 0 if exercise.pattern in SUPPORT else 1


def _last_of_three(items: Sequence[Item]) -> set[int]:
    """Places of the only leg, push and pull exercise of a day."""
    found = set()
    for patterns in _CORE_THREE:
        places = [one.index for one in items if one.exercise is not None and one.exercise.pattern in patterns]
        found |= set(places) if len(places) == 1 else set()
    return found


def cut(work: Work, parts: list[Part], excess: float, worth: Callable[[Part], float], why: Violation) -> bool:
    """Take out sets worth ``excess``, or some of it: what is more than usual, then from one exercise if that
    is enough, then from the least important.

    ``worth`` is what one set of an exercise counts. The last set of an exercise goes with the exercise.
    """
    able = [part for part in parts if part.sets > 1 and worth(part) > 0]
    over = [part for part in able if part.sets > part.usual]
    if over:
        part = max(over, key=lambda one: one.sets - one.usual)  # what stands out, back to the usual
        return work.set(part.item, "sets", part.sets - _fewer(part, excess, worth, part.usual), why)
    # Sets that were made up in this repair go before any that were written.
    able.sort(key=lambda part: (*part.item.at, "sets") not in work.edits)
    alone = [part for part in able if (part.sets - 1) * worth(part) >= excess - 1e-9]
    for part in alone or able:
        return work.set(part.item, "sets", part.sets - _fewer(part, excess, worth, 1), why)
    for part in parts:
        if worth(part) > 0:
            work.drop(part.day, part.item, why)
            return True
    return False


def _fewer(part: Part, excess: float, worth: Callable[[Part], float], least: int) -> int:
    return min(part.sets - least, math.ceil(excess / worth(part) - 1e-9))


def cut_minutes(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """T-01. A rest that is longer than recommended goes first."""
    excess = minutes_of(sheet.days[why.day]) - ground.context["minutes_per_session"]
    parts = parts_of(work, sheet, ground, why.day)
    for part in parts:
        _, _, most = rest_range(ground, part.exercise)
        if part.read.rest_s is not None and part.read.rest_s > most:
            return work.set(part.item, "rest_s", most, why)
    return cut(work, parts, excess, _set_minutes, why)


def _set_minutes(part: Part) -> float:
    if part.read.reps is None or part.read.rest_s is None:
        return 0.0
    return set_seconds(part.read.reps[1], part.read.rest_s, unilateral=part.exercise.unilateral) / 60


def cut_muscle(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """V-*, P-05, S-03: of one muscle, in a day or in the week."""
    muscle = str(why.numbers["muscle"])
    only = why.day if why.day >= 0 else None
    items = sheet.days[only] if only is not None else [item for day in sheet.days for item in day]
    excess = sets_of(items)[muscle] - float(why.numbers["allowed"])
    parts = parts_of(work, sheet, ground, only)
    # Sets of which the muscle is the aim come before sets that use it beside another.
    parts.sort(key=lambda part: part.exercise.primary != muscle)
    return cut(work, parts, excess, lambda part: dict(part.exercise.credit).get(muscle, 0.0), why)


def cut_total(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """D-02: of the whole week, one set at a time from where there are most."""
    now, before = known_total(ground, sets_of([item for day in sheet.days for item in day]))
    excess = now - DELOAD_SHARE[1] * before - ONE_SET
    parts = [part for part in parts_of(work, sheet, ground) if _known_worth(ground, part) > 0]
    left = {id(part): part.sets for part in parts}
    while excess > 0 and parts and max(left.values()) > 1:
        part = max(parts, key=lambda one: left[id(one)])
        left[id(part)] -= 1
        excess -= _known_worth(ground, part)
    changed = [part for part in parts if left[id(part)] != part.sets]
    for part in changed:
        work.set(part.item, "sets", left[id(part)], why)
    if not changed and parts:
        work.drop(parts[0].day, parts[0].item, why)
    return bool(parts)


def _known_worth(ground: Ground, part: Part) -> float:
    return sum(credit for muscle, credit in part.exercise.credit if muscle in ground.prior)


def cut_exercise(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """The least important exercise of a day."""
    for part in parts_of(work, sheet, ground, why.day):
        work.drop(part.day, part.item, why)
        return True
    return False


# ----------------------------------------------------------------------------------------------------- days


def cut_day(work: Work, sheet: Sheet, found: list[Violation], why: Violation) -> bool:
    """The day with most at fault; of several the one with fewest sets, then the last."""
    if not work.days:
        return False
    faults = [sum(one.day == number for one in found) for number in range(len(work.days))]
    sets = [sum(item.sets or 0 for item in items) for items in sheet.days]
    worst = max(range(len(work.days)), key=lambda number: (faults[number], -sets[number], number))
    work.drop_day(work.days[worst], why)
    return True


def space_days(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """F-02: other places in the week, another order of the days, or fewer sets on one of the two."""
    if sheet.offsets is not None and len(work.days) <= MOST_ORDERED_DAYS:
        offsets = day_offsets(len(work.days))
        if tuple(offsets) != tuple(sheet.offsets):
            work.lay_out(offsets, why)
            return True
    order = _spaced_order(sheet)
    if order is not None:
        work.order(order, why)
        return True
    return _lighten(work, sheet, ground, why)


def _spaced_order(sheet: Sheet) -> tuple[int, ...] | None:
    """The order nearest to the present one that keeps hard sessions of a muscle apart."""
    number = len(sheet.days)
    if not 1 < number <= MOST_ORDERED_DAYS:
        return None
    offsets = day_offsets(number)
    hard = [hard_muscles(items) for items in sheet.days]
    close = [place for place in range(1, number) if offsets[place] - offsets[place - 1] < 2]
    orders = (
        order
        for order in permutations(range(number))
        if not any(hard[order[place]] & hard[order[place - 1]] for place in close)
    )
    return min(orders, key=lambda order: sum(one != place for place, one in enumerate(order)), default=None)


def _lighten(work: Work, sheet: Sheet, ground: Ground, why: Violation) -> bool:
    """One of two days in a row becomes a light one for the muscle."""
    muscle = str(why.numbers["muscle"])
    both = [
        [part for part in parts_of(work, sheet, ground, number) if part.exercise.primary == muscle]
        for number in (why.day, why.day - 1)
    ]
    parts = min(both, key=lambda day: sum(part.sets for part in day))
    excess = sum(part.sets for part in parts) - (HARD_SESSION_SETS - 1)
    return cut(work, parts, excess, lambda part: 1.0, why)
