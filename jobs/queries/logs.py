"""The training logs of one part of people, joined and aggregated once, ready for quick look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fitsense.training.catalog.exercises import MUSCLES, Exercise, load_catalog
from fitsense.training.week.volume import HARD_SET_RIR, MAJOR

Ints = NDArray[np.int64]

SET_COLUMNS = ("user_id", "week", "session", "exercise_id", "set_index", "reps", "weight_kg", "rir")
DAY_COLUMNS = ("user_id", "date", "pain", "pain_area", "note")
WEEK_COLUMNS = (
    "planned_sessions",
    "done_sessions",
    "sleep_mean_h",
    "kcal_mean",
    "weight_mean_kg",
    "stalled",
    "deload",
)
MUSCLE_ORDER = (*MAJOR, *sorted(set(MUSCLES) - set(MAJOR)))
"""Columns of ``UserLog.sets``: major muscles first."""
MAIN = {"squat": 0, "h_push": 1, "hinge": 2, "h_pull": 3, "v_push": 4, "v_pull": 5, "lunge": 6}
"""Patterns that a person would speak of first."""


@dataclass(frozen=True, slots=True)
class Entries:
    """What a part's people did: an entry per person, exercise and week in which it was done, in this order.

    ``kg``, ``reps(at)`` and ``rir(at)`` are of the week's last session, ``e1rm`` is the week's best.
    One set of columns for the whole part: lists of a person's own would cost more than all the grouping.
    """

    weeks: list[int]
    kg: list[float | None]
    e1rm: list[float | None]
    starts: list[int]
    ends: list[int]
    set_reps: Ints
    set_rir: NDArray[np.float64]

    def reps(self, at: int) -> list[int]:
        """Repetitions of the last session's sets of entry ``at``."""
        reps: list[int] = self.set_reps[self.starts[at] : self.ends[at]].tolist()
        return reps

    def rir(self, at: int) -> list[float]:
        """Reps in reserve of the last session's sets of entry ``at``."""
        rir: list[float] = self.set_rir[self.starts[at] : self.ends[at]].tolist()
        return rir


class ExerciseLog(NamedTuple):
    """One exercise of one person: its entries from ``first`` to before ``end``, oldest first."""

    main: int
    exercise_id: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class UserLog:
    """All of one person: weekly columns by name, exercises, and the days that say something."""

    weeks: dict[str, list[Any]]
    exercises: list[ExerciseLog]
    """Main patterns first."""
    entries: Entries
    sets: list[list[float]]
    """Fractional hard sets by week and, as in ``MUSCLE_ORDER``, by muscle."""
    notes: list[tuple[int, str]]
    pains: list[tuple[int, str, int]]
    """(week, area, 0 to 10)."""


def e1rm_expr() -> pl.Expr:
    """M-05 as an expression on weight_kg, reps and rir; null where no formula can be trusted."""
    load = pl.col("weight_kg")
    to_failure = pl.col("reps") + pl.col("rir").cast(pl.Float64)
    epley = pl.when(to_failure == 1).then(load).otherwise(load * (1 + to_failure / 30))
    linear = (epley + 36 * load / (37 - to_failure)) / 2
    wathan = 100 * load / (48.8 + 53.8 * (-0.075 * to_failure).exp())
    valid = (load > 0) & (pl.col("reps") >= 1) & pl.col("rir").is_between(0, 3) & (to_failure <= 15)
    return pl.when(valid).then(pl.when(to_failure <= 10).then(linear).otherwise(wathan))


class _Moves(NamedTuple):
    """The catalogue as columns: an exercise's place is its code."""

    ids: list[str]
    mains: list[int]
    credits: NDArray[np.float64]
    """A row an exercise, a column a muscle."""


@cache
def _moves() -> _Moves:
    exercises = sorted(load_catalog().by_id.values(), key=lambda one: (_main(one), one.id))
    credits = np.zeros((len(exercises), len(MUSCLE_ORDER)))
    for code, exercise in enumerate(exercises):
        for muscle, credit in exercise.credit:
            credits[code, MUSCLE_ORDER.index(muscle)] += credit
    return _Moves([one.id for one in exercises], [_main(one) for one in exercises], credits)


def _main(exercise: Exercise) -> int:
    return MAIN.get(exercise.pattern, len(MAIN))


class _Grouped(NamedTuple):
    """Entries with what they are of, and the hard sets of each."""

    entries: Entries
    users: Ints
    moves: Ints
    weeks: Ints
    hard: Ints


def _group(sets: pl.DataFrame, users: list[str]) -> _Grouped:
    """Sort by one whole number a set and look where it changes: grouping by columns costs thrice as much."""
    columns = [_codes(sets["user_id"], users), _codes(sets["exercise_id"], _moves().ids)]
    columns += [sets[name].to_numpy().astype(np.int64) for name in ("week", "session", "set_index")]
    order = np.argsort(_joined(columns))
    users_, moves, weeks, sessions, _ = (column[order] for column in columns)
    entry_keys = _joined([users_, moves, weeks])
    starts, session_starts = _starts(entry_keys), _starts(_joined([entry_keys, sessions]))
    ends = np.append(starts[1:], len(order))
    ordered = sets.select("weight_kg", "reps", "rir", e1rm=e1rm_expr())[order]
    best = np.fmax.reduceat(ordered["e1rm"].to_numpy(), starts) if len(starts) else np.empty(0)
    rir = ordered["rir"].cast(pl.Float64)
    hard = np.add.reduceat(rir.to_numpy() <= HARD_SET_RIR, starts, dtype=np.int64) if len(starts) else starts
    entries = Entries(
        weeks=weeks[starts].tolist(),
        kg=ordered["weight_kg"].gather(ends - 1).round(2).to_list(),
        e1rm=pl.Series(best).fill_nan(None).round(1).to_list(),
        starts=session_starts[np.searchsorted(session_starts, ends) - 1].tolist(),
        ends=ends.tolist(),
        set_reps=ordered["reps"].to_numpy(),
        set_rir=rir.round(1).to_numpy(),
    )
    return _Grouped(entries, users_[starts], moves[starts], weeks[starts], hard)


def _codes(column: pl.Series, names: list[str]) -> Ints:
    """Each value's place in ``names``. Raises polars.exceptions.InvalidOperationError for any other value."""
    return column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)


def _joined(columns: list[Ints]) -> Ints:
    """One whole number for the values of several columns, in the same order."""
    joined = columns[0]
    for column in columns[1:]:
        joined = joined * (column.max(initial=0) + 1) + column
    return joined


def _starts(keys: Ints) -> Ints:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _exercises(grouped: _Grouped, users: int) -> list[list[ExerciseLog]]:
    """By person, the exercises that they did."""
    ids, mains, _ = _moves()
    starts = _starts(_joined([grouped.users, grouped.moves]))
    ends = np.append(starts[1:], len(grouped.users))
    logs: list[list[ExerciseLog]] = [[] for _ in range(users)]
    columns = (grouped.users[starts], grouped.moves[starts], starts, ends)
    for user, move, first, end in zip(*(column.tolist() for column in columns), strict=True):
        logs[user].append(ExerciseLog(mains[move], ids[move], first, end))
    return logs


def _weekly_sets(grouped: _Grouped, users: int, weeks: int) -> list[list[list[float]]]:
    """Fractional hard sets by person, week and muscle."""
    place, size = grouped.users * weeks + grouped.weeks, users * weeks
    credit = _moves().credits[grouped.moves] * grouped.hard[:, None]
    columns = [np.bincount(place, column, size).astype(np.float64) for column in credit.T]
    found: list[list[list[float]]] = np.stack(columns, axis=-1).reshape(users, weeks, -1).tolist()
    return found


def load_logs(sets: pl.DataFrame, days: pl.DataFrame, weeks: pl.DataFrame) -> dict[str, UserLog]:
    """user_id → log, for everybody in ``weeks``. Weekly lists start at week 0 and have no gaps."""
    ordered = weeks.sort("user_id", "week")
    columns = {name: ordered[name].to_list() for name in WEEK_COLUMNS}
    runs = ordered["user_id"].rle().struct.unnest()
    users, ends = runs["value"].to_list(), runs["len"].cum_sum().to_list()
    grouped = _group(sets, users)
    exercises = _exercises(grouped, len(users))
    last = max(int(weeks["week"].to_numpy().max(initial=0)), int(grouped.weeks.max(initial=0)))
    weekly_sets = _weekly_sets(grouped, len(users), last + 1)
    said = _said(days)
    logs: dict[str, UserLog] = {}
    for at, (user, first, end) in enumerate(zip(users, [0, *ends], ends, strict=False)):
        own = {name: column[first:end] for name, column in columns.items()}
        notes, pains = said.get(user, ([], []))
        logs[user] = UserLog(own, exercises[at], grouped.entries, weekly_sets[at], notes, pains)
    return logs


Said = tuple[list[tuple[int, str]], list[tuple[int, str, int]]]


def _said(days: pl.DataFrame) -> dict[str, Said]:
    """Notes and pains by person, oldest first, with the week; a person's days begin in week 0."""
    rows = (
        days.lazy()
        .with_columns(week=(pl.col("date") - pl.col("date").min().over("user_id")).dt.total_days() // 7)
        .filter(pl.col("note").is_not_null() | ((pl.col("pain") > 0) & pl.col("pain_area").is_not_null()))
        .sort("user_id", "date")
        .select("user_id", "week", "note", "pain_area", "pain")
        .collect()
    )
    said: dict[str, Said] = {}
    for user, week, note, area, pain in rows.iter_rows():
        notes, pains = said.setdefault(user, ([], []))
        if note is not None:
            notes.append((week, note))
        if area is not None and pain > 0:
            pains.append((week, area, pain))
    return said
