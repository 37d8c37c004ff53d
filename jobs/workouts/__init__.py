"""Stage ``workouts``: people → simulated training logs, one part for each part of ``profiles``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from fitsense.config import Workouts
from jobs.stage import Job, part_file
from jobs.workouts.logs import BLOCK, Logs, transform
from jobs.workouts.tables import DAYS, SETS, WEEKS, PartFile

__all__ = ["parts", "run_part", "transform"]

SCHEMAS = {"sets": SETS, "days": DAYS, "weeks": WEEKS}


def parts(job: Job) -> int:
    return job.inputs["profiles"].part_count(".parquet")


def run_part(job: Job, part: int) -> None:
    """Live the weeks of one part's people, a block at a time: memory does not grow with the part."""
    people = job.inputs["profiles"].parquet(part_file(part, "parquet"))
    params = job.params(Workouts)
    files = {name: job.scratch / part_file(part, f"{name}.parquet") for name in SCHEMAS}
    with ExitStack() as stack:
        writers = {name: stack.enter_context(PartFile(files[name], SCHEMAS[name])) for name in SCHEMAS}
        for block, first in enumerate(range(0, people.height, BLOCK)):
            logs = transform(people.slice(first, BLOCK), params, job.seed, part, block)
            _append(writers, logs)
            job.progress(min(first + BLOCK, people.height), people.height, "people")
    for name, writer in writers.items():
        _hand_over(job, files[name], writer.rows)
    rows = {name: writer.rows for name, writer in writers.items()}
    job.count(rows_in=people.height, rows_out=sum(rows.values()), extra=rows)


def _append(writers: dict[str, PartFile], logs: Logs) -> None:
    for name, writer in writers.items():
        writer.append(logs.columns[name], logs.names)


def _hand_over(job: Job, path: Path, rows: int) -> None:
    job.write(path.name, path, rows=rows)
    path.unlink()
