"""A person's history as the engine needs it: sessions of each lift, sleep, weight, breaks. Loads in kg."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exposure:
    """One session of one exercise: its work sets at ``kg``, in the order in which they were done.

    ``rir`` holds None where none was logged; ``e1rm_kg`` is the session's best estimate (M-05), or None.
    """

    date: dt.date | None
    kg: float | None
    reps: tuple[int, ...]
    rir: tuple[float | None, ...]
    e1rm_kg: float | None


@dataclass(frozen=True, slots=True)
class Log:
    """What was logged; None, or empty, is unknown. Sequences run from the oldest to the newest."""

    lifts: Mapping[str, tuple[Exposure, ...]] = field(default_factory=dict)
    """Exercise id → its sessions."""
    target_reps: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Exercise id ("" for all) → the repetition range that the sets aimed at."""
    sleep_h: tuple[float, ...] = ()
    """The last nights, at most 7."""
    sleep_weeks_h: tuple[float, ...] = ()
    """Weekly means."""
    weights_kg: tuple[float, ...] = ()
    """Weekly means."""
    kcal_mean: float | None = None
    weekly_sets: Mapping[str, float] = field(default_factory=dict)
    """Muscle → fractional hard sets of last week."""
    weeks_since_deload: int | None = None
    days_since_last: int | None = None
    training_weeks: int | None = None
    sore_muscles: frozenset[str] = frozenset()
    """Muscles at 7/10 or more for 72 hours (D-01e)."""
