"""What the first pass leaves: the reason of every line, and arrays of the good rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.dataset.labels import Labels
from jobs.dataset.read import CATEGORIES, KEPT, Fingerprints
from jobs.dataset.shingles import I64, U32


@dataclass(frozen=True)
class Table:
    """``reasons`` are codes of ``reason_labels``, one a line; all other arrays have one row a good line."""

    reasons: npt.NDArray[np.int32]
    reason_labels: Labels
    numbers: dict[str, npt.NDArray[Any]]
    categories: dict[str, npt.NDArray[np.int32]]
    labels: dict[str, Labels]
    shingles: Path
    starts: I64

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lines(self) -> I64:
        """Line numbers of the good rows."""
        return np.flatnonzero(self.reasons == 0)

    def shingle_file(self) -> U32:
        """The shingle sets of all rows, mapped from disk: row ``i`` begins at ``starts[i]``."""
        if self.shingles.stat().st_size == 0:
            return np.empty(0, np.uint32)
        return np.memmap(self.shingles, dtype=np.uint32, mode="r")


class _Columns:
    """The arrays of Table while they grow."""

    def __init__(self) -> None:
        self.reason_labels = Labels([KEPT])
        self.labels = {name: Labels() for name in CATEGORIES}
        self._reasons: list[npt.NDArray[np.int32]] = []
        self._numbers: dict[str, list[npt.NDArray[Any]]] = {}
        self._categories: dict[str, list[npt.NDArray[np.int32]]] = {name: [] for name in CATEGORIES}

    def add(self, batch: Fingerprints) -> None:
        self._reasons.append(self.reason_labels.codes(batch.reasons))
        for name, array in batch.numbers.items():
            self._numbers.setdefault(name, []).append(array)
        for name, (values, codes) in batch.categories.items():
            self._categories[name].append(self.labels[name].codes(values)[codes])

    def reasons(self) -> npt.NDArray[np.int32]:
        return np.concatenate([_NO_CODES, *self._reasons])

    def numbers(self) -> dict[str, npt.NDArray[Any]]:
        """Leaves none behind: two copies of all columns at once would be the peak of the memory."""
        return {name: np.concatenate(self._numbers.pop(name)) for name in list(self._numbers)}

    def categories(self) -> dict[str, npt.NDArray[np.int32]]:
        return {name: np.concatenate([_NO_CODES, *found]) for name, found in self._categories.items()}


def collect(batches: Iterable[Fingerprints], shingles: Path, drafts: Path) -> Table:
    """Gather the batches in order; shingle sets go to the file ``shingles``, drafts to ``drafts``."""
    columns = _Columns()
    with shingles.open("wb") as sets, drafts.open("wb") as lines:
        for batch in batches:
            columns.add(batch)
            sets.write(batch.shingles.data)
            lines.write(batch.drafts)
    numbers = columns.numbers()
    return Table(
        reasons=columns.reasons(),
        reason_labels=columns.reason_labels,
        numbers=numbers,
        categories=columns.categories(),
        labels=columns.labels,
        shingles=shingles,
        starts=_starts(numbers),
    )


_NO_CODES = np.empty(0, np.int32)


def _starts(numbers: dict[str, npt.NDArray[Any]]) -> I64:
    counts = numbers["shingle_count"].astype(np.int64) if numbers else np.empty(0, np.int64)
    return np.cumsum(counts) - counts
