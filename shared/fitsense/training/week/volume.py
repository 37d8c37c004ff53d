"""Weekly volume: fractional hard sets per muscle, its bands and caps (rules §3, V-01 to V-07)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fitsense.training.catalog.exercises import Catalog, load_catalog

HARD_SET_RIR = 4.0
"""A set counts as hard up to this RIR (conventions of the rules)."""
WEEKLY_CAP = {"novice": 12.0, "intermediate": 20.0, "advanced": 25.0}
"""V-01 to V-03: hard cap per muscle."""
WEEKLY_BAND = {"novice": (4.0, 10.0), "intermediate": (8.0, 16.0), "advanced": (10.0, 20.0)}
SESSION_CAP = {"novice": 6.0, "intermediate": 10.0, "advanced": 10.0}
"""V-06: per muscle and session."""
MAJOR = ("chest", "lats", "upper_back", "quads", "hamstrings", "side_delt")
"""Muscles that the bands are meant for."""


def weekly_cap(experience: str, condition_cap: float) -> float:
    """V-01…V-03 with V-05: the smaller of the level's cap and the condition's (0: none)."""
    cap = WEEKLY_CAP[experience]
    return min(cap, condition_cap) if condition_cap else cap


def session_sets(day: Mapping[str, Any], catalog: Catalog | None = None) -> dict[str, float]:
    """Fractional sets per muscle of one planned day; ids that the catalogue lacks count nothing."""
    known = (catalog or load_catalog()).by_id
    sets: dict[str, float] = {}
    for planned in day["exercises"]:
        exercise = known.get(planned["id"])
        if exercise is not None:
            for muscle, credit in exercise.credit:
                sets[muscle] = sets.get(muscle, 0.0) + credit * planned["sets"]
    return sets


def weekly_sets(days: Iterable[Mapping[str, Any]], catalog: Catalog | None = None) -> dict[str, float]:
    """Fractional sets per muscle of all planned days."""
    total: dict[str, float] = {}
    for day in days:
        for muscle, sets in session_sets(day, catalog).items():
            total[muscle] = total.get(muscle, 0.0) + sets
    return total


EASY_PATTERNS = frozenset({"balance", "mobility", "cardio"})
"""No hard sets, whatever they are good for; a plan gives them an RIR beyond ``HARD_SET_RIR``."""
EASY_RIR = 5.0


def hard_sets(days: Iterable[Mapping[str, Any]], catalog: Catalog | None = None) -> dict[str, float]:
    """Fractional sets per muscle of all planned days, without balance, mobility and cardio."""
    known = (catalog or load_catalog()).by_id
    kept = [
        {"exercises": [one for one in day["exercises"] if known[one["id"]].pattern not in EASY_PATTERNS]}
        for day in days
    ]
    return weekly_sets(kept, catalog)


def allowed_rise(last_week: float) -> float:
    """P-05: most sets of a muscle this week after ``last_week``: +2 or +20 %, whichever is more."""
    return max(last_week + 2, last_week * 1.2)
