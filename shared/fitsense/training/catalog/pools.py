"""Which exercises a person may be given, by movement pattern and best first (E-01, C-*)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fitsense.training.catalog.exercises import LEVELS, Exercise, exercises_for
from fitsense.training.people.conditions import Limits

SENIOR_AGE = 65
_EASY = frozenset({
    "sq05", "sq08", "sq15", "lu05", "lu08", "hi11", "hi17", "hp08", "hp09", "hr09", "hr10", "ke02",
    "ca04", "sr03", "sr09", "ha01",
})  # fmt: skip
"""Regressions: first choice for the old and heavy beginners (C-65, C-OBES), for others the last resort."""
_HOLDS = frozenset({"isometric_hold"})
"""A hold is dosed in seconds, which the repetitions of a plan cannot say."""

Pools = Mapping[str, tuple[tuple[Exercise, int], ...]]
"""By pattern: exercises, best first, each with its penalty."""


def pools_of(context: Mapping[str, Any], limits: Limits) -> Pools:
    """The pools of a Profile or Context as a dict within ``limits``."""
    rank = LEVELS[context["experience"]]
    gentle = context["age"] >= SENIOR_AGE or (rank == 0 and "C-OBES" in limits.rules)
    return _pools(frozenset(context["equipment"]), limits.tags, limits.patterns, rank, gentle)


@lru_cache(maxsize=8192)
def _pools(
    equipment: frozenset[str],
    tags: frozenset[str],
    patterns: frozenset[str],
    rank: int,
    gentle: bool,
) -> Pools:
    pools: dict[str, list[tuple[Exercise, int]]] = {}
    for exercise in exercises_for(equipment, tags | _HOLDS, patterns, rank):
        pools.setdefault(exercise.pattern, []).append((exercise, _penalty(exercise, gentle=gentle)))
    return {
        pattern: tuple(sorted(found, key=lambda one: (one[1], -one[0].rank)))
        for pattern, found in pools.items()
    }


def _penalty(exercise: Exercise, *, gentle: bool) -> int:
    """How much less an exercise is wanted than the others of its pattern."""
    easy = exercise.id in _EASY
    return (
        12 * ("shoulder_end_range" in exercise.contra_tags)
        + 8 * (easy and not gentle)
        + 3 * (not exercise.loaded)
    )
