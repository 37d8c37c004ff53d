"""Athletes who follow a written plan: what they do of a week of it, and what it does to them.

The same people, lives and answers to training as in ``athletes``; only the plan comes from elsewhere, as the
engine's compact plan. Vectorised over N people; M is what they do in a week, a row an exercise of a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fitsense.simulation.adaptation import Dose, Strength, starting_strength
from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.attendance import Life
from fitsense.simulation.body import Body
from fitsense.simulation.moves import LOADED, Moves
from fitsense.simulation.programme import SESSIONS, WEEKDAYS
from fitsense.simulation.progression import heaviest
from fitsense.simulation.response import Response
from fitsense.simulation.roster import Roster
from fitsense.simulation.session import (
    Sets,
    Work,
    able_reps,
    day_factor,
    felt_rir,
    fresh_reps,
    rir_spread,
    true_rir_of,
    written_rir,
)
from fitsense.simulation.strength import round_kg, share_at
from fitsense.simulation.week import (
    GROUPS,
    LOWER_AREAS,
    PAIN_LOAD,
    PAIN_STOPS,
    attended,
    lift_dose,
    sets_of_sessions,
    soreness_after,
)

CHOICE_ERROR = np.array([0.10, 0.07, 0.05])
"""By experience: how far off, in logs, a person's idea of an own 1RM is (house)."""
CHOICE_SPARE = np.array([1.5, 0.5, 0.5])
"""Repetitions that a person keeps in hand with a load never tried, on top of the plan's RIR."""
SHORT_OF_PLAN = 2.0
"""To reach the bottom of the range people go so many repetitions nearer to failure than planned."""


@dataclass(frozen=True)
class Orders:
    """M planned exercises, flat arrays; ``kg`` is NaN where the plan leaves the load to the person."""

    person: Ints
    session: Ints
    exercise: Ints
    sets: Ints
    low: Ints
    high: Ints
    rir: Floats
    kg: Floats

    def only(self, which: Bools) -> Orders:
        """Some of the rows."""
        return Orders(**{name: column[which] for name, column in vars(self).items()})

    def loaded_with(self, kg: Floats) -> Orders:
        """The same with other loads."""
        return replace(self, kg=kg)


def orders_of(moves: Moves, plans: Sequence[Mapping[str, Any] | None]) -> Orders:
    """Plans as dicts, one a person, None for no training. Raises KeyError for an unknown exercise."""
    place = {one: number for number, one in enumerate(moves.ids)}
    rows = [
        (person, session, place[one["id"]], one["sets"], *one["reps"], one["rir"], one["kg"])
        for person, plan in enumerate(plans)
        if plan is not None
        for session, day in enumerate(plan["days"])
        for one in day["exercises"]
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    person, session, exercise, sets, low, high = (np.array(one, int) for one in columns[:6])
    kg = np.array([np.nan if one is None else one for one in columns[7]], float)
    return Orders(person, session, exercise, sets, low, high, np.array(columns[6], float), kg)


@dataclass
class Followers:
    """The state of N people who follow plans."""

    moves: Moves
    roster: Roster
    life: Life
    body: Body
    response: Response
    rir_noise: float
    strength: Strength
    skill: Floats
    """(N, E) how good each is at each exercise, around 1."""
    habit: Ints
    """(N,) which of the two usual choices of weekdays."""
    sore: Floats
    felt_1rm: Floats
    """(N, E) what the last session of an exercise told about its 1RM, kg; NaN before."""


@dataclass(frozen=True)
class Week:
    """What came of a week's orders."""

    orders: Orders
    """What was done of them, with the loads that were used."""
    sets: Sets
    weekday: Ints
    planned: Ints
    """(N,) sessions."""
    done: Bools
    """(N, SESSIONS)"""
    skipped: Ints
    """(N,) exercises left out for pain in sessions that were attended."""
    dose: Dose
    soreness: Ints
    """(N, 7)"""


def follow(people: Followers, orders: Orders, week: int, rng: np.random.Generator) -> Week:
    """Live one week of plans, changing ``people``.

    What does not hang on the plan is drawn first, so that two plans meet the same luck with the same ``rng``.
    """
    roster, days = people.roster, slice(week * 7, week * 7 + 7)
    weekday = _weekdays(orders, people)
    going = attended(weekday, people.life, people.sore, week, rng)
    slept = people.life.sleep[:, days]
    on_day = np.maximum(weekday, 0)
    factor = day_factor(
        roster, np.take_along_axis(slept, on_day, 1), people.sore[:, None], rng, people.response
    )
    came = orders.only(going[orders.person, orders.session])
    area = _painful_area(people, week * 7 + on_day)[came.person, came.session]
    barred = people.moves.pain_excludes[area, came.exercise]
    body_kg = people.body.tissue[:, days.start]
    doing, hurting = came.only(~barred), area[~barred]
    one_rm = _one_rm(people, doing, body_kg)
    doing = doing.loaded_with(_loads(people, doing, hurting, one_rm, rng))
    sets = do_sets(people, doing, one_rm * factor[doing.person, doing.session], body_kg, rng)
    _remember(people, doing, sets)
    done = np.zeros(going.shape, bool)
    done[doing.person, doing.session] = True
    dose = lift_dose(people.moves, doing.exercise, doing.person, sets, roster.size, people.response)
    people.strength.train(roster, dose, slept.mean(axis=1))
    each = sets_of_sessions(doing.person, doing.session, doing.sets, roster.size)
    soreness, people.sore = soreness_after(roster, weekday, each, people.sore, week, rng)
    skipped = np.bincount(came.person[barred], minlength=roster.size)
    return Week(doing, sets, weekday, (weekday >= 0).sum(axis=1), done, skipped, dose, soreness)


def _weekdays(orders: Orders, people: Followers) -> Ints:
    """(N, SESSIONS) days of the week of each plan's sessions, -1 where it has none."""
    count = np.zeros(people.roster.size, int)
    np.maximum.at(count, orders.person, orders.session + 1)
    table = np.full((SESSIONS + 1, 2, SESSIONS), -1)
    for number, habits in WEEKDAYS.items():
        table[number, :, :number] = habits
    return table[count, people.habit]


def _painful_area(people: Followers, day: Ints) -> Ints:
    """(N, SESSIONS) index of the area that stops its exercises that day, 0 for none."""
    hurts = np.take_along_axis(people.life.pain, day, 1) >= PAIN_STOPS
    return np.where(hurts, np.take_along_axis(people.life.area, day, 1), 0)


def _one_rm(people: Followers, orders: Orders, body_kg: Floats) -> Floats:
    """(M,) 1RM of each exercise's implement or movement, kg, as tired as the week began."""
    moves, exercise, person = people.moves, orders.exercise, orders.person
    anchor = people.strength.e1rm[person, moves.group[exercise]]
    bare = moves.ratio[exercise] * anchor + moves.body_strength[exercise] * body_kg[person]
    found: Floats = bare * people.skill[person, exercise]
    return found


def _loads(people: Followers, orders: Orders, area: Ints, one_rm: Floats, rng: np.random.Generator) -> Floats:
    """(M,) kg in use: the plan's or the person's own choice, no more than there is, less where it hurts."""
    moves, roster = people.moves, people.roster
    person, exercise = orders.person, orders.exercise
    experience, units = roster.experience[person], roster.units[person]
    error = rng.standard_normal(len(person)) * CHOICE_ERROR[experience] * people.response.choice_error
    felt = people.felt_1rm[person, exercise]
    spare = np.where(np.isnan(felt), CHOICE_SPARE[experience], 0.0)
    idea = np.where(np.isnan(felt), one_rm * np.exp(error), felt)
    aim = (orders.low + orders.high) / 2 + orders.rir + spare + 0.5 * (orders.sets - 1)
    chosen = round_kg(moves, exercise, units, np.maximum(idea * share_at(aim), 0.1))
    kg = np.where(np.isnan(orders.kg), chosen, orders.kg)
    kg = np.minimum(kg, heaviest(moves, roster, person, exercise))
    lower = np.array([False, *(name in LOWER_AREAS for name in moves.pain_areas)])
    shared = (area > 0) & (lower[area] == (moves.group[exercise] == 0))
    eased = np.minimum(round_kg(moves, exercise, units, kg * PAIN_LOAD), kg)
    return np.where(moves.kind[exercise] == LOADED, np.where(shared, eased, kg), np.nan)


def do_sets(
    people: Followers, orders: Orders, one_rm: Floats, body_kg: Floats, rng: np.random.Generator
) -> Sets:
    """Do ``orders`` with the (M,) 1RM of the day: repetitions until the RIR feels as planned, in the range.

    Who feels the planned RIR below the range goes on to its bottom, up to two repetitions nearer to failure
    than planned; who could do more than its top stops there.
    """
    experience = people.roster.experience[orders.person][:, None]
    work = _work(orders)
    fresh, intensity = fresh_reps(people.moves, work, one_rm, body_kg, rng)
    most = int(orders.sets.max(initial=1))
    able = able_reps(fresh, most, rng, people.response.set_tiring)
    noise = people.rir_noise * people.response.rir_noise
    luck = rng.standard_normal(able.shape, dtype=np.float32)
    planned = orders.rir[:, None]
    stop = true_rir_of(experience, planned - luck * rir_spread(experience, planned, noise))
    wanted = np.clip(np.round(able - stop), orders.low[:, None], orders.high[:, None])
    nearest = np.maximum(planned - SHORT_OF_PLAN, 0)
    reps = np.maximum(np.minimum(wanted, np.floor(able - nearest)), 1)
    true_rir = np.clip(able - reps, 0, 10)
    felt = felt_rir(experience, true_rir) + luck * rir_spread(experience, true_rir, noise)
    done = np.arange(most) < orders.sets[:, None]
    return Sets(done, reps.astype(np.int8), written_rir(felt), true_rir, intensity)


def _work(orders: Orders) -> Work:
    middle = (orders.low + orders.high) // 2
    return Work(
        orders.person, orders.session, orders.session, orders.exercise, orders.sets, orders.kg, orders.kg,
        middle, orders.rir,
    )  # fmt: skip


def _remember(people: Followers, orders: Orders, sets: Sets) -> None:
    """What the mean set of each exercise told: its load at so many repetitions and so many to spare."""
    count = np.maximum(sets.done.sum(axis=1), 1)
    to_failure = np.where(sets.done, sets.reps + sets.rir, 0).sum(axis=1) / count
    told = orders.kg / share_at(to_failure)
    known = ~np.isnan(told)
    people.felt_1rm[orders.person[known], orders.exercise[known]] = told[known]


def planned_sets(moves: Moves, orders: Orders, people: int) -> Floats:
    """(N, 3) sets of each lift group in a week of ``orders``, weighted with the share of the 1RM."""
    middle = (orders.low + orders.high) / 2 + orders.rir
    weight = orders.sets * share_at(middle) * moves.dosed[orders.exercise]
    key = orders.person * GROUPS + moves.group[orders.exercise]
    found = np.bincount(key, weight, minlength=people * GROUPS).reshape(people, GROUPS)
    return found.astype(np.float64)


def followers(
    moves: Moves,
    roster: Roster,
    life: Life,
    body: Body,
    response: Response,
    rir_noise: float,
    usual: Floats,
    rng: np.random.Generator,
) -> Followers:
    """People before their first week; ``usual`` (N, 3) is what those who trained before are used to."""
    shape = (roster.size, len(moves.ids))
    return Followers(
        moves=moves,
        roster=roster,
        life=life,
        body=body,
        response=response,
        rir_noise=rir_noise,
        strength=starting_strength(roster, usual, rng, response),
        skill=np.exp(rng.standard_normal(shape) * 0.06),
        habit=rng.integers(0, 2, roster.size),
        sore=np.zeros(roster.size),
        felt_1rm=np.full(shape, np.nan),
    )
