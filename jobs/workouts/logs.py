"""The pure step of the stage: a block of people in, columns of their logs out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fitsense.config import Workouts
from fitsense.simulation.athletes import Simulation, simulate
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.moves import load_moves
from fitsense.simulation.roster import roster_of
from fitsense.simulation.streams import generator
from jobs.workouts.notes import write_notes
from jobs.workouts.summaries import Columns, day_columns, set_columns, week_columns
from jobs.workouts.tables import DAYS, SETS, WEEKS, to_arrow

BLOCK = 250
"""People simulated at once: small enough for the processor's cache, and it bounds a part's memory."""


@dataclass(frozen=True)
class Logs:
    """Columns of ``sets``, ``days`` and ``weeks``; ``names``: the value of each code of a name column."""

    columns: dict[str, Columns]
    names: dict[str, list[str]]

    def frame(self, table: str) -> pl.DataFrame:
        """One table with its record's names and values."""
        schema = {"sets": SETS, "days": DAYS, "weeks": WEEKS}[table]
        found = pl.DataFrame(to_arrow(schema, self.columns[table], self.names))
        return found.with_columns(pl.col(pl.Categorical).cast(pl.String))


def transform(people: pl.DataFrame, params: Workouts, seed: int, part: int, block: int = 0) -> Logs:
    """The logs of ``people``: a pure function of its arguments."""
    rng = generator(seed, "workouts", part, block)
    rates = Rates(params.miss_rate, params.pain_rate, params.rir_noise)
    simulation = simulate(roster_of(people), Calendar(params.start, params.weeks), rates, rng)
    return logs_of(simulation, rng)


def logs_of(simulation: Simulation, rng: np.random.Generator) -> Logs:
    """The three tables of a simulation, with the notes that people wrote on some days."""
    moves = load_moves()
    sets, days = set_columns(simulation), day_columns(simulation)
    weeks = week_columns(simulation, sets, days)
    days["note"], notes = write_notes(moves, simulation, rng)
    for table in (days, weeks):
        table["pain_area"] = table["pain_area"].astype(np.int32) - 1
    return Logs(
        columns={"sets": sets, "days": days, "weeks": weeks},
        names={
            "user_id": simulation.roster.user_ids,
            "exercise_id": list(moves.ids),
            "pain_area": list(moves.pain_areas),
            "note": notes,
        },
    )
