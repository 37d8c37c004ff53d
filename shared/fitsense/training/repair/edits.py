"""What a repair changed, as a diff against the plan as it was written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from fitsense.training.findings import Finding
from fitsense.training.verify.violation import spoken

Op = Literal["set", "swap", "drop_exercise", "drop_day", "move_days", "new_plan"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. ``where`` is a path of the plan before the repair; ``why`` the rule that it broke there."""

    op: Op
    where: str
    before: Any
    after: Any
    rule_id: str
    why: Finding
    what: Finding

    def text(self, language: str = "en") -> str:
        """Why, and what was done about it: two sentences."""
        return f"{spoken(self.why, language)} {spoken(self.what, language)}"

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """``{op, where, before, after, rule_id, text}``."""
        change = {"op": self.op, "where": self.where, "before": self.before, "after": self.after}
        return {**change, "rule_id": self.rule_id, "text": self.text(language)}


@dataclass(frozen=True, slots=True)
class Repair:
    """A plan that breaks no rule and the edits that led there; or ``problem``, and no plan."""

    plan: Any
    edits: tuple[Edit, ...] = ()
    problem: Finding | None = None


def shown(value: object) -> Any:
    """A value of somebody else's plan, small and fit for JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**9 else "?"
    if isinstance(value, float):
        return value if math.isfinite(value) else "?"
    if isinstance(value, str):
        return value[:40]
    if isinstance(value, list | tuple):
        return [shown(one) for one in value[:4] if not isinstance(one, list | tuple | dict)]
    return "?"


def as_value(value: object) -> float | int | str:
    """As ``shown``, for a slot of a sentence."""
    found = shown(value)
    if isinstance(found, list):
        return "-".join(str(one) for one in found) or "?"
    return "?" if found is None else found if isinstance(found, int | float) else str(found)
