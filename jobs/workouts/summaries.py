"""Flat columns of a simulated block: sets, days, weeks, each in the order of its record."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.athletes import Simulation
from fitsense.simulation.session import Sets, Work

Columns = dict[str, NDArray[Any]]
"""Flat arrays of one block: ``user_id`` is the index within the block, ``pain_area`` 0 for none."""


def set_columns(simulation: Simulation) -> Columns:
    """``SetLog``: done sets by person, week, session, order."""
    history = simulation.history
    work, sets, week = _joined(history.work, history.sets)
    order = np.argsort(work.person.astype(np.int16), kind="stable")
    count = sets.done.sum(axis=1)[order]
    done = sets.done[order]
    weekday = simulation.programme.weekday[work.person, work.session]
    date = simulation.calendar.epoch_days[week * 7 + weekday]

    def each(values: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
        return np.repeat(values[order].astype(kind), count)

    return {
        "user_id": each(work.person, np.int32),
        "week": each(week, np.int16),
        "date": each(date, np.int32),
        "session": each(work.session, np.int8),
        "exercise_id": each(work.exercise, np.int16),
        "set_index": np.broadcast_to(np.arange(done.shape[1], dtype=np.int8), done.shape)[done],
        "target_reps": each(work.target, np.int8),
        "target_rir": each(work.rir, np.float32),
        "reps": sets.reps[order][done],
        "weight_kg": each(work.kg, np.float64),
        "rir": sets.rir[order][done],
        "planned_kg": each(work.planned_kg, np.float64),
    }


def _joined(work: list[Work], sets: list[Sets]) -> tuple[Work, Sets, Ints]:
    """All weeks' work and sets in one, and the week of each."""
    week = np.repeat(np.arange(len(work)), [len(one.person) for one in work])
    one_work = Work(**{name: np.concatenate([vars(one)[name] for one in work]) for name in vars(work[0])})
    one_sets = Sets(**{name: np.concatenate([vars(one)[name] for one in sets]) for name in vars(sets[0])})
    return one_work, one_sets, week


def day_columns(simulation: Simulation) -> Columns:
    """``DayLog`` without notes: every day of every person."""
    life, body, roster = simulation.life, simulation.body, simulation.roster
    planned, done = sessions_by_day(simulation)
    days = simulation.calendar.days
    columns: Columns = {
        "user_id": np.repeat(np.arange(roster.size, dtype=np.int32), days),
        "date": np.tile(simulation.calendar.epoch_days, roster.size),
        "sleep_h": life.logged_sleep,
        "kcal": body.kcal,
        "weight_kg": body.weight,
        "soreness": np.concatenate(simulation.history.soreness, axis=1),
        "pain": life.pain,
        "pain_area": life.area,
        "planned_session": planned,
        "done_session": done,
    }
    return {name: column.reshape(-1) for name, column in columns.items()}


def sessions_by_day(simulation: Simulation) -> tuple[Bools, Bools]:
    """(N, D) whether a session was planned and whether it was done."""
    weekday = simulation.programme.weekday
    size, weeks = len(weekday), simulation.calendar.weeks
    planned, done = np.zeros((2, size, weeks, 8), bool)
    done_weeks = np.stack(simulation.history.done, axis=1)
    person = np.arange(size)
    for session in range(weekday.shape[1]):
        day = np.where(weekday[:, session] >= 0, weekday[:, session], 7)
        planned[person, :, day] = True
        done[person, :, day] = done_weeks[:, :, session]
    return planned[..., :7].reshape(size, -1), done[..., :7].reshape(size, -1)


def week_columns(simulation: Simulation, sets: Columns, days: Columns) -> Columns:
    """``WeekSummary``. Strength is the true 1RM with which the week began;
    fitness and fatigue (1: a reference week done for ever) are those after it."""
    size, weeks = simulation.roster.size, simulation.calendar.weeks
    history = simulation.history
    weight = _filled(
        _mean(days["weight_kg"], size, weeks), simulation.body.tissue.reshape(size, weeks, 7)[..., 3]
    )
    e1rm = np.stack(history.e1rm, axis=1)
    columns: Columns = {
        "user_id": np.repeat(np.arange(size, dtype=np.int32), weeks),
        "week": np.tile(np.arange(weeks, dtype=np.int16), size),
        "planned_sessions": _sum(days["planned_session"], size, weeks),
        "done_sessions": _sum(days["done_session"], size, weeks),
        **_volume(sets, size, weeks),
        "sleep_mean_h": np.round(_filled(_mean(days["sleep_h"], size, weeks), _true_sleep(simulation)), 2),
        "kcal_mean": np.round(
            _filled(_mean(days["kcal"], size, weeks), simulation.roster.kcal_target[:, None])
        ),
        "weight_mean_kg": np.round(weight, 2),
        "weight_change_pct": np.round(_change(weight), 2),
        "fitness": np.round(np.stack(history.fitness, axis=1), 3),
        "fatigue": np.round(np.stack(history.fatigue, axis=1), 3),
        "squat_e1rm_kg": np.round(e1rm[..., 0], 1),
        "bench_e1rm_kg": np.round(e1rm[..., 1], 1),
        "row_e1rm_kg": np.round(e1rm[..., 2], 1),
        "stalled": np.stack(history.stalled, axis=1),
        "deload": np.stack(history.deload, axis=1),
        "pain_area": _worst_area(simulation),
    }
    return {name: column.reshape(-1) for name, column in columns.items()}


def _volume(sets: Columns, size: int, weeks: int) -> Columns:
    """Sets, tonnage (repetitions x kg as logged, per implement) and mean RIR (NaN without sets) a week."""
    key = sets["user_id"] * weeks + sets["week"]
    number = np.bincount(key, minlength=size * weeks)
    lifted = sets["reps"] * np.nan_to_num(sets["weight_kg"])
    rir = np.bincount(key, sets["rir"], minlength=size * weeks)
    return {
        "sets": number.astype(np.int16),
        "tonnage_kg": np.round(np.bincount(key, lifted, minlength=size * weeks), 1),
        "mean_rir": np.round(np.divide(rir, number, out=np.full(len(rir), np.nan), where=number > 0), 2),
    }


def _sum(days: Bools, size: int, weeks: int) -> Ints:
    found: Ints = days.reshape(size, weeks, 7).sum(axis=2).astype(np.int8)
    return found


def _mean(days: Floats, size: int, weeks: int) -> Floats:
    """(N, W) means of what was logged; NaN where nothing was."""
    values = days.reshape(size, weeks, 7)
    logged = (~np.isnan(values)).sum(axis=2)
    total = np.nan_to_num(values).sum(axis=2)
    found: Floats = np.divide(total, logged, out=np.full(total.shape, np.nan), where=logged > 0)
    return found


def _filled(means: Floats, fallback: Floats) -> Floats:
    """The record has no missing weeks: what nobody logged is estimated."""
    return np.where(np.isnan(means), fallback, means)


def _true_sleep(simulation: Simulation) -> Floats:
    size, weeks = simulation.roster.size, simulation.calendar.weeks
    found: Floats = simulation.life.sleep.reshape(size, weeks, 7).mean(axis=2)
    return found


def _change(weight: Floats) -> Floats:
    """Per cent of body weight against the week before; 0 in the first."""
    change = np.zeros(weight.shape)
    change[:, 1:] = 100 * (weight[:, 1:] / weight[:, :-1] - 1)
    return change


def _worst_area(simulation: Simulation) -> Ints:
    size, weeks = simulation.roster.size, simulation.calendar.weeks
    pain = simulation.life.pain.reshape(size, weeks, 7)
    area = simulation.life.area.reshape(size, weeks, 7)
    return np.take_along_axis(area, pain.argmax(axis=2)[..., None], 2)[..., 0]
