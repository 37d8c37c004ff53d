"""Rows per second and peak memory of the dataset stage: ``python -m tests.bench.dataset [ROWS | FILE ...]``.

Each size runs in a process of its own over a file of synthetic teacher responses, 5 % of them exact or near
copies of others, or over a file of real ones: the teacher's parts, one after another. The bucket is left out:
its time is the network's or the local cloud's, not the stage's.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fitsense.artifacts import dumps_line
from fitsense.config import Dataset
from fitsense.prompting import context_of
from fitsense.records import TeacherResponse
from jobs.dataset.build import Build
from jobs.dataset.facts import facts
from jobs.dataset.workers import Workers, worker_count
from tests.factories import responses_between

SIZES = (10_000, 100_000)
COPY_EVERY = 20
_BLOCK = 5_000
_HEADER = "     rows workers  rows/s rows/CPU-s  seconds   CPU s  peak MB scratch MB      kept"


class Measured(NamedTuple):
    rows: int
    workers: int
    seconds: float
    cpu_s: float
    own_mb: float
    worker_mb: float
    kept: int
    scratch_mb: float

    @property
    def total_mb(self) -> float:
        """Peak of this process and of its largest worker times their number: an upper bound."""
        return self.own_mb + self.workers * self.worker_mb


def main(inputs: tuple[int | Path, ...] = SIZES) -> None:
    print(_HEADER)
    with tempfile.TemporaryDirectory() as folder:
        for given in inputs:
            source = given if isinstance(given, Path) else Path(folder) / "responses.jsonl"
            if isinstance(given, int):
                make_input(source, given)
            rows = sum(1 for _ in _lines(source))
            print(_line(in_own_process(source, rows, worker_count(rows), Path(folder))), flush=True)


def _line(m: Measured) -> str:
    rate = m.rows / m.seconds
    return (
        f"{m.rows:>9,} {m.workers:>7} {rate:>7,.0f} {m.rows / m.cpu_s:>10,.0f} {m.seconds:>8.1f} "
        f"{m.cpu_s:>7.1f} {m.total_mb:>8,.0f} {m.scratch_mb:>10,.0f} {m.kept:>9,}"
    )


def make_input(path: Path, rows: int) -> None:
    """Teacher responses as JSONL; every COPY_EVERYth answers as the one before it did."""
    blocks = [(at, min(at + _BLOCK, rows)) for at in range(0, rows, _BLOCK)]
    with multiprocessing.get_context("spawn").Pool() as pool, path.open("wb") as file:
        for block in pool.imap(_block, blocks):
            file.write(block)


def _block(edges: tuple[int, int]) -> bytes:
    rows = responses_between(*edges, seed=1)
    for i in range(COPY_EVERY - 1, len(rows), COPY_EVERY):
        rows[i]["query"]["prompt"] = rows[i - 1]["query"]["prompt"]
        rows[i]["answer"] = rows[i - 1]["answer"]
    # As the teacher writes them: with every field.
    return b"".join(dumps_line(TeacherResponse.model_validate(row).model_dump(mode="json")) for row in rows)


def in_own_process(source: Path, rows: int, workers: int, folder: Path) -> Measured:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(send, source, rows, workers, folder))
    process.start()
    send.close()
    measured: Measured = receive.recv()
    process.join()
    return measured


def _measure(send: object, source: Path, rows: int, workers: int, folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    started = time.perf_counter()
    used = 0
    build = Build(_lines(source), rows, params=Dataset(), seed=1, context_text=context_of, folder=scratch)
    with Workers(workers) as pool:
        outcome = build.decide(pool)
    for file in build.files(outcome):
        for _ in file.lines:
            pass
        used = max(used, sum(path.stat().st_size for path in scratch.iterdir()))
    build.index(outcome).unlink()
    facts(outcome, [], Dataset(), 1)
    measured = Measured(
        rows=rows,
        workers=workers,
        seconds=time.perf_counter() - started,
        cpu_s=_cpu_seconds(),
        own_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        worker_mb=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if workers else 0,
        kept=len(outcome.kept),
        scratch_mb=used / 2**20,
    )
    scratch.rmdir()
    send.send(measured)  # type: ignore[attr-defined]


def _cpu_seconds() -> float:
    """Of this process and its workers, which have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


if __name__ == "__main__":
    main(tuple(int(arg) if arg.isdigit() else Path(arg) for arg in sys.argv[1:]) or SIZES)
