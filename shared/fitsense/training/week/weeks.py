"""A week that is being filled: its sessions, what is placed in them, and how each exercise is done (T-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from fitsense.training.catalog.exercises import KINDS, Exercise, Kind
from fitsense.training.catalog.pools import Pools
from fitsense.training.history.readiness import Readiness
from fitsense.training.load.loads import LoadChange
from fitsense.training.people.conditions import Limits
from fitsense.training.request import Request
from fitsense.training.week.prescription import (
    CHANGEOVER_MIN,
    RAMP_SET_MIN,
    SESSION_START_MIN,
    Bounds,
    Dose,
    dose_of,
    ramp_sets,
    set_seconds,
)


class Work(NamedTuple):
    """Exercises of a form as a person does them; ``ramp_min`` is of ramp sets, where due."""

    dose: Dose
    set_s: int
    ramp_min: float
    spare_min: float = 0.0
    """Of further ramp sets, where the load's share of a known maximum asks for them (W-01)."""

    def minutes(self, sets: int, *, warm: bool) -> float:
        """T-01, as ``prescription.exercise_minutes``."""
        return sets * self.set_s / 60 + (self.ramp_min if warm else 0.0) + CHANGEOVER_MIN

    def fewest(self, *, mandatory: bool) -> int:
        """Sets below which the exercise is left out."""
        return 1 if mandatory else min(2, self.dose.sets)


class Works(NamedTuple):
    """By the exercise's form; and the shortest of all, in an ordinary and in a mandatory slot."""

    by_form: Mapping[tuple[Kind, bool], Work]
    least: tuple[float, float]


@lru_cache(maxsize=4096)
def works_of(bounds: Bounds) -> Works:
    """How each form of exercise is done within ``bounds``."""
    works = {
        (kind, one_side): work_of(dose_of(kind, bounds), kind, one_side)
        for kind in KINDS
        for one_side in (False, True)
    }
    optional, mandatory = (
        min(one.minutes(one.fewest(mandatory=must), warm=False) for one in works.values())
        for must in (False, True)
    )
    return Works(works, (optional, mandatory))


def work_of(dose: Dose, kind: Kind, unilateral: bool) -> Work:
    """A dose with the time that it takes."""
    high = dose.reps[1]
    ramp_min = RAMP_SET_MIN * ramp_sets(high, dose.rir) if kind == "compound" else 0.0
    return Work(dose, set_seconds(high, dose.rest_s, unilateral=unilateral), ramp_min)


Ranked = list[tuple[int, int, Exercise]]
"""Score and place in the pool of each exercise of a pattern, best first."""


class Placed(NamedTuple):
    """An exercise in a session: ``sets`` are done this week, ``full`` would be in an ordinary one."""

    exercise: Exercise
    dose: Dose
    sets: int
    full: int


@dataclass(slots=True)
class Session:
    minutes: float = SESSION_START_MIN
    """As planned; ``full_minutes`` is what the same exercises would take in an ordinary week."""
    full_minutes: float = SESSION_START_MIN
    owed: float = 0.0
    """Part of a set that the week's factor left over: halves must not all round the same way."""
    volume: dict[str, float] = field(default_factory=dict)
    patterns: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    main: set[str] = field(default_factory=set)
    """Muscles that an exercise of the day is for, trunk and balance aside."""
    number: int = 0
    """Of the day in the week, from 0; ``offset`` are days from the first."""
    offset: int = 0
    placed: list[Placed] = field(default_factory=list)


@dataclass(slots=True)
class Week:
    """What is given, and what has been placed so far."""

    request: Request
    limits: Limits
    ready: Readiness
    pools: Pools
    caps: Mapping[str, float]
    """Most weekly sets by muscle; "" for all others."""
    seed: int
    works: Works
    own: Mapping[str, Work]
    """Logged exercises with a dose of their own: a range that was aimed at, repetitions before load."""
    changes: Mapping[str, LoadChange]
    logged: Mapping[str, Exercise]
    """Logged exercises that may be done, by id."""
    swapped: frozenset[str]
    """Exercises whose load would lie below the empty bar (R-01)."""
    day_cap: float
    minutes: float
    home: tuple[tuple[str, ...], ...]
    """Ids that each day of the week held last time; () where nobody knows."""
    usual: Mapping[str, int]
    """Sets of each logged lift in a full session."""
    most_sets: int
    """Of one exercise in one session (P-07, C-65)."""
    sessions: list[Session] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    ranked: dict[str, Ranked] = field(default_factory=dict)
    volume: dict[str, float] = field(default_factory=dict)

    def home_of(self, session: Session) -> tuple[str, ...]:
        """What the day of ``session`` held last time."""
        return self.home[session.number] if session.number < len(self.home) else ()

    def work(self, exercise: Exercise) -> Work:
        """How this very exercise is done."""
        return self.own.get(exercise.id) or self.works.by_form[exercise.form]
