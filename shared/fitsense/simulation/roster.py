"""The people of a block as arrays, from the ``profiles`` table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import ITEMS, PATTERN_LIST, TAG_LIST
from fitsense.training.catalog.exercises import LEVELS
from fitsense.training.people.conditions import limits_for

GOALS = ("fat_loss", "muscle_gain", "strength", "general_fitness")
UNITS = ("kg", "lb")


@dataclass(frozen=True)
class Roster:
    """Arrays over N people. ``e1rm`` (N, 3): squat, bench press, row. ``reps`` (N, 2), 0 where free."""

    user_ids: list[str]
    age: Ints
    weight: Floats
    target_weight: Floats
    goal: Ints
    experience: Ints
    months: Ints
    days: Ints
    minutes: Ints
    units: Ints
    languages: list[str]
    e1rm: Floats
    adherence: Floats
    sleep_hours: Floats
    tdee: Floats
    kcal_target: Floats
    conditions: list[list[str]]
    owns: Bools
    """(N, items)"""
    tags: Bools
    """(N, tags) excluded by age and conditions."""
    patterns: Bools
    """(N, patterns) excluded."""
    rir_floor: Floats
    reps: Ints
    step_pct: Floats
    blocked: Bools
    """No plan before a clinician's clearance: mobility and balance only."""

    @property
    def size(self) -> int:
        return len(self.user_ids)

    def has(self, *codes: str) -> Bools:
        """Who has any of these conditions."""
        return np.array([not set(codes).isdisjoint(own) for own in self.conditions], bool)

    def goes_for(self, goal: str) -> Bools:
        found: Bools = self.goal == GOALS.index(goal)
        return found


def roster_of(people: pl.DataFrame) -> Roster:
    """The people of a block; conditions that nobody knows bind them with caution."""
    rows = people.select(_LIMITING).to_dicts()
    limits = [limits_for(row) for row in rows]
    return Roster(
        user_ids=people["user_id"].to_list(),
        age=_ints(people, "age"),
        weight=_floats(people, "weight_kg"),
        target_weight=_floats(people, "target_weight_kg"),
        goal=_codes(people, "goal", GOALS),
        experience=_codes(people, "experience", tuple(LEVELS)),
        months=_ints(people, "training_months"),
        days=_ints(people, "days_per_week"),
        minutes=_ints(people, "minutes_per_session"),
        units=_codes(people, "units", UNITS),
        languages=people["language"].to_list(),
        e1rm=people.select("squat_e1rm_kg", "bench_e1rm_kg", "row_e1rm_kg").to_numpy().astype(np.float64),
        adherence=_floats(people, "adherence"),
        sleep_hours=_floats(people, "sleep_hours"),
        tdee=_floats(people, "tdee_kcal"),
        kcal_target=_floats(people, "kcal_target"),
        conditions=[row["conditions"] for row in rows],
        owns=_members(people["equipment"].to_list(), ITEMS),
        tags=_members([one.tags for one in limits], TAG_LIST),
        patterns=_members([one.patterns for one in limits], PATTERN_LIST),
        rir_floor=np.array([one.rir_floor for one in limits]),
        reps=np.array([one.reps or (0, 0) for one in limits]),
        step_pct=np.array([one.step_pct for one in limits]),
        blocked=np.array([bool(one.blocked) for one in limits]),
    )


_LIMITING = [
    "age", "height_cm", "weight_kg", "conditions", "medical_clearance", "gestation_weeks", "postpartum_weeks",
    "experience", "activity",
]  # fmt: skip


def _ints(people: pl.DataFrame, name: str) -> Ints:
    return people[name].to_numpy().astype(np.int64)


def _floats(people: pl.DataFrame, name: str) -> Floats:
    return people[name].to_numpy().astype(np.float64)


def _codes(people: pl.DataFrame, name: str, values: tuple[str, ...]) -> Ints:
    code = {value: number for number, value in enumerate(values)}
    return np.array([code[value] for value in people[name].to_list()])


def _members(sets: list[list[str]] | list[frozenset[str]], names: tuple[str, ...]) -> Bools:
    column = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(sets), len(names)), bool)
    for row, one in enumerate(sets):
        for name in one:
            found[row, column[name]] = True
    return found
