"""The two passes, on local disk: reads a stream of lines once, leaves files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

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
ROUNDS = ((1, 2, REJECTED), (0,))
"""Targets that are written together: of large files, only one lies in the folder at a time."""
_PAUSE_EVERY = 5000


@dataclass(frozen=True)
class File:
    """A finished output file."""

    path: Path
    rows: int


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
        """The second pass: JSONL files and the index. Whoever takes a file may delete it at once.

        Raises GateFailed after the last split if the files, read again from disk, leak.
        """
        leaks = LeakCheck()
        for targets in ROUNDS:
            for target, file in self._write(targets, outcome).items():
                if target != REJECTED:
                    with file.path.open("rb") as lines:
                        leaks.read(TARGETS[target], self._pausing(lines))
                yield file
        self._drafts.unlink()
        leaks.finish()
        index = self._folder / "index.parquet"
        write_index(outcome, index)
        yield File(index, len(outcome.kept))

    def _write(self, targets: tuple[int, ...], outcome: Outcome) -> dict[int, File]:
        noted = zip(self._pausing(unpacked(self._drafts)), outcome.notes(), strict=True)
        lines = ((note.target, final_line(draft, note)) for draft, note in noted if note.target in targets)
        paths = {target: self._folder / f"{TARGETS[target]}.jsonl" for target in targets}
        rows = _deal(paths, lines)
        return {target: File(path, rows[target]) for target, path in paths.items()}

    def _pausing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number % _PAUSE_EVERY == 0:
                self._pause()
            yield line


def _deal(paths: dict[int, Path], lines: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """Write each line to the file of its target; rows in each."""
    rows = dict.fromkeys(paths, 0)
    with ExitStack() as stack:
        files: dict[int, BinaryIO] = {
            target: stack.enter_context(path.open("wb")) for target, path in paths.items()
        }
        for target, line in lines:
            files[target].write(line)
            rows[target] += 1
    return rows


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of BATCH items. Across files: where one file ends and the next begins changes nothing."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
