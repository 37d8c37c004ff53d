"""Bounds of numbers: a number, null, or ``{min, max, one_of}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SLACK = 0.011
"""Loads and sets are compared to a hundredth."""


def within(value: Any, bound: Any) -> bool:
    """Whether ``value`` satisfies ``bound``; numbers to a hundredth."""
    if not isinstance(bound, Mapping):
        return value == bound or (number(bound) and number(value) and abs(value - bound) < SLACK)
    if not number(value):
        return False
    least, most = bound.get("min", value), bound.get("max", value)
    allowed = bound.get("one_of", [value])
    return bool(least - SLACK <= value <= most + SLACK and any(abs(value - one) < SLACK for one in allowed))


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def bounded(name: str, value: Any, bound: Any) -> list[str]:
    return [] if within(value, bound) else [f"{name} is {value!r}, not {bound!r}"]
