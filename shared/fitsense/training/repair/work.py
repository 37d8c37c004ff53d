"""The plan under repair: plain data that can be changed, and the diff that this makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.findings import Finding, Value
from fitsense.training.repair.edits import Edit, Op, as_value, shown
from fitsense.training.verify.violation import Violation

MOST_DAYS, MOST_EXERCISES = 14, 40
"""What is read of a plan at all; the rest is cut off."""


@dataclass(slots=True, eq=False)
class WorkItem:
    """One exercise as it stands now; ``at`` is its place in the plan before the repair."""

    raw: dict[str, Any]
    at: tuple[int, int]
    was: str | None


@dataclass(slots=True, eq=False)
class WorkDay:
    raw: dict[str, Any]
    at: int
    items: list[WorkItem]


@dataclass(slots=True)
class Work:
    """The plan as it stands now, and the edits so far."""

    raw: dict[str, Any]
    days: list[WorkDay]
    edits: dict[tuple[int, int, str], Edit] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: object) -> Work:
        raw = dict(plan) if isinstance(plan, Mapping) else {}
        return cls(raw, [_day(number, day) for number, day in enumerate(_listed(raw.get("days"), MOST_DAYS))])

    def plan(self) -> dict[str, Any]:
        """The plan now, sharing nothing that a repair changes with the plan before."""
        days = [{**day.raw, "exercises": [dict(item.raw) for item in day.items]} for day in self.days]
        return {**self.raw, "days": days}

    # ------------------------------------------------------------------------------------------- changes

    def set(self, item: WorkItem, part: str, value: Any, why: Violation) -> bool:
        """Give one field of an exercise another value; False if it has it already."""
        before = item.raw.get(part)
        if part in item.raw and _same(before, value):
            return False
        item.raw[part] = value
        what = Finding(why.rule_id, "repair.number", {"before": as_value(before), "after": as_value(value)})
        if part == "kg" and value is None:
            what = Finding(why.rule_id, "repair.by_feel", {"before": as_value(before)})
        self._record(
            (*item.at, part),
            Edit("set", _path(*item.at, part), shown(before), shown(value), why.rule_id, why.finding, what),
        )
        return True

    def set_top(self, part: str, value: Any, why: Violation) -> bool:
        """Give a field of the plan itself another value."""
        before = self.raw.get(part)
        if part in self.raw and _same(before, value):
            return False
        self.raw[part] = value
        what = Finding(why.rule_id, "repair.number", {"before": as_value(before), "after": as_value(value)})
        edit = Edit("set", part, shown(before), shown(value), why.rule_id, why.finding, what)
        self._record((-1, -1, part), edit)
        return True

    def swap(self, item: WorkItem, other: str, why: Violation) -> None:
        """Put another exercise in the place of one."""
        before = item.raw.get("id")
        item.raw["id"] = other
        known = isinstance(before, str) and before in load_catalog()
        numbers: dict[str, Value] = {"other": other, **({"exercise": str(before)} if known else {})}
        what = Finding(why.rule_id, "repair.swap" if known else "repair.swap_unknown", numbers)
        edit = Edit("swap", _path(*item.at, "id"), shown(before), other, why.rule_id, why.finding, what)
        self._record((*item.at, "id"), edit)

    def drop(self, day: WorkDay, item: WorkItem, why: Violation) -> None:
        """Take an exercise out, and what was changed in it before."""
        day.items.remove(item)
        self._forget(lambda key: key[:2] == item.at)
        numbers: dict[str, Value] = {"exercise": item.was} if item.was else {}
        what = Finding(why.rule_id, "repair.drop_exercise" if item.was else "repair.drop_unknown", numbers)
        self._add("drop_exercise", (*item.at, ""), _path(*item.at), item.was, why, what)

    def drop_day(self, day: WorkDay, why: Violation) -> None:
        """Take a whole day out."""
        self.days.remove(day)
        self._forget(lambda key: key[0] == day.at)
        what = Finding(why.rule_id, "repair.drop_day", {"number": day.at + 1})
        self._add("drop_day", (day.at, -1, ""), _path(day.at), day.at, why, what)

    def order(self, order: Sequence[int], why: Violation) -> None:
        """Put the days in another order; places in the week stay where they are."""
        before = [day.at for day in self.days]
        offsets = [day.raw.get("offset") for day in self.days]
        self.days = [self.days[number] for number in order]
        for day, offset in zip(self.days, offsets, strict=True):
            if offset is not None:
                day.raw["offset"] = offset
        after = [day.at for day in self.days]
        what = Finding(why.rule_id, "repair.move_days")
        self._record(
            (-1, -1, "order"), Edit("move_days", "days", before, after, why.rule_id, why.finding, what)
        )

    def lay_out(self, offsets: Sequence[int] | None, why: Violation) -> None:
        """Give the days other places in the week, or none."""
        for number, day in enumerate(self.days):
            before = day.raw.pop("offset", None)
            if offsets is not None:
                day.raw["offset"] = offsets[number]
            what = Finding(why.rule_id, "repair.move_days")
            after = day.raw.get("offset")
            edit = Edit(
                "set", _path(day.at, part="offset"), shown(before), after, why.rule_id, why.finding, what
            )
            self._record((day.at, -1, "offset"), edit)

    def _add(
        self, op: Op, key: tuple[int, int, str], where: str, before: Any, why: Violation, what: Finding
    ) -> None:
        self.edits[key] = Edit(op, where, shown(before), None, why.rule_id, why.finding, what)

    def _record(self, key: tuple[int, int, str], edit: Edit) -> None:
        """Two changes of one place are one, for the reason of the first; none if they cancel out."""
        first = self.edits.pop(key, None)
        if first is not None:
            numbers = {**edit.what.numbers}
            if "before" in numbers:
                numbers["before"] = as_value(first.before)
            what = Finding(first.rule_id, edit.what.key, {**first.what.numbers, **numbers})
            edit = Edit(edit.op, edit.where, first.before, edit.after, first.rule_id, first.why, what)
        if first is None or not _same(edit.before, edit.after):
            self.edits[key] = edit

    def _forget(self, gone: Any) -> None:
        self.edits = {key: edit for key, edit in self.edits.items() if not gone(key)}


def _listed(value: object, most: int) -> Sequence[object]:
    return value[:most] if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _day(number: int, day: object) -> WorkDay:
    raw = dict(day) if isinstance(day, Mapping) else {}
    listed = enumerate(_listed(raw.pop("exercises", None), MOST_EXERCISES))
    return WorkDay(raw, number, [_item((number, place), one) for place, one in listed])


def _item(at: tuple[int, int], one: object) -> WorkItem:
    raw = dict(one) if isinstance(one, Mapping) else {}
    name = raw.get("id")
    return WorkItem(raw, at, name if isinstance(name, str) and name in load_catalog() else None)


def _same(one: object, other: object) -> bool:
    """Equal, and of one type: 3 is not True, and a NaN is itself."""
    return type(one) is type(other) and (one == other or one is other)


def _path(day: int, item: int = -1, part: str = "") -> str:
    path = f"days[{day}]" + (f".exercises[{item}]" if item >= 0 else "")
    return f"{path}.{part}" if part else path
