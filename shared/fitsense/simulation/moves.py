"""The exercise catalogue as arrays over its E exercises, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.loads import (
    BODY_WEIGHT,
    GROUP_OF_EXERCISE,
    GROUP_OF_PATTERN,
    KG_PER_ANCHOR,
    UNDOSED,
)
from fitsense.training.catalog.exercises import COMPOUND, EQUIPMENT, LOWER_BODY, PATTERNS, TAGS, load_catalog
from fitsense.training.load.rounding import KG_PER_LB, minimum, step
from fitsense.training.people.conditions import load_conditions

LOADED, BODY, FEEL = 0, 1, 2
"""Kinds of resistance: kilograms, body weight, by feel."""
ITEMS = tuple(sorted(EQUIPMENT - {"bodyweight"}))
TAG_LIST = tuple(sorted(TAGS))
PATTERN_LIST = tuple(sorted(PATTERNS))
LIGHT_STEP_UPTO = np.array([10.0, 20.0])
"""R-01: up to here dumbbells have their small step, in kg and lb."""
HOME_MAX_KG = 30.0
"""Heaviest dumbbell or kettlebell of those who have neither machine nor cable."""


@dataclass(frozen=True)
class Moves:
    """Arrays over E; grids are (E, 2) in kg and lb."""

    ids: tuple[str, ...]
    patterns: tuple[str, ...]
    kind: Ints
    group: Ints
    dosed: Bools
    compound: Bools
    lower: Bools
    rank: Ints
    ratio: Floats
    body_load: Floats
    body_strength: Floats
    needs: Bools
    tags: Bools
    pattern: Bools
    hand_held: Bools
    step_light: Floats
    step_heavy: Floats
    lightest: Floats
    pain_areas: tuple[str, ...]
    pain_excludes: Bools
    """(areas + 1, E); row 0 is no pain."""

    def tag(self, name: str) -> Bools:
        return self.tags[:, TAG_LIST.index(name)]

    def has(self, item: str) -> Bools:
        return self.needs[:, ITEMS.index(item)]


@cache
def load_moves() -> Moves:
    """The catalogue's arrays, made once a process. Raises Misconfigured when the catalogue is bad."""
    found = list(load_catalog().by_id.values())
    ids = tuple(one.id for one in found)
    areas, excluded = _pain_exclusions()
    body = np.array([BODY_WEIGHT.get(one, (0.0, 0.0, 0.0)) for one in ids])
    anchors = np.array([KG_PER_ANCHOR.get(one, 0.0) for one in ids])
    return Moves(
        ids=ids,
        patterns=tuple(one.pattern for one in found),
        kind=np.select([anchors > 0, body[:, 0] > 0], [LOADED, BODY], FEEL),
        group=np.array([GROUP_OF_EXERCISE.get(one.id, GROUP_OF_PATTERN[one.pattern]) for one in found]),
        dosed=np.array([one.pattern not in UNDOSED for one in found]),
        compound=np.array([one.pattern in COMPOUND for one in found]),
        lower=np.array([one.pattern in LOWER_BODY for one in found]),
        rank=np.array([one.rank for one in found]),
        ratio=np.where(anchors > 0, anchors, body[:, 1]),
        body_load=body[:, 0],
        body_strength=body[:, 2],
        needs=_membership([one.equipment for one in found], ITEMS),
        tags=_membership([one.contra_tags for one in found], TAG_LIST),
        pattern=_membership([frozenset({one.pattern}) for one in found], PATTERN_LIST),
        hand_held=np.array([bool(one.equipment & {"dumbbell", "kettlebell"}) for one in found]),
        step_light=np.array([[step(one, 1.0, unit) for unit in ("kg", "lb")] for one in found]),
        step_heavy=np.array([[step(one, 1000.0, unit) for unit in ("kg", "lb")] for one in found]),
        lightest=np.array([[minimum(one, unit) for unit in ("kg", "lb")] for one in found])
        * [1.0, KG_PER_LB],
        pain_areas=areas,
        pain_excludes=excluded,
    )


def _membership(sets: list[frozenset[str]], names: tuple[str, ...]) -> Bools:
    return np.array([[name in one for name in names] for one in sets], bool)


def _pain_exclusions() -> tuple[tuple[str, ...], Bools]:
    areas = load_conditions().pain_areas
    found = list(load_catalog().by_id.values())
    rows = [
        [bool(one.contra_tags & area.exclude_tags) or one.pattern in area.exclude_patterns for one in found]
        for area in areas.values()
    ]
    return tuple(areas), np.array([[False] * len(found), *rows], bool)
