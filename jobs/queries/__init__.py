"""The ``queries`` stage: prompts that the synthetic people would send, each with its compact context."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fitsense.artifacts import dumps_line
from fitsense.config import Queries
from jobs.queries.logs import DAY_COLUMNS, SET_COLUMNS, WEEK_COLUMNS, load_logs
from jobs.queries.transform import make_queries
from jobs.stage import Input, Job, part_file

PROGRESS_EVERY = 500


def parts(job: Job) -> int:
    """One part a part of profiles."""
    return job.inputs["profiles"].part_count(".parquet")


def run_part(job: Job, part: int) -> None:
    """Read the part's people and logs, write ``part-NNNNN.jsonl``."""
    params, people, workouts = job.params(Queries), job.inputs["profiles"], job.inputs["workouts"]
    users = sum(file.rows for file in people.files(".parquet"))
    profiles = people.parquet(part_file(part, "parquet")).to_dicts()
    logs = load_logs(*(_columns(workouts, part, kind) for kind in ("sets", "days", "weeks")))
    total = len(profiles) * params.per_user

    def lines() -> Iterator[bytes]:
        for done, query in enumerate(make_queries(profiles, logs, params, users, job.seed)):
            if done % PROGRESS_EVERY == 0:
                job.progress(done, total)
            yield dumps_line(query)

    rows = job.write_lines(part_file(part, "jsonl"), lines())
    job.count(rows_in=len(profiles), rows_out=rows)


_COLUMNS = {"sets": SET_COLUMNS, "days": DAY_COLUMNS, "weeks": ("user_id", "week", *WEEK_COLUMNS)}


def _columns(workouts: Input, part: int, kind: str) -> pl.DataFrame:
    """A part's table of ``kind``, as far as prompts need it."""
    return pl.read_parquet(workouts.read(part_file(part, f"{kind}.parquet")), columns=list(_COLUMNS[kind]))
