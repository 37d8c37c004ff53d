"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MINUS, DASH, TIMES = "\u2212", "\u2013", "\u00d7"


def count(value: float) -> str:
    """Thousands apart by a narrow space: 12 345."""
    return f"{value:,.0f}".replace(",", "\u202f")


def percent(value: float) -> str:
    """A share as percent: two digits that count, never more than one decimal."""
    size = abs(value) * 100
    digits = 0 if size == 0 or size >= 9.95 else 2 if size < 0.95 else 1
    return f"{value * 100:.{digits}f} %"


def signed_percent(value: float) -> str:
    return "0 %" if round(value, 3) == 0 else f"{value * 100:+.1f} %".replace("-", MINUS)


def number(value: Any) -> str:
    """Any cell of a table: numbers short, None as a dash, the rest as it is."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return count(value) if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def named(names: Sequence[str], most: int = 5) -> str:
    """Some names and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def words(name: str) -> str:
    """``age_band`` → ``age band``."""
    return name.replace("_", " ")
