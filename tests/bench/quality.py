"""Rows per second and peak memory of validation and statistics: ``python -m tests.bench.quality [ROWS ...]``.

Each stage of each size runs in a process of its own, charts and page included, over files on disk; the
bucket is left out, as its time is the network's or the local cloud's.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from fitsense.config import Splits, Statistics, Validation
from fitsense.reporting.render import html
from tests.unit.quality.samples import SPLITS, Run, clean_run

SIZES = (2_500, 100_000)
LIMIT_MB = 4096
"""What a quality stage is given (schema/pipelines.yaml)."""
BLOCK = 10_000
PART = 1_250
"""Queries in one part file: 250 people of five each."""
_HEADER = (
    f"{'rows':>9} {'stage':>11} {'rows/s':>8} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'of limit':>9}"
)


class Measured(NamedTuple):
    rows: int
    stage: str
    seconds: float
    cpu_s: float
    peak_mb: float

    def line(self) -> str:
        return (
            f"{self.rows:>9,} {self.stage:>11} {self.rows / self.seconds:>8,.0f} {self.seconds:>8.1f} "
            f"{self.cpu_s:>7.1f} {self.peak_mb:>8,.0f} {self.peak_mb / LIMIT_MB:>9.0%}"
        )


def main(sizes: tuple[int, ...] = SIZES) -> None:
    print(_HEADER)
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="fitsense-bench-quality-") as folder:
            made = make_input(Path(folder), rows)
            for stage in (validation, statistics):
                print(in_own_process(stage, Path(folder), made).line(), flush=True)


def make_input(folder: Path, rows: int) -> int:
    """Splits, index and query parts of about ``rows`` clean records; how many there are.

    One block of records is made and then told again by other people, each in words of their own.
    """
    base = clean_run(min(rows, BLOCK), rejected_share=0)
    frames = []
    files = {split: (folder / f"{split}.jsonl").open("wb") for split in SPLITS}
    for number in range(max(1, rows // BLOCK)):
        block = _retold(base, number)
        for split, lines in block.lines().items():
            files[split].writelines(lines)
        frames.append(block.index())
        _write_queries(folder, block.queries().splitlines(keepends=True), number)
    for file in files.values():
        file.close()
    index = pl.concat(frames)
    index.write_parquet(folder / "index.parquet")
    return index.height


def _write_queries(folder: Path, lines: list[bytes], block: int) -> None:
    for at in range(0, len(lines), PART):
        (folder / f"part-{block:05d}-{at:05d}.jsonl").write_bytes(b"".join(lines[at : at + PART]))


def _retold(base: Run, block: int) -> Run:
    users = len(base.answers) // 4 + 1
    records = {split: [_renumbered(r, block, users) for r in rows] for split, rows in base.records.items()}
    answers = [{"query": _renumbered(a["query"], block, users)} for a in base.answers]
    return Run(answers, records)


def _renumbered(record: dict[str, Any], block: int, users: int) -> dict[str, Any]:
    key = "query_id" if "query_id" in record else "id"
    user = int(record[key][1:9]) + block * users
    told = {**record, key: f"q{user:08d}{record[key][9:]}"}
    if key == "query_id":
        return {**told, "user_id": f"u{user:08d}", "prompt": f"{record['prompt']} {user}"}
    response = record["response"].replace('"message":"', f'"message":"{user}: ', 1)
    meta = {**record["metadata"], "user_id": f"u{user:08d}", "cluster": user}
    return {**told, "instruction": f"{record['instruction']} {user}", "response": response, "metadata": meta}


def in_own_process(stage: Callable[[Path], str], folder: Path, rows: int) -> Measured:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(send, stage, folder, rows))
    process.start()
    send.close()
    measured: Measured = receive.recv()
    process.join()
    return measured


def _measure(send: Connection, stage: Callable[[Path], str], folder: Path, rows: int) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    stage(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = time.perf_counter() - started, time.process_time() - cpu
    send.send(Measured(rows, stage.__name__, *used, peak))


def validation(folder: Path) -> str:
    """The page of the validation stage."""
    from jobs.validation.checks import COMPARED, Declared, judge
    from jobs.validation.page import build
    from jobs.validation.scan import Scanner

    scanner = Scanner()
    for split in SPLITS:
        for line in _lines(folder / f"{split}.jsonl"):
            scanner.add(split, line)
    scanned = scanner.result()
    index = pl.read_parquet((folder / "index.parquet").read_bytes()).select("id", *COMPARED)
    declared = Declared(scanned.rows, scanned.rows, index, Splits(), 24_000)
    report, tables = judge(scanned, declared, Validation())
    assert report.passed, [check for check in report.checks if not check.passed]
    return html(build(report, tables))


def statistics(folder: Path) -> str:
    """The page of the statistics stage."""
    from jobs.statistics.checks import judge
    from jobs.statistics.page import build
    from jobs.statistics.population import read_queries
    from jobs.statistics.texts import Sample, sample_rows

    index = pl.read_parquet((folder / "index.parquet").read_bytes())
    population = read_queries(path.read_bytes() for path in sorted(folder.glob("part-*.jsonl")))
    picked = sample_rows({split: index.filter(pl.col("split") == split).height for split in SPLITS}, 1)
    sample = Sample.read(_picked(folder, picked))
    report = judge(index, population, sample, None, Statistics())
    assert report.passed, [check for check in report.checks if not check.passed]
    return html(build(report))


def _picked(folder: Path, picked: dict[str, list[int]]) -> Iterator[bytes]:
    for split, numbers in picked.items():
        wanted = set(numbers)
        for number, line in enumerate(_lines(folder / f"{split}.jsonl")):
            if number in wanted:
                yield line


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


if __name__ == "__main__":
    main(tuple(int(rows) for rows in sys.argv[1:]) or SIZES)
