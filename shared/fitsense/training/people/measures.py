"""Readings that people hand in: blood pressure in mmHg, glucose in mg/dL, however they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MG_DL_PER_MMOL = 18.016
LARGEST_MMOL = 30.0
"""A glucose up to here can only be mmol/L: as mg/dL nobody is awake with it."""
_PAIR = re.compile(r"(\d{2,3}(?:\.\d+)?)\D+(\d{2,3}(?:\.\d+)?)")


class Pressure(NamedTuple):
    """Blood pressure at rest, mmHg."""

    systolic: float
    diastolic: float


def pressure_of(value: Any) -> Pressure | None:
    """A reading as a mapping, an object, a pair or text such as ``150/95``; None when there is none."""
    if isinstance(value, str):
        found = _PAIR.search(value)
        return _ordered(found.group(1), found.group(2)) if found else None
    if isinstance(value, Mapping):
        return _ordered(value.get("systolic", value.get("sys")), value.get("diastolic", value.get("dia")))
    if isinstance(value, Sequence):
        return _ordered(*value) if len(value) == 2 else None
    return _ordered(getattr(value, "systolic", None), getattr(value, "diastolic", None))


def _ordered(one: Any, other: Any) -> Pressure | None:
    """The larger number is the systolic one, in whatever order they were typed."""
    numbers = [float(number) for number in (one, other) if number is not None]
    return Pressure(max(numbers), min(numbers)) if len(numbers) == 2 else None


def glucose_of(value: float | None) -> float | None:
    """mg/dL; a number that can only be mmol/L is converted."""
    if value is None:
        return None
    return value * MG_DL_PER_MMOL if value <= LARGEST_MMOL else float(value)
