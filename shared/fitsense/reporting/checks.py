"""Checks: one judged number each. ``passed`` is always exactly ``value op threshold``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fitsense.manifest import Check, Report


def at_most(name: str, value: float, threshold: float, detail: str = "") -> Check:
    value = rounded(value)
    return Check(
        name=name, passed=value <= threshold, value=value, op="<=", threshold=threshold, detail=detail
    )


def at_least(name: str, value: float, threshold: float, detail: str = "") -> Check:
    value = rounded(value)
    return Check(
        name=name, passed=value >= threshold, value=value, op=">=", threshold=threshold, detail=detail
    )


def none_of(name: str, count: int, detail: str = "") -> Check:
    """A count that has to be zero."""
    return Check(name=name, passed=count == 0, value=count, op="==", threshold=0, detail=detail)


def rounded(value: float, digits: int = 6) -> float:
    """Six significant digits: what sums in another order cannot change.

    Raises ValueError for what is no number: a check on it would check nothing.
    """
    if not math.isfinite(value):
        raise ValueError(f"a check's value is {value}")
    return float(f"{value:.{digits}g}")


def share(part: int, whole: int) -> float:
    """``part / whole``; of nothing, 0."""
    return part / whole if whole else 0.0


def report(stage: str, checks: Sequence[Check], facts: dict[str, Any]) -> Report:
    """Green only if each check passed, and only if there was one."""
    names = [check.name for check in checks]
    if len(set(names)) != len(names):
        raise ValueError(f"{stage}: two checks of one name in {names}")
    passed = bool(checks) and all(check.passed for check in checks)
    return Report(stage=stage, passed=passed, checks=list(checks), facts=plain(facts))


def plain(value: Any) -> Any:
    """Facts as JSON takes them: floats at six digits, keys as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return rounded(value) if math.isfinite(value) else None
    return value
