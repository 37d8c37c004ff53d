"""Simulated athletes: week by week they train, miss, tire, recover, get stronger or stall.

Vectorised over the N people of a block; the only loops are over weeks (here) and days (``body``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fitsense.simulation.adaptation import Strength, starting_strength
from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.attendance import Life, draw_life
from fitsense.simulation.body import Body, draw_body
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.moves import Moves, load_moves
from fitsense.simulation.prescription import Prescription, prescribe
from fitsense.simulation.programme import Programme, build_programme
from fitsense.simulation.progression import Log, first_log, progress, wants_deload
from fitsense.simulation.roster import Roster
from fitsense.simulation.session import Sets, Work, day_factor, perform
from fitsense.simulation.week import (
    attended,
    lift_dose,
    outcome,
    planned_dose,
    sets_of_sessions,
    slot_work,
    soreness_after,
)

SHORT_SLEEP_H = 6.0
"""S-03: below this weekly mean no load rises."""


@dataclass
class History:
    """What happened. (N, W) and (N, D) arrays, and a ``Work`` with its ``Sets`` a week."""

    work: list[Work] = field(default_factory=list)
    sets: list[Sets] = field(default_factory=list)
    done: list[Bools] = field(default_factory=list)
    soreness: list[Ints] = field(default_factory=list)
    e1rm: list[Floats] = field(default_factory=list)
    fitness: list[Floats] = field(default_factory=list)
    fatigue: list[Floats] = field(default_factory=list)
    stalled: list[Bools] = field(default_factory=list)
    deload: list[Bools] = field(default_factory=list)


@dataclass(frozen=True)
class Simulation:
    """The people, what they planned, what life did, and what they made of it."""

    roster: Roster
    calendar: Calendar
    programme: Programme
    plan: Prescription
    life: Life
    body: Body
    history: History


@dataclass
class _Season:
    """What stays the same from week to week, and the state that does not."""

    moves: Moves
    roster: Roster
    programme: Programme
    plan: Prescription
    life: Life
    body: Body
    rates: Rates
    rng: np.random.Generator
    skill: Floats
    strength: Strength
    log: Log
    sore: Floats
    gap_weeks: Ints


def simulate(roster: Roster, calendar: Calendar, rates: Rates, rng: np.random.Generator) -> Simulation:
    """Live ``calendar.weeks`` weeks. A pure function of its arguments and of ``rng``'s state."""
    moves = load_moves()
    programme = build_programme(moves, roster, rng)
    plan = prescribe(moves, roster, programme)
    life = draw_life(moves, roster, rng, calendar, rates)
    body = draw_body(roster, rng, calendar)
    skill = np.exp(rng.standard_normal(programme.exercise.shape) * 0.06)
    strength = starting_strength(roster, planned_dose(moves, programme, plan), rng)
    one_rm = _one_rm(moves, programme, strength.e1rm, roster.weight, skill)
    log = first_log(moves, roster, programme, plan, one_rm, rng)
    zeros = np.zeros(roster.size)
    season = _Season(
        moves, roster, programme, plan, life, body, rates, rng, skill, strength, log, zeros, zeros.astype(int)
    )
    history = History()
    for week in range(calendar.weeks):
        _live_week(season, history, week)
    return Simulation(roster, calendar, programme, plan, life, body, history)


def _one_rm(moves: Moves, programme: Programme, e1rm: Floats, weight: Floats, skill: Floats) -> Floats:
    """(N, P) 1RM of each entry's implement or movement, kg."""
    exercise = np.maximum(programme.exercise, 0)
    anchor = np.take_along_axis(e1rm, moves.group[exercise], 1)
    return (moves.ratio[exercise] * anchor + moves.body_strength[exercise] * weight[:, None]) * skill


def _live_week(season: _Season, history: History, week: int) -> None:
    roster, log, days = season.roster, season.log, slice(week * 7, week * 7 + 7)
    body_kg, e1rm = season.body.tissue[:, days.start], season.strength.e1rm
    deload = wants_deload(roster, log, week)
    slept = season.life.sleep[:, days]
    going = attended(season.programme.weekday, season.life, season.sore, week, season.rng)
    work, done = slot_work(
        season.moves,
        roster,
        season.programme,
        season.plan,
        season.life,
        log,
        going,
        deload,
        season.gap_weeks,
        week,
    )
    factor = day_factor(roster, _on_days(slept, season.programme), season.sore[:, None], season.rng)
    one_rm = _one_rm(season.moves, season.programme, e1rm, body_kg, season.skill)
    today = one_rm[work.person, work.entry] * factor[work.person, work.session]
    sets = perform(season.moves, roster, work, today, body_kg, season.rates.rir_noise, season.rng)

    mean_sleep = slept.mean(axis=1)
    result = outcome(work, sets, season.plan)
    frozen = deload | (mean_sleep < SHORT_SLEEP_H)
    progress(season.moves, roster, season.programme, season.plan, log, result, frozen)
    season.strength.train(
        roster, lift_dose(season.moves, work.exercise, work.person, sets, roster.size), mean_sleep
    )
    each = sets_of_sessions(work.person, work.session, work.sets, roster.size)
    soreness, season.sore = soreness_after(
        roster, season.programme.weekday, each, season.sore, week, season.rng
    )
    season.gap_weeks = np.where(done.any(axis=1), 0, season.gap_weeks + 1)
    log.since_deload = np.where(deload, 0, log.since_deload + done.any(axis=1))

    history.work.append(work)
    history.sets.append(sets)
    history.done.append(done)
    history.soreness.append(soreness)
    history.e1rm.append(e1rm)
    history.fitness.append(season.strength.fitness.mean(axis=1))
    history.fatigue.append(season.strength.fatigue.mean(axis=1))
    history.stalled.append(log.stalled.copy())
    history.deload.append(deload)


def _on_days(of_days: Floats, programme: Programme) -> Floats:
    """(N, SESSIONS) of a week's (N, 7), on each session's day."""
    return np.take_along_axis(of_days, np.maximum(programme.weekday, 0), 1)
