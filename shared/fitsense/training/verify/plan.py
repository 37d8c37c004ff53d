"""Every rule that a plan breaks, whoever wrote it, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.training.request import Request
from fitsense.training.verify.days import check_days, minutes_of
from fitsense.training.verify.exercises import check_item
from fitsense.training.verify.ground import Ground, ground_of
from fitsense.training.verify.sheet import Sheet, read_sheet
from fitsense.training.verify.violation import Violation, in_order
from fitsense.training.verify.week import check_week


def verify_plan(context: Mapping[str, Any], plan: object) -> list[Violation]:
    """All that forbids to show a Plan as a dict to a Context as a dict; empty when it may be shown."""
    return verify_request(Request(context=context), plan)


def verify_request(request: Request, plan: object) -> list[Violation]:
    """As ``verify_plan``, with what the prompt says on top of the context."""
    return blocking(review(request, plan))


def review(request: Request, plan: object) -> list[Violation]:
    """Everything there is to say about ``plan``: what forbids it first, then what only warns.

    ``plan`` may be anything that JSON can say. The order depends on the plan alone.
    """
    return review_sheet(ground_of(request), read_sheet(plan))


def blocking(found: list[Violation]) -> list[Violation]:
    """Those that forbid to show the plan."""
    return [one for one in found if one.severity == "block"]


def review_sheet(ground: Ground, sheet: Sheet) -> list[Violation]:
    """As ``review``, of a plan that was read."""
    found = [*sheet.problems, *_blocked(ground), *_goal(ground, sheet)]
    for number, items in enumerate(sheet.days):
        held = ground.on(number)
        for item in items:
            found += check_item(held, sheet, item)
    if sheet.listed:
        found += check_days(ground, sheet)
        found += check_week(ground, sheet)
    return in_order(found)


def _blocked(ground: Ground) -> Iterator[Violation]:
    for rule in ground.stopped:
        yield Violation(rule, "verify.blocked")


def _goal(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    if sheet.goal != ground.goal and sheet.listed:
        unsafe = ground.goal != ground.context["goal"]
        rule, key = ("N-08", "verify.goal_unsafe") if unsafe else ("G-01", "verify.goal")
        yield Violation(rule, key, "goal", numbers={"allowed": ground.goal})


def session_minutes(day: Mapping[str, Any]) -> float:
    """T-01 of one planned day; what the catalogue lacks takes no time."""
    return minutes_of(read_sheet({"days": [day]}).days[0])
