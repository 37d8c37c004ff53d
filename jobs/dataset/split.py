"""Train, validation and test: whole people and whole clusters, in like proportions everywhere.

A unit is a connected component over people and near-duplicate clusters. Units are dealt out greedily, large
ones first, each to the split that lacks most of what the unit holds; after the idea of iterative
stratification (Sechidis et al. 2011, https://doi.org/10.1007/978-3-642-23808-6_10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fitsense.errors import GateFailed
from jobs.dataset.shingles import I64
from jobs.dataset.unions import components

SPLITS = ("train", "val", "test")
STRATA = ("type", "language", "age_band", "sex", "goal", "activity", "experience", "condition", "action")
"""Columns whose values are spread over the splits by the wanted shares."""
Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Units:
    """``of_row``: the unit of each row, 0 to ``len(rows) - 1``; rows and people in each unit."""

    of_row: I64
    rows: I64
    users: I64


def make_units(users: Integers, clusters: Integers) -> Units:
    """Join what must not be parted: rows of one user, and rows of one cluster."""
    names, user = np.unique(users, return_inverse=True)
    links = _links(user.astype(np.int64), clusters)
    component = components(len(names), links)
    _, unit_of_user = np.unique(component, return_inverse=True)
    of_row = unit_of_user[user].astype(np.int64)
    return Units(of_row, np.bincount(of_row), np.bincount(unit_of_user))


def _links(user: I64, clusters: Integers) -> I64:
    """Pairs of users that a cluster joins: each row of a cluster with the cluster's next row."""
    order = np.argsort(clusters, kind="stable")
    same = clusters[order][1:] == clusters[order][:-1]
    pairs = np.stack([user[order][:-1][same], user[order][1:][same]], axis=1)
    found: I64 = np.unique(pairs[pairs[:, 0] != pairs[:, 1]].reshape(-1, 2), axis=0)
    return found


def assign(
    units: Units, strata: Sequence[Integers], shares: Sequence[float], seed: int
) -> npt.NDArray[np.uint8]:
    """The split of each row, an index of SPLITS. ``strata``: columns of small codes, one value a row.

    Raises GateFailed when one component is larger than the training split, or a wanted split stays empty.
    """
    _check_components(units, shares)
    offsets, features, counts = _features(units, strata)
    dealer = _Dealer(np.bincount(features, counts).tolist(), shares)
    limits = [share * len(units.of_row) for share in shares]
    split = [0] * len(units.rows)
    for unit in _order(units, seed):
        own = slice(offsets[unit], offsets[unit + 1])
        # A component of several people that a small split cannot hold goes to train.
        fits = [units.users[unit] == 1 or units.rows[unit] <= limit for limit in limits]
        allowed = [s for s, share in enumerate(shares) if share > 0 and fits[s]] or [0]
        split[unit] = dealer.deal(features[own].tolist(), counts[own].tolist(), allowed)
    of_row = np.array(split, np.uint8)[units.of_row]
    _check_filled(of_row, shares, units)
    return of_row


class _Dealer:
    """How much of each feature each split still lacks, as a share of what it should get."""

    def __init__(self, totals: list[float], shares: Sequence[float]) -> None:
        self._lack = [[1.0] * len(totals) for _ in shares]
        self._step = [[1 / (share * t) if share * t else 0.0 for t in totals] for share in shares]

    def deal(self, features: list[int], counts: list[int], allowed: list[int]) -> int:
        """The allowed split that lacks these features most; the first of equals."""
        best, most = allowed[0], float("-inf")
        for split in allowed:
            lack = self._lack[split]
            score = sum([n * lack[f] for f, n in zip(features, counts, strict=True)])
            if score > most:
                best, most = split, score
        lack, step = self._lack[best], self._step[best]
        for feature, n in zip(features, counts, strict=True):
            lack[feature] -= n * step[feature]
        return best


def _features(units: Units, strata: Sequence[Integers]) -> tuple[list[int], I64, I64]:
    """Rows per unit and feature, sparse: of unit ``u``, entries ``offsets[u]:offsets[u + 1]``.

    Feature 0 is the row itself; each value of each stratum is one more.
    """
    columns, base = [np.zeros(len(units.of_row), np.int64)], 1
    for stratum in strata:
        columns.append(stratum.astype(np.int64) + base)
        base += int(stratum.max(initial=0)) + 1
    keys = np.concatenate([units.of_row * base + column for column in columns])
    found, counts = np.unique(keys, return_counts=True)
    offsets = np.searchsorted(found, np.arange(len(units.rows) + 1) * base)
    return offsets.tolist(), found % base, counts.astype(np.int64)


def _order(units: Units, seed: int) -> list[int]:
    """Large units first, equals shuffled: small ones then even out what the large ones left."""
    shuffled = np.random.default_rng(seed).permutation(len(units.rows))
    order: list[int] = shuffled[np.argsort(-units.rows[shuffled], kind="stable")].tolist()
    return order


def _check_components(units: Units, shares: Sequence[float]) -> None:
    largest = int(units.rows.argmax())
    rows, total = int(units.rows[largest]), len(units.of_row)
    if units.users[largest] > 1 and rows > shares[0] * total and min(shares) < 1:
        raise GateFailed(
            f"near-duplicates join {rows:,} of {total:,} records ({int(units.users[largest]):,} people) into "
            f"one component, more than the training share of {shares[0]:.0%}: no split can be without leaks",
            hint="the teacher says nearly the same to everybody, or dataset.near_duplicate_similarity is low",
        )


def _check_filled(split: npt.NDArray[np.uint8], shares: Sequence[float], units: Units) -> None:
    sizes = np.bincount(split, minlength=len(shares))
    empty = [name for name, size, share in zip(SPLITS, sizes, shares, strict=True) if share > 0 and not size]
    if empty:
        raise GateFailed(
            f"nothing is left for {' and '.join(empty)}: {len(split):,} records of {units.users.sum():,} "
            f"people form {len(units.rows):,} units, the largest of {units.rows.max():,} records",
            hint="more people, a higher dataset.near_duplicate_similarity, or more varied answers",
        )
