"""The training logs of one part of people, joined and aggregated once, ready for quick look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

HARD_RIR = 4.0


@dataclass(frozen=True, slots=True)
class SetColumns:
    """Every set of a part, sorted by person, exercise, week, session and number.

    Nested lists would cost more to hand over from polars than all the grouping.
    """

    reps: list[int]
    rir: list[float]


@dataclass(frozen=True, slots=True)
class ExerciseLog:
    """One exercise of one person, an entry a week in which it was done, oldest first.

    ``kg``, ``reps(at)`` and ``rir(at)`` are of the week's last session, ``e1rm`` is the week's best.
    """

    exercise_id: str
    weeks: list[int]
    kg: list[float | None]
    starts: list[int]
    counts: list[int]
    e1rm: list[float | None]
    hard_sets: list[int]
    sets: SetColumns

    def reps(self, at: int) -> list[int]:
        """Repetitions of the last session's sets of entry ``at``."""
        return self.sets.reps[self.starts[at] : self.starts[at] + self.counts[at]]

    def rir(self, at: int) -> list[float]:
        """Reps in reserve of the last session's sets of entry ``at``."""
        return self.sets.rir[self.starts[at] : self.starts[at] + self.counts[at]]


@dataclass(frozen=True, slots=True)
class UserLog:
    """All of one person: weekly columns by name, exercises, and the days that say something."""

    weeks: dict[str, list[Any]]
    exercises: list[ExerciseLog]
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


def exercise_logs(sets: pl.DataFrame) -> dict[str, list[ExerciseLog]]:
    """user_id → the exercises that this person did."""
    ordered = sets.sort("user_id", "exercise_id", "week", "session", "set_index").with_row_index("row")
    columns = SetColumns(ordered["reps"].to_list(), ordered["rir"].cast(pl.Float64).round(1).to_list())
    weeks = _weeks(ordered)
    values = [weeks[name].to_list() for name in ("week", "kg", "start", "count", "e1rm", "hard")]
    logs: dict[str, list[ExerciseLog]] = {}
    runs = weeks.group_by("user_id", "exercise_id", maintain_order=True).len()
    first = 0
    for user, exercise_id, length in runs.iter_rows():
        week, kg, start, count, e1rm, hard = (column[first : first + length] for column in values)
        log = ExerciseLog(exercise_id, week, kg, start, count, e1rm, hard, columns)
        logs.setdefault(user, []).append(log)
        first += length
    return logs


def _weeks(ordered: pl.DataFrame) -> pl.DataFrame:
    """A row per person, exercise and week; ``start`` and ``count`` find the last session's sets."""
    sessions = (
        ordered.lazy()
        .with_columns(e1rm=e1rm_expr(), hard=pl.col("rir") <= HARD_RIR)
        .group_by("user_id", "exercise_id", "week", "session", maintain_order=True)
        .agg(
            pl.col("weight_kg").last().round(2).alias("kg"),
            pl.col("row").first().alias("start"),
            pl.len().alias("count"),
            pl.col("e1rm").max(),
            pl.col("hard").sum(),
        )
    )
    return (
        sessions.group_by("user_id", "exercise_id", "week", maintain_order=True)
        .agg(pl.col("kg", "start", "count").last(), pl.col("e1rm").max().round(1), pl.col("hard").sum())
        .collect()
    )


WEEK_COLUMNS = (
    "planned_sessions",
    "done_sessions",
    "sleep_mean_h",
    "kcal_mean",
    "weight_mean_kg",
    "stalled",
    "deload",
)


def load_logs(sets: pl.DataFrame, days: pl.DataFrame, weeks: pl.DataFrame) -> dict[str, UserLog]:
    """user_id → log. Weekly lists start at week 0 and have no gaps."""
    exercises = exercise_logs(sets)
    said = _said(days)
    by_user = weeks.sort("user_id", "week").group_by("user_id", maintain_order=True).agg(WEEK_COLUMNS)
    logs: dict[str, UserLog] = {}
    for row in by_user.iter_rows(named=True):
        user = row.pop("user_id")
        notes, pains = said.get(user, ([], []))
        logs[user] = UserLog(row, exercises.get(user, []), notes, pains)
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
