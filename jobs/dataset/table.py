"""What the first pass leaves: the reason of every line, and arrays of the good rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.dataset.read import CATEGORIES, KEPT, Fingerprints
from jobs.dataset.shingles import I64, U32


class Labels:
    """Codes for the few distinct values of a column, in order of first appearance."""

    def __init__(self, values: Sequence[str] = ()) -> None:
        self.values = list(values)
        self._codes = {value: code for code, value in enumerate(self.values)}

    def codes(self, values: Iterable[str]) -> npt.NDArray[np.int32]:
        codes = self._codes
        found = [codes.setdefault(value, len(codes)) for value in values]
        self.values.extend(list(codes)[len(self.values) :])
        return np.array(found, dtype=np.int32)


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


def collect(batches: Iterable[Fingerprints], shingles: Path) -> Table:
    """Gather the batches in order; shingle sets go to the file ``shingles``."""
    reason_labels = Labels([KEPT])
    labels = {name: Labels() for name in CATEGORIES}
    reasons: list[npt.NDArray[np.int32]] = []
    numbers: dict[str, list[npt.NDArray[Any]]] = {}
    categories: dict[str, list[npt.NDArray[np.int32]]] = {name: [] for name in CATEGORIES}
    with shingles.open("wb") as file:
        for batch in batches:
            reasons.append(reason_labels.codes(batch.reasons))
            for name, array in batch.numbers.items():
                numbers.setdefault(name, []).append(array)
            for name, values in batch.categories.items():
                categories[name].append(labels[name].codes(values))
            file.write(batch.shingles.data)
    joined = {name: np.concatenate(numbers.pop(name)) for name in list(numbers)}
    return Table(
        reasons=np.concatenate(reasons) if reasons else np.empty(0, np.int32),
        reason_labels=reason_labels,
        numbers=joined,
        categories={
            name: np.concatenate(found) if found else _NO_CODES for name, found in categories.items()
        },
        labels=labels,
        shingles=shingles,
        starts=_starts(joined),
    )


_NO_CODES = np.empty(0, np.int32)


def _starts(numbers: dict[str, npt.NDArray[Any]]) -> I64:
    counts = numbers["shingle_count"].astype(np.int64) if numbers else np.empty(0, np.int64)
    return np.cumsum(counts) - counts
