"""Which movement patterns stand on which day (F-01, F-02, T-01): slots in order of priority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitsense.training.history.readiness import Readiness
from fitsense.training.people.conditions import Limits

Slot = tuple[str, ...]
"""Patterns in order of preference; the first that has an exercise left is used."""

MAX_DAYS = {"novice": 3, "intermediate": 4, "advanced": 6}
"""F-01: resistance days a week."""

_SQUAT: Slot = ("squat", "lunge", "knee_ext")
_LUNGE: Slot = ("lunge", "squat", "knee_ext")
_HINGE: Slot = ("hinge", "knee_flex", "hip_abd")
_CURL: Slot = ("knee_flex", "hinge")
_PUSH: Slot = ("h_push", "v_push", "chest_iso")
_PRESS: Slot = ("v_push", "shoulder_iso", "h_push")
_ROW: Slot = ("h_pull", "v_pull")
_PULL: Slot = ("v_pull", "h_pull")
_DELT: Slot = ("shoulder_iso", "v_push")
_FLY: Slot = ("chest_iso", "h_push")
_BICEPS: Slot = ("elbow_flex",)
_TRICEPS: Slot = ("elbow_ext",)
_CALF: Slot = ("calf",)
_HIP: Slot = ("hip_abd", "hip_add")
_CORE: Slot = ("core_antiext", "core_antirot", "core_lat", "core_flex")
_CORE_2: Slot = ("core_antirot", "core_lat", "core_antiext")
_BALANCE: Slot = ("balance",)

_FULL_A = (_SQUAT, _PUSH, _ROW, _HINGE, _PRESS, _CORE, _BICEPS, _CALF)
_FULL_B = (_HINGE, _PULL, _PRESS, _LUNGE, _PUSH, _CORE_2, _TRICEPS, _HIP)
_FULL_C = (_LUNGE, _ROW, _PUSH, _CURL, _PULL, _DELT, _CORE, _CALF)
_UPPER_A = (_PUSH, _ROW, _PRESS, _PULL, _TRICEPS, _BICEPS, _DELT)
_UPPER_B = (_PULL, _PRESS, _ROW, _PUSH, _DELT, _BICEPS, _TRICEPS)
_LOWER_A = (_SQUAT, _HINGE, _LUNGE, _CALF, _CORE, _HIP)
_LOWER_B = (_HINGE, _SQUAT, _CURL, _CORE_2, _CALF, _HIP)
_PUSH_DAY = (_PUSH, _PRESS, _FLY, _TRICEPS, _DELT, _CORE)
_PULL_DAY = (_PULL, _ROW, _BICEPS, _DELT, _CORE_2, _PULL)
_LEG_DAY = (_SQUAT, _HINGE, _LUNGE, _CURL, _CALF, _CORE)

SPLITS: dict[int, tuple[tuple[Slot, ...], ...]] = {
    1: (_FULL_A,),
    2: (_FULL_A, _FULL_B),
    3: (_FULL_A, _FULL_B, _FULL_C),
    4: (_UPPER_A, _LOWER_A, _UPPER_B, _LOWER_B),
    5: (_UPPER_A, _LOWER_A, _PUSH_DAY, _PULL_DAY, _LEG_DAY),
    6: (_PUSH_DAY, _PULL_DAY, _LEG_DAY, _PUSH_DAY, _PULL_DAY, _LOWER_B),
}


DAY_OFFSETS: dict[int, tuple[int, ...]] = {
    1: (0,),
    2: (0, 3),
    3: (0, 2, 4),
    4: (0, 1, 3, 4),
    5: (0, 1, 3, 4, 5),
    6: (0, 1, 2, 4, 5, 6),
}
"""F-02, F-03: days from the first of the week; 48 hours between the hard sessions of a muscle."""
RESTED_DAYS = 5
"""F-03: two days of rest a week for novices, from 65 on and with conditions."""
DAYS_APART = 3
"""So many days fit into a week with none on the day after another."""
SENIOR_AGE = 65


def day_offsets(number: int) -> tuple[int, ...]:
    """On which days of the week ``number`` sessions lie, counted from the first."""
    return DAY_OFFSETS[number]


def resistance_days(context: Mapping[str, Any], limits: Limits, ready: Readiness) -> int:
    """Days of lifting: the person's own, within F-01, F-03, the conditions' bound and a return's (P-06)."""
    own: int = context["days_per_week"]
    careful = context["experience"] == "novice" or context["age"] >= SENIOR_AGE or context["conditions"]
    rested = RESTED_DAYS if careful else RESTED_DAYS + 1
    apart = DAYS_APART if limits.apart else rested
    return min(own, MAX_DAYS[context["experience"]], limits.max_days, ready.max_days, rested, apart)


def days_of(context: Mapping[str, Any], number: int) -> tuple[tuple[Slot, ...], ...]:
    """The slots of each of ``number`` days."""
    return with_balance(context, SPLITS[number])


def with_balance(
    context: Mapping[str, Any], days: tuple[tuple[Slot, ...], ...]
) -> tuple[tuple[Slot, ...], ...]:
    """From 65 on each day has balance work beside its first three slots (C-65)."""
    if context["age"] < SENIOR_AGE:
        return days
    return tuple(slots if _BALANCE in slots[:4] else (*slots[:3], _BALANCE, *slots[3:]) for slots in days)
