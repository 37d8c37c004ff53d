"""What becomes of every line of the input: the split that gets it, or why none does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fitsense.config import Splits
from fitsense.errors import GateFailed
from jobs.dataset import dedup
from jobs.dataset.dedup import Duplicates
from jobs.dataset.ids import id_text
from jobs.dataset.shingles import I64
from jobs.dataset.split import SPLITS, STRATA, assign, make_units
from jobs.dataset.table import Table

REJECTED = len(SPLITS)
"""Target of a line that no split gets."""
TARGETS = (*SPLITS, "rejected")


class Note(NamedTuple):
    """What pass two must know of a line: ``target`` is an index of TARGETS.

    ``identity`` is empty for a line that is written as drafted. ``related`` is the cluster's name for a kept
    line, and the id that a duplicate repeats.
    """

    target: int
    identity: str = ""
    related: str = ""
    reason: str = ""
    similarity: float = 0.0


_AS_DRAFTED = [Note(target) for target in range(len(TARGETS))]


@dataclass(frozen=True)
class Outcome:
    """``kept``: rows of the table, in input order; ``split`` and ``cluster`` (a row) belong to them."""

    table: Table
    duplicates: Duplicates
    kept: I64
    split: npt.NDArray[np.uint8]

    @property
    def cluster(self) -> I64:
        return self.duplicates.cluster[self.kept]

    def targets(self) -> npt.NDArray[np.uint8]:
        """An index of TARGETS for each line."""
        found = np.full(len(self.table.reasons), REJECTED, np.uint8)
        found[self.table.lines[self.kept]] = self.split
        return found

    def notes(self) -> Iterator[Note]:
        """One a line, in order."""
        found = self.duplicates
        alone = (found.verdict == dedup.KEEP) & (found.cluster == np.arange(len(self.table)))
        # A row's number for each line that is not written as drafted, else -1.
        changed = np.full(len(self.table.reasons), -1, np.int64)
        changed[self.table.lines] = np.where(alone, -1, np.arange(len(self.table)))
        for target, row in zip(self.targets().tolist(), changed.tolist(), strict=True):
            yield _AS_DRAFTED[target] if row < 0 else self._note(target, row)

    def _note(self, target: int, row: int) -> Note:
        found, ids = self.duplicates, self.table.numbers["id"]
        related = found.cluster if target != REJECTED else found.original
        return Note(
            target,
            identity=id_text(int(ids[row])),
            related=id_text(int(ids[related[row]])),
            reason=dedup.REASONS[found.verdict[row]],
            similarity=float(found.similarity[row]),
        )

    def rejected(self) -> dict[str, int]:
        """Rejected lines by reason."""
        labels, reasons = self.table.reason_labels.values, self.table.reasons
        counts = Counter({labels[k]: int(n) for k, n in enumerate(np.bincount(reasons)) if k and n})
        for verdict, reason in enumerate(dedup.REASONS):
            if verdict != dedup.KEEP:
                counts[reason] += int(np.count_nonzero(self.duplicates.verdict == verdict))
        return {reason: count for reason, count in sorted(counts.items()) if count}


def decide(table: Table, threshold: float, splits: Splits, seed: int, pause: Callable[[], None]) -> Outcome:
    """Remove duplicates and split the rest. Raises GateFailed when no row is good or no split is possible."""
    if not len(table):
        reasons = Counter(table.reason_labels.values[code] for code in table.reasons.tolist())
        raise GateFailed(
            f"none of {len(table.reasons):,} responses is good: {dict(reasons.most_common(5))}",
            hint="look at the teacher stage's rejects",
        )
    duplicates = dedup.find_duplicates(table, threshold, pause)
    kept = np.flatnonzero(duplicates.verdict == dedup.KEEP)
    units = make_units(table.numbers["user"][kept], duplicates.cluster[kept])
    strata = [table.categories[name][kept] for name in STRATA]
    split = assign(units, strata, [splits.train, splits.val, splits.test], seed)
    return Outcome(table, duplicates, kept, split)
