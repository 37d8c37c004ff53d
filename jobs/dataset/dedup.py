"""Duplicates: which rows go, and which of the rows that stay belong to one cluster.

- A row whose three normalised texts equal those of a row with a smaller id goes (``exact_duplicate``).
- A row whose instruction and whose answer both reach the similarity to those of a kept row with a smaller
  id goes (``near_duplicate``), whoever asked: two people with one question and one answer teach it once.
- Rows whose instruction and answer taken together reach the similarity, though one of the two alone does
  not, all stay, and form a cluster. A cluster is named by its first row and never leaves its split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.dataset.lsh import Floats, NearPairs, Pairs, Similar, Sketches
from jobs.dataset.shingles import I64, U32
from jobs.dataset.table import Table
from jobs.dataset.unions import Components

KEEP, DUPLICATE_ID, EXACT, NEAR = range(4)
REASONS = ("", "duplicate_id", "exact_duplicate", "near_duplicate")


@dataclass(frozen=True)
class Duplicates:
    """A verdict a row: what becomes of it, of which row it is a duplicate, how similar, its cluster.

    ``original`` and ``cluster`` are rows of the table; ``cluster`` is the row itself when it is alone.
    """

    verdict: npt.NDArray[np.uint8]
    original: I64
    similarity: npt.NDArray[np.float64]
    cluster: I64
    candidates: int
    pairs: int
    capped: int

    def facts(self, kept: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """Counts for the card; ``kept`` marks the rows that stay."""
        _, sizes = np.unique(self.cluster[kept], return_counts=True)
        return {
            "exact_duplicates": int(np.count_nonzero(self.verdict == EXACT)),
            "near_duplicates": int(np.count_nonzero(self.verdict == NEAR)),
            "candidate_pairs": self.candidates,
            "similar_pairs": self.pairs,
            "clusters_of_two_or_more": int(np.count_nonzero(sizes > 1)),
            "records_in_them": int(sizes[sizes > 1].sum()),
            "largest_cluster": int(sizes.max(initial=0)),
            "buckets_not_fully_compared": self.capped,
        }


class _Verdicts:
    """The arrays of Duplicates while they are made."""

    def __init__(self, rows: int) -> None:
        self.verdict = np.zeros(rows, np.uint8)
        self.original = np.arange(rows, dtype=np.int64)
        self.similarity = np.zeros(rows, np.float64)

    def remove(
        self, rows: I64, originals: I64, verdict: int, similarity: npt.NDArray[np.float64] | float
    ) -> None:
        self.verdict[rows] = verdict
        self.original[rows] = originals
        self.similarity[rows] = similarity

    def kept(self, order: I64) -> I64:
        found: I64 = order[self.verdict[order] == KEEP]
        return found


def find_duplicates(table: Table, threshold: float, pause: Callable[[], None]) -> Duplicates:
    """Judge every row of the table; deterministic, and independent of how the input was cut into files.

    ``pause`` is called every second or so, and may raise to stop the search.
    """
    ids, exact = table.numbers["id"], table.numbers["exact"]
    verdicts = _Verdicts(len(table))
    order = np.argsort(ids, kind="stable").astype(np.int64)
    _remove_repeats(verdicts, order, [ids], DUPLICATE_ID)
    _remove_repeats(verdicts, verdicts.kept(order), [exact[:, 0], exact[:, 1]], EXACT)
    sets = [table.numbers["shingle_set"], table.numbers["shingle_count"]]
    _remove_repeats(verdicts, verdicts.kept(order), sets, NEAR)
    rows = verdicts.kept(order)
    finder = _finder(table, rows, threshold, pause)
    joined, same, found = Components(len(rows)), [], 0
    for similar in finder.find():
        joined.join(similar.pairs)
        same.append(_same_in_both(similar, threshold))
        found += len(similar.pairs)
    _remove_near(verdicts, rows, same)
    cluster = np.arange(len(table), dtype=np.int64)
    cluster[rows] = rows[joined.names()]
    return Duplicates(
        verdict=verdicts.verdict,
        original=verdicts.original,
        similarity=verdicts.similarity,
        cluster=_named_by_kept(cluster, rows, verdicts),
        candidates=finder.candidates,
        pairs=found,
        capped=finder.capped,
    )


def _remove_repeats(verdicts: _Verdicts, rows: I64, keys: list[npt.NDArray[Any]], verdict: int) -> None:
    """Of ``rows``, those whose keys all equal an earlier row's go."""
    if not len(rows):
        return
    columns = [key[rows] for key in keys]
    grouped = np.lexsort(columns)  # stable: within a group the order of ``rows`` stays
    new = np.zeros(len(rows), bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[grouped][1:] != column[grouped][:-1]
    first = grouped[np.flatnonzero(new)][np.cumsum(new) - 1]
    repeats = ~new
    verdicts.remove(rows[grouped[repeats]], rows[first[repeats]], verdict, 1.0)


def _finder(table: Table, rows: I64, threshold: float, pause: Callable[[], None]) -> NearPairs:
    hashes, counts = table.shingle_file(), table.numbers["shingle_count"].astype(np.int64)

    def sets(wanted: I64) -> tuple[U32, I64]:
        return gather(hashes, table.starts[rows[wanted]], counts[rows[wanted]])

    sketches = Sketches(table.numbers["bands"][rows], table.numbers["parities"][rows], counts[rows])
    return NearPairs(sketches, sets, threshold, pause)


def gather(hashes: U32, starts: I64, counts: I64) -> tuple[U32, I64]:
    """The slices ``hashes[start:start + count]`` joined, and their offsets in the join."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    where = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
    return hashes[where], offsets


def _same_in_both(similar: Similar, threshold: float) -> tuple[Pairs, Floats]:
    """Pairs that are near in the instruction and in the response, each by itself."""
    same = (similar.instruction >= threshold) & (similar.response >= threshold)
    return similar.pairs[same], similar.both[same]


def _remove_near(verdicts: _Verdicts, rows: I64, same: list[tuple[Pairs, Floats]]) -> None:
    """In order of ids: a row goes when both of its texts are near those of a row that stayed."""
    if not same:
        return
    pairs, similarity = np.concatenate([p for p, _ in same]), np.concatenate([s for _, s in same])
    # By the later row, then by the earlier one: when a row's turn comes, the fate of those before is known.
    gone = np.zeros(len(rows), bool)
    for k in np.lexsort((pairs[:, 0], pairs[:, 1])):
        left, right = pairs[k]
        if not (gone[left] or gone[right]):
            gone[right] = True
            verdicts.remove(rows[[right]], rows[[left]], NEAR, similarity[k])


def _named_by_kept(cluster: I64, rows: I64, verdicts: _Verdicts) -> I64:
    """A cluster's first row may be gone; its name becomes the first row that stayed."""
    kept = verdicts.kept(rows)
    names = np.full(len(cluster), len(cluster), np.int64)
    rank = np.zeros(len(cluster), np.int64)
    rank[rows] = np.arange(len(rows))
    np.minimum.at(names, cluster[kept], rank[kept])
    found = cluster.copy()
    found[kept] = rows[names[cluster[kept]]]
    return found
