"""Pairs of near-duplicates: candidates by banded MinHash, their true similarity by their sets.

Banding: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4. The index is a sort of
each band's hashes: it costs 8 bytes a row and band where hash tables of the same rows cost ten times that.
Candidates pass a bitmap filter first (Sandes, Teodoro, Melo 2020, https://arxiv.org/abs/1711.07295): the
parities of two sets differ in no more bits than the sets differ in members, which bounds their similarity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from fitsense.errors import GateFailed
from jobs.dataset.shingles import I64, PERMUTATIONS, RESPONSE_BIT, U32, U64

RECALL = 0.9995
"""Least chance that a pair exactly at the threshold becomes a candidate."""
SMALL_BUCKET = 32
LARGE_BUCKET = 2048
MAX_LEADERS = 512
MAX_CANDIDATES = 100_000_000
"""More pairs than this take hours to verify, and no honest dataset has them."""
_FILTERED_AT_ONCE = 1 << 16
_VERIFIED_AT_ONCE = 1 << 12

Pairs = npt.NDArray[np.int64]
"""Shape (n, 2): rows, the smaller first."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Similar:
    """Verified pairs with their Jaccard similarities: over both texts, and of each alone."""

    pairs: Pairs
    both: Floats
    instruction: Floats
    response: Floats


@dataclass(frozen=True)
class Sketches:
    """What candidates are found by, a row each; rows are in order of their ids."""

    bands: U64
    parities: U64
    sizes: I64


def band_rows(threshold: float) -> int:
    """Permutations in a band: as many as RECALL allows, for the fewest useless candidates."""

    def recall(rows: int) -> float:
        return 1 - (1 - float(threshold) ** rows) ** (PERMUTATIONS // rows)

    return max((rows for rows in range(1, 33) if recall(rows) >= RECALL), default=1)


class NearPairs:
    """Finds the pairs of rows whose shingle sets have a Jaccard similarity of ``threshold`` or more.

    ``sets`` gives the sets of rows; ``pause`` is called between blocks of work, and may raise. A bucket of
    more than LARGE_BUCKET rows is cut smaller by a second band; where that does not help, each row is
    compared to the first row of its group alone, of at most MAX_LEADERS groups: ``capped`` counts such
    buckets. All other buckets give every pair.
    """

    def __init__(
        self,
        sketches: Sketches,
        sets: Callable[[I64], tuple[U32, I64]],
        threshold: float,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._bands = sketches.bands
        self._parities = sketches.parities
        self._sizes = sketches.sizes
        self._sets = sets
        self._threshold = threshold
        self._pause = pause
        self.candidates = 0
        self.capped = 0

    def find(self) -> Iterator[Similar]:
        """Chunks of similar pairs; a pair comes once, those of capped buckets perhaps more often."""
        everyone = np.arange(len(self._bands), dtype=np.int64)
        for band in range(self._bands.shape[1]):
            self._pause()
            yield from self._in_band(everyone, band, range(band), refine=True)

    def _in_band(self, rows: I64, band: int, earlier: Iterable[int], *, refine: bool) -> Iterator[Similar]:
        """Pairs that agree in ``band`` and in none of the ``earlier`` ones, which have shown them before."""
        hashes = self._bands[rows, band]
        # Stable: within a bucket, rows stay in order of their ids.
        order = np.argsort(hashes, kind="stable")
        rows, hashes = rows[order], hashes[order]
        earlier = list(earlier)
        edges = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1], [True]]))
        sizes = np.diff(edges)
        buckets = [rows[edges[k] : edges[k + 1]] for k in np.flatnonzero(sizes > SMALL_BUCKET)]
        small = _small_buckets(rows, hashes, np.repeat(sizes, sizes))
        middle = (pairs for bucket in buckets if len(bucket) <= LARGE_BUCKET for pairs in _all_pairs(bucket))
        yield from self._verified(self._filtered(chain(small, middle), earlier))
        for bucket in buckets:
            if len(bucket) > LARGE_BUCKET and refine:
                for other in range(band + 1, self._bands.shape[1]):
                    before = chain(earlier, range(band + 1, other))
                    yield from self._in_band(bucket, other, before, refine=False)
            elif len(bucket) > LARGE_BUCKET:
                yield from self._by_leaders(bucket)

    def _by_leaders(self, bucket: I64) -> Iterator[Similar]:
        self.capped += 1
        for _ in range(MAX_LEADERS):
            leader, bucket = bucket[0], bucket[1:]
            pairs = np.stack([np.full(len(bucket), leader), bucket], axis=1)
            for similar in self._verified(self._filtered([pairs], [])):
                bucket = bucket[~np.isin(bucket, similar.pairs[:, 1])]
                yield similar
            if not len(bucket):
                return

    def _filtered(self, chunks: Iterable[Pairs], earlier: list[int]) -> Iterator[Pairs]:
        """Pairs that may reach the threshold, and that no earlier band has shown."""
        most = (1 - self._threshold) / (1 + self._threshold)
        for pairs in _regrouped(chunks, _FILTERED_AT_ONCE):
            self._pause()
            left, right = pairs.T
            # Sets of ``size`` members in all and similarity J differ in size * (1 - J) / (1 + J) of them.
            size = self._sizes[left] + self._sizes[right]
            unlike = np.bitwise_count(self._parities[left] ^ self._parities[right]).sum(
                axis=1, dtype=np.int64
            )
            promising = pairs[unlike <= size * most + 1e-9]
            for band in earlier:
                hashes = self._bands[promising, band]
                promising = promising[hashes[:, 0] != hashes[:, 1]]
            yield promising

    def _verified(self, chunks: Iterable[Pairs]) -> Iterator[Similar]:
        for pairs in _regrouped(chunks, _VERIFIED_AT_ONCE):
            yield from self._verify(pairs)

    def _verify(self, pairs: Pairs) -> Iterator[Similar]:
        self.candidates += len(pairs)
        if self.candidates > MAX_CANDIDATES:
            raise GateFailed(
                f"more than {MAX_CANDIDATES:,} pairs of records look alike: the answers hardly differ",
                hint="the teacher says nearly the same to everybody; make its answers depend on the context, "
                "or raise dataset.near_duplicate_similarity",
            )
        for at in range(0, len(pairs), _VERIFIED_AT_ONCE):
            self._pause()
            chunk = pairs[at : at + _VERIFIED_AT_ONCE]
            similarity = jaccard(self._sets(chunk[:, 0]), self._sets(chunk[:, 1]))
            keep = similarity[:, 0] >= self._threshold
            yield Similar(chunk[keep], *similarity[keep].T)


def _small_buckets(rows: I64, hashes: U64, size: I64) -> Iterator[Pairs]:
    """All pairs of buckets up to SMALL_BUCKET, for all buckets at once: neighbours at each distance."""
    small = (size > 1) & (size <= SMALL_BUCKET)
    rows, hashes = rows[small], hashes[small]
    for distance in range(1, SMALL_BUCKET):
        same = np.flatnonzero(hashes[distance:] == hashes[:-distance])
        if not len(same):
            return
        yield np.stack([rows[same], rows[same + distance]], axis=1)


def _regrouped(chunks: Iterable[Pairs], size: int) -> Iterator[Pairs]:
    """The same pairs in chunks of at least ``size``, the last one aside: small ones are slow to work on."""
    waiting: list[Pairs] = []
    count = 0
    for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        if count >= size:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def _all_pairs(bucket: I64) -> Iterator[Pairs]:
    for k in range(len(bucket) - 1):
        yield np.stack([np.full(len(bucket) - k - 1, bucket[k]), bucket[k + 1 :]], axis=1)


def jaccard(left: tuple[U32, I64], right: tuple[U32, I64]) -> Floats:
    """Similarities of ``n`` pairs of sets, (n, 3): over both texts, instruction alone, response alone.

    A side is (hashes of all its sets joined, offsets of ``n + 1``). Two empty texts are equal.
    """
    sides = [_keys(*left), _keys(*right)]
    merged = np.sort(np.concatenate(sides), kind="stable")
    shared = merged[1:][merged[1:] == merged[:-1]]
    count = len(left[1]) - 1
    found = np.zeros((count, 3))
    for column, bit in ((1, 0), (2, 1)):
        common = _per_pair(shared, bit, count)
        union = _per_pair(sides[0], bit, count) + _per_pair(sides[1], bit, count) - common
        found[:, column] = np.where(union > 0, common / np.maximum(union, 1), 1.0)
        found[:, 0] += common
    total = np.diff(left[1]) + np.diff(right[1]) - found[:, 0]
    found[:, 0] = np.where(total > 0, found[:, 0] / np.maximum(total, 1), 1.0)
    return found


def _keys(hashes: U32, offsets: I64) -> U64:
    pair = np.repeat(np.arange(len(offsets) - 1, dtype=np.uint64), np.diff(offsets))
    return pair << np.uint64(32) | hashes


def _per_pair(keys: U64, bit: int, count: int) -> I64:
    of_text = keys[(keys & np.uint64(RESPONSE_BIT) != 0) == bool(bit)]
    return np.bincount((of_text >> np.uint64(32)).astype(np.int64), minlength=count)
