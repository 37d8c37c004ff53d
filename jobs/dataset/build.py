"""The two passes, on local disk: reads a stream of lines once, leaves files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from fitsense.config import Dataset
from fitsense.errors import BadArtifact
from jobs.dataset.drafts import unpacked
from jobs.dataset.leaks import LeakCheck
from jobs.dataset.lsh import band_rows
from jobs.dataset.outcome import REJECTED, TARGETS, Outcome, decide
from jobs.dataset.read import ContextText, fingerprint
from jobs.dataset.table import Table, collect
from jobs.dataset.workers import Workers
from jobs.dataset.write import final_line, write_index

Item = TypeVar("Item")

BATCH = 1000
"""Lines that one worker takes at a time."""
_PAUSE_EVERY = 5000


@dataclass(frozen=True)
class File:
    """A file to be written: its lines are made as they are taken, once, and all before the next file."""

    name: str
    rows: int
    lines: Iterator[bytes]


class Build:
    """``lines`` are all ``rows`` lines of the teacher's files, in order.

    ``pause`` is called between blocks of work, and raises to stop it.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        rows: int,
        *,
        params: Dataset,
        seed: int,
        context_text: ContextText,
        folder: Path,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._lines = lines
        self._rows = rows
        self._params = params
        self._seed = seed
        self._context_text = context_text
        self._folder = folder
        self._pause = pause
        self._drafts = folder / "drafts"

    def decide(self, workers: Workers) -> Outcome:
        """The first pass, and the judgement of every line. Raises BadArtifact and GateFailed."""
        shingles = self._folder / "shingles"
        table = self._collect(workers, shingles)
        if not self._rows:
            raise BadArtifact(
                "the teacher's files are empty", hint="no query was asked, or none was answered"
            )
        if len(table.reasons) != self._rows:
            found = len(table.reasons)
            raise BadArtifact(f"the teacher's files hold {found:,} lines, its manifest says {self._rows:,}")
        params = self._params
        outcome = decide(table, params.near_duplicate_similarity, params.splits, self._seed, self._pause)
        shingles.unlink()
        return outcome

    def _collect(self, workers: Workers, shingles: Path) -> Table:
        read = partial(
            fingerprint,
            context_text=self._context_text,
            max_characters=self._params.max_characters,
            band_rows=band_rows(self._params.near_duplicate_similarity),
        )
        return collect(workers.map(read, _batches(self._lines)), shingles, self._drafts)

    def files(self, outcome: Outcome) -> Iterator[File]:
        """The second pass: JSONL files. Raises GateFailed after the last one if what was written leaks."""
        leaks = LeakCheck()
        rows = np.bincount(outcome.targets(), minlength=len(TARGETS)).tolist()
        for target, name in enumerate(TARGETS):
            lines = self._of_target(target, outcome)
            if target != REJECTED:
                lines = leaks.watch(name, lines)
            yield File(f"{name}.jsonl", rows[target], lines)
        self._drafts.unlink()
        leaks.finish()

    def _of_target(self, target: int, outcome: Outcome) -> Iterator[bytes]:
        noted = zip(self._pausing(unpacked(self._drafts)), outcome.notes(), strict=True)
        return (final_line(draft, note) for draft, note in noted if note.target == target)

    def index(self, outcome: Outcome) -> Path:
        path = self._folder / "index.parquet"
        write_index(outcome, path)
        return path

    def _pausing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number % _PAUSE_EVERY == 0:
                self._pause()
            yield line


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of BATCH items. Across files: where one file ends and the next begins changes nothing."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
