"""Builds a dataset in a folder from rows, as the stage does, without a bucket."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fitsense.config import Dataset
from fitsense.prompting import context_of
from jobs.dataset.build import Build
from jobs.dataset.outcome import Outcome
from jobs.dataset.workers import Workers

Row = dict[str, Any]


@dataclass(frozen=True)
class Built:
    outcome: Outcome
    files: dict[str, bytes]
    rows: dict[str, int]

    def records(self, name: str) -> list[Row]:
        return [orjson.loads(line) for line in self.files[f"{name}.jsonl"].splitlines()]

    @property
    def kept(self) -> dict[str, Row]:
        """All records of the three splits by id, each with its split."""
        return {r["id"]: {**r, "split": s} for s in ("train", "val", "test") for r in self.records(s)}

    @property
    def rejected(self) -> dict[str, tuple[str, str]]:
        return {row["id"]: (row["reason"], row["detail"]) for row in self.records("rejected")}

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row["reason"] for row in self.records("rejected"))


def make(
    rows: Sequence[Row],
    folder: Path,
    *,
    seed: int = 1,
    pause: Callable[[], None] = lambda: None,
    **params: Any,
) -> Build:
    lines = [orjson.dumps(row) + b"\n" for row in rows]
    return Build(
        iter(lines),
        len(lines),
        params=Dataset.model_validate(params),
        seed=seed,
        context_text=context_of,
        folder=folder,
        pause=pause,
    )


def decided(build: Build, workers: int = 0) -> Outcome:
    with Workers(workers) as pool:
        return build.decide(pool)


def built(rows: Sequence[Row], folder: Path, *, seed: int = 1, workers: int = 0, **params: Any) -> Built:
    build = make(rows, folder, seed=seed, **params)
    outcome = decided(build, workers)
    files = drained(build, outcome)
    index = build.index(outcome)
    files[index.name] = (index.read_bytes(), len(outcome.kept))
    return Built(outcome, {n: data for n, (data, _) in files.items()}, {n: k for n, (_, k) in files.items()})


def drained(build: Build, outcome: Outcome) -> dict[str, tuple[bytes, int]]:
    """The JSONL files by name, with the rows that each was announced with."""
    return {file.name: (b"".join(file.lines), file.rows) for file in build.files(outcome)}


def asked_by(row: Row, user: int, k: int) -> Row:
    """A copy of the row under another user's name; nothing else changes."""
    made = copy.deepcopy(row)
    made["query"] |= {"query_id": f"q{user:08d}-{k:02d}", "user_id": f"u{user:08d}"}
    made["query"]["context"]["user_id"] = f"u{user:08d}"
    return made


def good(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["rejected"] is None]
