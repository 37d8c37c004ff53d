"""Plans by hand for the tests of verify: one exercise, a week, and what is found in it."""

from __future__ import annotations

from typing import Any

from fitsense.training.request import Request
from fitsense.training.verify import Violation, review
from tests.unit.training.people import context

Planned = dict[str, Any]


def planned(exercise: str, sets: int = 3, **changes: Any) -> Planned:
    base = {"id": exercise, "sets": sets, "reps": [8, 12], "rir": 3, "kg": None, "rest_s": 120}
    return base | changes


def week(*days: list[Planned], **changes: Any) -> dict[str, Any]:
    return {"goal": "muscle_gain", "days": [{"exercises": day} for day in days], "deload": False} | changes


def found(plan: Any, request: Request | None = None, **person: Any) -> list[Violation]:
    base: dict[str, Any] = {"lifts": [], "weekly_sets": {}, "minutes_per_session": 90}
    return review(request or Request(context(**base | person)), plan)


def rules(violations: list[Violation], severity: str = "block") -> set[str]:
    return {one.rule_id for one in violations if one.severity == severity}


DAY = [planned("sq03"), planned("hp03"), planned("hr04")]
