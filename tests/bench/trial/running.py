"""Running the trial: a run-in that all share, then each arm with the same people, lives and luck."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.following import Followers, Orders, Week, follow, orders_of
from fitsense.simulation.response import RESPONSE, Response, size_worth
from fitsense.simulation.strain import (
    SPIKE,
    Mishaps,
    failed_exercises,
    hurt,
    load_ratio,
    overreached,
    week_load,
)
from fitsense.simulation.streams import generator
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.request import Request
from fitsense.training.week.plan import build_plan
from fitsense.training.week.volume import MAJOR
from tests.bench.trial.arms import ADAPTED, ARMS, Reference, repeated
from tests.bench.trial.diary import Days, Diary, request_of, write
from tests.bench.trial.people import RATES, Cast, draw_cast, enter, supervised

RUN_IN, WEEKS = 2, 12
PAINFUL_DAY = 3
Watch = Callable[[Request, Mapping[str, Any]], None]
"""Is shown each request with the plan that was made from it."""


@dataclass
class Course:
    """What happened in one arm: an array a week, (N,) each; ``strength`` also holds the start."""

    strength: list[Floats] = field(default_factory=list)
    """Rested 1RM, mean of the lift groups relative to the start of the arms."""
    size: list[Floats] = field(default_factory=list)
    """Per cent gained, mean of the major muscles."""
    sets: list[Floats] = field(default_factory=list)
    """Stimulating sets a major muscle."""
    planned: list[Ints] = field(default_factory=list)
    done: list[Ints] = field(default_factory=list)
    skipped: list[Ints] = field(default_factory=list)
    failed: list[Ints] = field(default_factory=list)
    """Exercises of a session with a set below the range and nothing left."""
    spike: list[Bools] = field(default_factory=list)
    overreached: list[Bools] = field(default_factory=list)
    strained: list[Bools] = field(default_factory=list)
    """Pain episodes that began from overload."""
    painful: list[Ints] = field(default_factory=list)
    """Days with pain of 3 or more."""
    rir: list[Floats] = field(default_factory=list)
    """Mean true RIR, NaN without a set."""
    deload: list[Bools] = field(default_factory=list)


@dataclass
class _Arm:
    people: Followers
    diaries: list[Diary]
    loads: list[Floats]
    start: Floats
    course: Course = field(default_factory=Course)


@dataclass(frozen=True)
class Trial:
    cast: Cast
    courses: dict[str, Course]


def run_trial(
    count: int,
    seed: int = 1,
    weeks: int = WEEKS,
    arms: Sequence[str] = tuple(ARMS),
    response: Response = RESPONSE,
    watch: Watch | None = None,
    cast: Cast | None = None,
) -> Trial:
    """``count`` athletes, ``weeks`` weeks after the run-in: a pure function of its arguments.

    The run-in is supervised, so that the plan which the arms repeat is that of an ordinary week.
    Those who come with a habit carry it into the ratio of loads as their first week before.
    """
    cast = cast or draw_cast(count, seed)
    people, mishaps = enter(cast, RUN_IN + weeks + 1, seed, response)
    life, people.life = people.life, supervised(people.life, RUN_IN)
    habit = people.strength.fatigue_start.mean(axis=1)
    arm = _Arm(people, [Diary(row) for row in cast.rows], [habit], people.strength.rested_e1rm)
    for week in range(RUN_IN):
        _live(arm, _planned(arm, week, watch), week, seed, mishaps)
    people.life = life
    first = _planned(arm, RUN_IN, watch)
    reference = Reference(first[0], _loads_in_use(arm, first[0]))
    arm.start, arm.course = arm.people.strength.rested_e1rm, Course()
    return Trial(
        cast, {name: _run(name, copy.deepcopy(arm), reference, weeks, seed, mishaps, watch) for name in arms}
    )


def _run(
    name: str, arm: _Arm, reference: Reference, weeks: int, seed: int, mishaps: Mishaps, watch: Watch | None
) -> Course:
    people = arm.people
    arm.course.strength.append(_progress(arm))
    for number in range(weeks):
        week = RUN_IN + number
        if name == ADAPTED:
            orders, deload = _planned(arm, week, watch)
        else:
            orders = repeated(name, people.moves, people.roster, reference, number)
            deload = np.zeros(people.roster.size, bool)
        _live(arm, (orders, deload), week, seed, mishaps, log=name == ADAPTED)
    return arm.course


def _planned(arm: _Arm, week: int, watch: Watch | None) -> tuple[Orders, Bools]:
    """Everybody's orders as the engine gives them on the morning of ``week``, and whose week is a deload."""
    plans = [_plan(request_of(diary, week), watch) for diary in arm.diaries]
    deload = np.array([plan is not None and plan["deload"] for plan in plans])
    return orders_of(arm.people.moves, plans), deload


def _plan(request: Request, watch: Watch | None) -> dict[str, Any] | None:
    """The engine's plan; None where it says that the person's bounds leave no exercise: a week of rest."""
    try:
        plan = build_plan(request).plan
    except ValueError:
        return None
    if watch is not None:
        watch(request, plan)
    return plan


def _loads_in_use(arm: _Arm, orders: Orders) -> Floats:
    """(N, E) loads of the reference plan; where it leaves one open, what the log says, else NaN."""
    moves = arm.people.moves
    kg = np.full((arm.people.roster.size, len(moves.ids)), np.nan)
    for person, diary in enumerate(arm.diaries):
        for name, exposures in diary.lifts.items():
            kg[person, moves.ids.index(name)] = np.nan if exposures[-1].kg is None else exposures[-1].kg
    given = ~np.isnan(orders.kg)
    kg[orders.person[given], orders.exercise[given]] = orders.kg[given]
    return kg


def _live(
    arm: _Arm,
    ordered: tuple[Orders, Bools],
    week: int,
    seed: int,
    mishaps: Mishaps,
    *,
    log: bool = True,
) -> None:
    people = arm.people
    orders, deload = ordered
    lived = follow(people, orders, week, generator(seed, "trial-week", week))
    arm.loads.append(week_load(people.roster, lived.dose))
    ratio = load_ratio(arm.loads)
    strained = hurt(people.roster, people.life, people.response, RATES.pain, ratio, mishaps, week)
    _record(arm, lived, week, ratio, strained, deload)
    if log:
        write(arm.diaries, people.moves, lived, week, _days(people, week))
        for diary, lighter in zip(arm.diaries, deload.tolist(), strict=True):
            diary.deloads.append(lighter)


def _record(arm: _Arm, lived: Week, week: int, ratio: Floats, strained: Bools, deload: Bools) -> None:
    people, course = arm.people, arm.course
    sets = _stimulating_sets(people, lived)
    grown = people.response.size_rate * np.sqrt(sets).mean(axis=1)
    course.size.append(grown + (course.size[-1] if course.size else 0.0))
    course.sets.append(sets.mean(axis=1))
    course.strength.append(_progress(arm))
    course.planned.append(lived.planned)
    course.done.append(lived.done.sum(axis=1))
    course.skipped.append(lived.skipped)
    course.failed.append(failed_exercises(lived, people.roster.size))
    course.spike.append(ratio > SPIKE)
    course.overreached.append(overreached(people.strength))
    course.strained.append(strained)
    course.painful.append((people.life.pain[:, week * 7 : week * 7 + 7] >= PAINFUL_DAY).sum(axis=1))
    course.rir.append(_mean_rir(lived, people.roster.size))
    course.deload.append(deload)


def _progress(arm: _Arm) -> Floats:
    found: Floats = (arm.people.strength.rested_e1rm / arm.start).mean(axis=1)
    return found


def _stimulating_sets(people: Followers, lived: Week) -> Floats:
    """(N, major muscles) sets by what each adds to size, a secondary muscle's at half."""
    worth = (size_worth(people.response, lived.sets.true_rir) * lived.sets.done).sum(axis=1)
    found = np.zeros((people.roster.size, len(MAJOR)))
    np.add.at(found, lived.orders.person, worth[:, None] * _credits(people)[lived.orders.exercise])
    return found


def _credits(people: Followers) -> Floats:
    """(E, major muscles)"""
    known = load_catalog().by_id
    return np.array(
        [[dict(known[one].credit).get(muscle, 0.0) for muscle in MAJOR] for one in people.moves.ids]
    )


def _mean_rir(lived: Week, people: int) -> Floats:
    count = np.bincount(lived.orders.person, lived.sets.done.sum(axis=1), minlength=people)
    total = np.bincount(
        lived.orders.person, (lived.sets.true_rir * lived.sets.done).sum(axis=1), minlength=people
    )
    mean: Floats = np.divide(total, count, out=np.full(people, np.nan), where=count > 0)
    return mean


def _days(people: Followers, week: int) -> Days:
    days = slice(week * 7, week * 7 + 7)
    pain = people.life.pain[:, days]
    worst = pain.argmax(axis=1)[:, None]
    nights = people.life.logged_sleep[:, days]
    return Days(
        nights=[tuple(h for h in row if h == h) for row in nights.tolist()],
        sleep=_mean(nights),
        kcal=_mean(people.body.kcal[:, days]),
        weight=_mean(people.body.weight[:, days]),
        pain=pain.max(axis=1).tolist(),
        area=np.take_along_axis(people.life.area[:, days], worst, 1)[:, 0].tolist(),
    )


def _mean(values: Floats) -> list[float]:
    """Of each row, over what was logged; NaN where nothing was."""
    logged = ~np.isnan(values)
    count = logged.sum(axis=1)
    total = np.where(logged, values, 0).sum(axis=1)
    found: list[float] = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0).tolist()
    return found
