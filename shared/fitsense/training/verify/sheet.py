"""A plan as anybody may have written it, read into plain numbers; what cannot be read is a violation.

A language model's plan may hold anything that JSON can say. Nothing here raises, whatever is passed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fitsense.training.catalog.exercises import Exercise, load_catalog
from fitsense.training.verify.violation import Numbers, Violation

SETS = (1, 10)
REPS = (1, 30)
RIR = (0.0, 6.0)
REST_S = (15, 420)
MAX_EXERCISES = 12
"""Bounds of ``records.PlannedExercise`` and ``records.PlannedDay``."""
_READ_DAYS = 14
_READ_EXERCISES = 40
"""Beyond these a plan is not looked at in detail: it is far too long already."""
_HUGE = 1e6
_ITEM_KEYS = frozenset({"id", "sets", "reps", "rir", "kg", "rest_s"})
_DAY_KEYS = frozenset({"exercises", "offset"})
_PLAN_KEYS = frozenset({"goal", "days", "deload"})
FIELD_RULE = {
    "plan": "F-01", "days": "F-01", "exercises": "F-01", "goal": "G-01", "deload": "D-02", "id": "E-01",
    "sets": "V-06", "reps": "G-01", "rir": "G-02", "kg": "R-01", "rest_s": "I-01", "offset": "F-02",
}  # fmt: skip
"""The rule that a field serves, and that is broken when it cannot be read."""


@dataclass(slots=True)
class Item:
    """One planned exercise; None for what cannot be read. ``by_feel``: it stands without a load."""

    day: int
    index: int
    exercise: Exercise | None
    sets: int | None
    reps: tuple[int, int] | None
    rir: float | None
    kg: float | None
    by_feel: bool
    rest_s: int | None


@dataclass(slots=True)
class Sheet:
    """The readable part of a plan. ``days`` keeps the numbering of the plan as it was written."""

    goal: str | None = None
    deload: bool = False
    days: list[list[Item]] = field(default_factory=list)
    offsets: tuple[int, ...] | None = None
    """Days from the start of the week, where the plan says them."""
    listed: bool = False
    """Whether there is a list of days at all."""
    written_days: int = 0
    problems: list[Violation] = field(default_factory=list)


def number(value: object) -> float | None:
    """A finite number of a size that a plan can hold; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_HUGE <= value <= _HUGE else None  # NaN fails both comparisons


def whole(value: object) -> int | None:
    """A number without a fraction."""
    if type(value) is int:
        return value if -_HUGE <= value <= _HUGE else None
    read = number(value)
    return int(read) if read is not None and read == math.floor(read) else None


def read_sheet(plan: object) -> Sheet:
    """What can be read of ``plan``, and a violation for each thing that cannot."""
    sheet = Sheet()
    if not isinstance(plan, dict):
        sheet.problems.append(_unreadable("plan"))
        return sheet
    goal, deload, days = plan.get("goal"), plan.get("deload", False), plan.get("days")
    sheet.goal = goal if isinstance(goal, str) else None
    sheet.deload = deload is True
    if not isinstance(deload, bool):
        sheet.problems.append(_unreadable("deload"))
    sheet.problems += _extra(plan, _PLAN_KEYS)
    if not isinstance(days, list | tuple):
        sheet.problems.append(_unreadable("days"))
        return sheet
    sheet.listed, sheet.written_days = True, len(days)
    sheet.days = [_day(sheet, index, day) for index, day in enumerate(days[:_READ_DAYS])]
    sheet.offsets = _offsets(sheet, days[:_READ_DAYS])
    return sheet


def _unreadable(part: str, day: int = -1, item: int = -1) -> Violation:
    return Violation(FIELD_RULE[part], "verify.unreadable", part if part != "plan" else "", day, item)


def _extra(
    mapping: Mapping[Any, Any], known: frozenset[str], day: int = -1, item: int = -1
) -> list[Violation]:
    """Words that the contract does not have: nobody acts on them, so they only warn."""
    if mapping.keys() <= known:
        return []
    return [Violation("X-INJECT", "verify.extra_words", "", day, item, severity="warn")]


def _day(sheet: Sheet, index: int, day: object) -> list[Item]:
    exercises = day.get("exercises") if isinstance(day, dict) else None
    if not isinstance(day, dict) or not isinstance(exercises, list | tuple):
        sheet.problems.append(_unreadable("exercises", index))
        return []
    sheet.problems += _extra(day, _DAY_KEYS, index)
    if not 1 <= len(exercises) <= MAX_EXERCISES:
        numbers: Numbers = {"found": len(exercises), "allowed": MAX_EXERCISES}
        key = "verify.too_many_exercises" if exercises else "verify.empty_day"
        sheet.problems.append(
            Violation("F-01", key, "exercises", index, numbers=numbers if exercises else {})
        )
    return [_item(sheet, index, place, one) for place, one in enumerate(exercises[:_READ_EXERCISES])]


def _offsets(sheet: Sheet, days: Sequence[object]) -> tuple[int, ...] | None:
    """The days' places in the week, if each says one; rising and within a week."""
    said = [day.get("offset") for day in days if isinstance(day, dict) and "offset" in day]
    if not said:
        return None
    read = [whole(one) for one in said]
    good = [one for one in read if one is not None and 0 <= one <= 6]
    if len(good) != len(days) or any(b <= a for a, b in pairwise(good)):
        sheet.problems.append(_unreadable("offset", 0))
        return None
    return tuple(good)


def _item(sheet: Sheet, day: int, index: int, raw: object) -> Item:
    if not isinstance(raw, dict):
        sheet.problems.append(_unreadable("id", day, index))
        return Item(day, index, None, None, None, None, None, False, None)
    name, kg = raw.get("id"), raw.get("kg", "")
    item = Item(
        day=day,
        index=index,
        exercise=load_catalog().by_id.get(name) if isinstance(name, str) else None,
        sets=whole(raw.get("sets")),
        reps=_reps(raw.get("reps")),
        rir=number(raw.get("rir")),
        kg=number(kg),
        by_feel=kg is None,
        rest_s=whole(raw.get("rest_s")),
    )
    if not raw.keys() <= _ITEM_KEYS:
        sheet.problems += _extra(raw, _ITEM_KEYS, day, index)
    sheet.problems += _item_problems(item)
    return item


def _reps(value: object) -> tuple[int, int] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = whole(value[0]), whole(value[1])
    return None if low is None or high is None else (low, high)


def _item_problems(item: Item) -> list[Violation]:
    found: list[Violation] = []
    day, index = item.day, item.index
    if item.exercise is None:
        found.append(Violation("E-01", "verify.unknown_exercise", "id", day, index))
    if item.kg is None and not item.by_feel:
        found.append(_unreadable("kg", day, index))
    if item.reps is None:
        found.append(_unreadable("reps", day, index))
    elif not REPS[0] <= item.reps[0] <= item.reps[1] <= REPS[1]:
        low, high = item.reps
        numbers: Numbers = {"low": low, "high": high, "allowed_low": REPS[0], "allowed_high": REPS[1]}
        found.append(Violation("G-01", "verify.reps", "reps", day, index, numbers))
    for part, value, (least, most) in (
        ("sets", item.sets, SETS),
        ("rir", item.rir, RIR),
        ("rest_s", item.rest_s, REST_S),
    ):
        if value is None:
            found.append(_unreadable(part, day, index))
        elif not least <= value <= most:
            bounds: Numbers = {"found": value, "low": least, "high": most}
            found.append(Violation(FIELD_RULE[part], f"verify.range_{part}", part, day, index, bounds))
    return found
