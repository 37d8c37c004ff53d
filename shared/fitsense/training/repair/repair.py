"""The repair itself: what is broken, worst first, until nothing is."""

from __future__ import annotations

from collections.abc import Iterable

from fitsense.training.findings import Finding
from fitsense.training.repair import cuts
from fitsense.training.repair.choices import mend_choice
from fitsense.training.repair.edits import Edit, Repair
from fitsense.training.repair.numbers import mend_number
from fitsense.training.repair.work import MOST_DAYS, Work, WorkItem
from fitsense.training.request import Request
from fitsense.training.verify.ground import Ground, ground_of
from fitsense.training.verify.plan import blocking, review_sheet
from fitsense.training.verify.sheet import Item, Sheet, read_sheet
from fitsense.training.verify.violation import Violation
from fitsense.training.week.plan import build_plan
from fitsense.training.week.split import day_offsets

_ROUNDS = 400
"""More than any readable plan needs: each round takes something out or brings a number within its bounds."""

_ORDER = (
    frozenset({"blocked"}),
    frozenset({"goal", "goal_unsafe", "deload_skipped"}),
    frozenset({"empty_day"}),
    frozenset({"days_many", "days_in_a_row", "days_apart"}),
    frozenset({"unknown_exercise", "equipment", "level", "excluded", "unwanted", "twice"}),
    frozenset({"too_many_exercises"}),
    frozenset({
        "unreadable", "range_sets", "range_rir", "range_rest_s", "reps", "rir", "rest", "early_sets",
        "load_unbacked", "load_rise", "load_ease", "load_nothing", "load_bodyweight", "load_grid",
    }),
    frozenset({"session_sets"}),
    frozenset({"week_sets", "week_rise", "week_after_deload", "week_deficit", "week_sleep", "week_break",
        "week_deload", "week_eased"}),
    frozenset({"total_deload"}),
    frozenset({"minutes"}),
    frozenset({"spacing"}),
    frozenset({"load_and_sets"}),
    frozenset({"no_days"}),
)  # fmt: skip
"""What is mended before what: the earlier may settle the later."""
_PHASE = {f"verify.{key}": phase for phase, keys in enumerate(_ORDER) for key in keys}


def repair(request: Request, plan: object) -> Repair:
    """``plan`` with as few edits as keep every rule; unchanged if it keeps them already.

    ``plan`` may be anything that JSON can say. If no plan is possible, ``problem`` says why.
    """
    ground = ground_of(request)
    found = blocking(review_sheet(ground, read_sheet(plan)))
    if not found:
        return Repair(plan)
    if found[0].key == "verify.blocked":
        return Repair(None, problem=found[0].finding)
    return _mended(ground, plan, found) or _anew(request, ground, found[0])


def _mended(ground: Ground, plan: object, found: list[Violation]) -> Repair | None:
    """The plan without what is ``found``; None where nothing of it can be kept."""
    work = _work(plan, found)
    for _ in range(_ROUNDS):
        sheet = read_sheet(work.plan())
        found = blocking(review_sheet(ground, sheet))
        if not found:
            return Repair(work.plan(), _in_order(work.edits.values()))
        if not work.days or not _round(work, sheet, ground, found):
            break
    return None


def _work(plan: object, found: list[Violation]) -> Work:
    """The readable part; what lies beyond is cut off, and that is the first edit."""
    work = Work.of(plan)
    listed = work.raw.get("days")
    if isinstance(listed, list | tuple) and len(listed) > MOST_DAYS:
        why = next(one for one in found if one.key == "verify.days_many")
        what = Finding(why.rule_id, "repair.drop_day", {"number": f"{MOST_DAYS + 1}+"})
        work.edits[MOST_DAYS, -1, ""] = Edit(
            "drop_day", f"days[{MOST_DAYS}:]", len(listed), MOST_DAYS, why.rule_id, why.finding, what
        )
    return work


def _round(work: Work, sheet: Sheet, ground: Ground, found: list[Violation]) -> bool:
    """Mend what comes first: all choices or all numbers at once, else one thing. False if nothing moves."""
    phase = min(_PHASE[one.key] for one in found)
    due = [one for one in found if _PHASE[one.key] == phase]
    if "verify.excluded" in (key := _keys(phase)):
        return _choices(work, ground, due)
    if "verify.reps" in key:
        return _numbers(work, sheet, ground, due)
    if "verify.load_and_sets" in key:
        return _hold_loads(work, ground, due)
    return _structure(work, sheet, ground, found, due[0])


def _keys(phase: int) -> frozenset[str]:
    return frozenset(f"verify.{key}" for key in _ORDER[phase])


def _at(work: Work, one: Violation) -> WorkItem:
    return work.days[one.day].items[one.item]


def _choices(work: Work, ground: Ground, due: list[Violation]) -> bool:
    places = {(one.day, one.item): one for one in reversed(due)}  # the first finding of a place speaks for it
    targets = [(work.days[one.day], _at(work, one), one) for _, one in sorted(places.items())]
    for day, item, why in targets:
        mend_choice(work, ground.on(why.day), day, item, why)
    return True


def _numbers(work: Work, sheet: Sheet, ground: Ground, due: list[Violation]) -> bool:
    moved = False
    for one in due:
        if one.item >= 0:
            moved |= _number(work, sheet, ground, one)
        elif one.part == "deload":
            moved |= work.set_top("deload", ground.ready.deload, one)
        elif one.part == "offset":
            work.lay_out(None, one)
            moved = True
        elif one.part == "exercises":
            work.drop_day(work.days[one.day], one)
            return True
    return moved


def _number(work: Work, sheet: Sheet, ground: Ground, one: Violation) -> bool:
    read: Item = sheet.days[one.day][one.item]
    return mend_number(work, ground.on(one.day), _at(work, one), read, one)


def _hold_loads(work: Work, ground: Ground, due: list[Violation]) -> bool:
    """P-05: the load stays where it was."""
    moved = False
    for one in due:
        moved |= work.set(_at(work, one), "kg", one.numbers["allowed"], one)
    return moved


def _structure(work: Work, sheet: Sheet, ground: Ground, found: list[Violation], one: Violation) -> bool:
    kind = one.key.removeprefix("verify.")
    if kind in ("goal", "goal_unsafe"):
        return work.set_top("goal", ground.goal, one)
    if kind == "deload_skipped":
        return work.set_top("deload", True, one)
    if kind == "empty_day":
        work.drop_day(work.days[one.day], one)
        return True
    if kind in ("days_many", "days_in_a_row", "days_apart"):
        return _fewer_days(work, sheet, found, one)
    if kind == "too_many_exercises":
        return cuts.cut_exercise(work, sheet, ground, one)
    if kind == "minutes":
        return cuts.cut_minutes(work, sheet, ground, one)
    if kind == "spacing":
        return cuts.space_days(work, sheet, ground, one)
    if kind == "total_deload":
        return cuts.cut_total(work, sheet, ground, one)
    return "muscle" in one.numbers and cuts.cut_muscle(work, sheet, ground, one)


def _fewer_days(work: Work, sheet: Sheet, found: list[Violation], one: Violation) -> bool:
    """F-01, F-03. Days in a row that the plan names itself are laid out anew first."""
    if one.key != "verify.days_many" and sheet.offsets is not None and len(work.days) <= 6:
        offsets = day_offsets(len(work.days))
        if tuple(offsets) != tuple(sheet.offsets):
            work.lay_out(offsets, one)
            return True
    return cuts.cut_day(work, sheet, found, one)


def _anew(request: Request, ground: Ground, why: Violation) -> Repair:
    """The engine's own plan where nothing of the other could be kept, or the reason why there is none."""
    try:
        plan = build_plan(request).plan
    except ValueError:
        return Repair(None, problem=Finding("E-01", "repair.nothing_left"))
    found = blocking(review_sheet(ground, read_sheet(plan)))
    fresh = _mended(ground, plan, found) if found else Repair(plan)
    if fresh is None:
        return Repair(None, problem=found[0].finding)
    what = Finding(why.rule_id, "repair.new_plan")
    return Repair(fresh.plan, (Edit("new_plan", "plan", None, None, why.rule_id, why.finding, what),))


def _in_order(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """By place in the plan before the repair, those of the whole plan first."""
    return tuple(
        sorted(edits, key=lambda edit: (edit.where.startswith("days["), _natural(edit.where), edit.op))
    )


def _natural(where: str) -> list[tuple[int, str]]:
    parts = where.replace("]", "[").split("[")
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
