"""Which held-out records are asked: by seed, in the proportions of the whole. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A record as far as choosing needs it."""

    id: str
    stratum: tuple[str, ...]
    slices: Mapping[str, str]


@dataclass(frozen=True)
class Chosen:
    """``main`` stand for the whole test split; ``extra`` fill slices that are small among them."""

    main: frozenset[str]
    extra: frozenset[str]


def choose(records: Iterable[Candidate], count: int, per_slice: int, seed: int) -> Chosen:
    """At most ``count`` records, strata in proportion, and up to ``per_slice`` of each slice's value."""
    ordered = sorted(records, key=lambda record: lot(record.id, seed))
    main = _stratified(ordered, count)
    extra = _filled(ordered, main, per_slice)
    return Chosen(frozenset(main), frozenset(extra))


def lot(record: str, seed: int) -> bytes:
    """Decides the order; that of a record does not depend on which others there are."""
    return hashlib.sha256(f"{seed}/{record}".encode()).digest()


def _stratified(ordered: Sequence[Candidate], count: int) -> set[str]:
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for record in ordered:
        strata[record.stratum].append(record.id)
    quotas = apportion({name: len(ids) for name, ids in sorted(strata.items())}, count)
    return {record for name, ids in strata.items() for record in ids[: quotas[name]]}


def apportion(sizes: Mapping[tuple[str, ...], int], count: int) -> dict[tuple[str, ...], int]:
    """``count`` seats by largest remainder; never more of a stratum than it has."""
    total = sum(sizes.values())
    if count >= total:
        return dict(sizes)
    exact = {name: size * count / total for name, size in sizes.items()}
    seats = {name: int(share) for name, share in exact.items()}
    by_rest = sorted(exact, key=lambda name: (seats[name] - exact[name], name))
    for name in by_rest[: count - sum(seats.values())]:
        seats[name] += 1
    return seats


def _filled(ordered: Sequence[Candidate], main: set[str], per_slice: int) -> set[str]:
    """Records that are taken so that no slice has fewer than ``per_slice``, if there are so many."""
    have: dict[tuple[str, str], int] = defaultdict(int)
    for record in ordered:
        for place in record.slices.items() if record.id in main else ():
            have[place] += 1
    extra: set[str] = set()
    for record in ordered:
        if record.id not in main and any(have[place] < per_slice for place in record.slices.items()):
            extra.add(record.id)
            for place in record.slices.items():
                have[place] += 1
    return extra


def spread(ids: Sequence[str], count: int, seed: int) -> frozenset[str]:
    """``count`` of ``ids`` by lot."""
    return frozenset(sorted(ids, key=lambda one: lot(one, seed))[:count])
