"""What becomes of every line of the input: the split that gets it, or why none does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fitsense.config import Splits
from fitsense.errors import GateFailed
from jobs.dataset import dedup
from jobs.dataset.dedup import Duplicates
from jobs.dataset.read import id_text
from jobs.dataset.shingles import I64
from jobs.dataset.split import SPLITS, STRATA, assign, make_units
from jobs.dataset.table import Table

REJECTED = len(SPLITS)
"""Target of a line that no split gets."""
TARGETS = (*SPLITS, "rejected")


class Note(NamedTuple):
    """What pass two must know of a line: ``target`` is an index of TARGETS.

    ``related`` is the cluster's name for a kept line, and the id that a duplicate repeats.
    """

    target: int
    related: str
    reason: str
    similarity: float


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
        row, ids = 0, self.table.numbers["id"]
        targets = self.targets().tolist()
        for target, code in zip(targets, self.table.reasons.tolist(), strict=True):
            if code:
                yield Note(REJECTED, "", self.table.reason_labels.values[code], 0.0)
                continue
            related = self.duplicates.cluster if target != REJECTED else self.duplicates.original
            reason = dedup.REASONS[self.duplicates.verdict[row]]
            similarity = float(self.duplicates.similarity[row])
            yield Note(target, id_text(int(ids[related[row]])), reason, similarity)
            row += 1

    def rejected(self) -> dict[str, int]:
        """Rejected lines by reason."""
        labels, reasons = self.table.reason_labels.values, self.table.reasons
        counts = Counter({labels[k]: int(n) for k, n in enumerate(np.bincount(reasons)) if k and n})
        for verdict, reason in enumerate(dedup.REASONS):
            if verdict != dedup.KEEP:
                counts[reason] += int(np.count_nonzero(self.duplicates.verdict == verdict))
        return {reason: count for reason, count in sorted(counts.items()) if count}


def decide(table: Table, threshold: float, splits: Splits, seed: int) -> Outcome:
    """Remove duplicates and split the rest. Raises GateFailed when no row is good or no split is possible."""
    if not len(table):
        reasons = Counter(table.reason_labels.values[code] for code in table.reasons.tolist())
        raise GateFailed(
            f"none of {len(table.reasons):,} responses is good: {dict(reasons.most_common(5))}",
            hint="look at the teacher stage's rejects",
        )
    duplicates = dedup.find_duplicates(table, threshold)
    kept = np.flatnonzero(duplicates.verdict == dedup.KEEP)
    units = make_units(table.numbers["user"][kept], duplicates.cluster[kept])
    strata = [table.categories[name][kept] for name in STRATA]
    split = assign(units, strata, [splits.train, splits.val, splits.test], seed)
    return Outcome(table, duplicates, kept, split)
