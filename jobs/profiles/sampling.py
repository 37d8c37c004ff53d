"""Draws with quotas: shares stay near their targets for any number of people.

Chance alone leaves rare slices empty: of 500 people, a share of 1.5 % has 7.5 ± 2.7. Here each part draws
by systematic sampling: people are put in a random order (within strata), probabilities are summed along
it, and each whole number crossed is a hit, so a part's count is the sum of its probabilities, rounded.
Where it is rounded up follows a golden-ratio sequence over the parts, so that roundings cancel between
parts too. A part stays a pure function of (seed, part).

Source: Madow (1949), systematic sampling; raking: Deming & Stephan (1940).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitsense.simulation.streams import generator, unit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

GOLDEN = (5**0.5 - 1) / 2
RAKING_ROUNDS = 30


class Draws:
    """The draws of one part: ``rng`` for what may vary freely, the methods for what has a quota."""

    def __init__(self, seed: int, part: int) -> None:
        self.seed = seed
        self.part = part
        self.rng = generator(seed, "profiles", part)

    def hits(self, name: str, p: Floats, strata: Ints | None = None) -> Bools:
        """True with probability ``p[i]``; in all, ``sum(p)`` rounded up or down. Strata share it alike."""
        shuffled = self.rng.random(len(p))
        order = np.argsort(shuffled) if strata is None else np.lexsort((shuffled, strata))
        start = (unit(self.seed, name) + self.part * GOLDEN) % 1
        steps = np.floor(start + np.concatenate([[0.0], np.cumsum(p[order])]))
        drawn = np.empty(len(p), bool)
        drawn[order] = np.diff(steps) > 0
        return drawn

    def category(
        self,
        name: str,
        targets: Floats,
        affinity: Floats | None = None,
        strata: Ints | None = None,
        size: int = 0,
    ) -> Ints:
        """Category codes with shares near ``targets`` (k).

        ``affinity`` (n, k) says who is how much likelier than others; 0 is never. Without it, all alike.
        """
        p = rake(np.ones((size, len(targets))) if affinity is None else affinity, targets)
        codes = np.full(len(p), len(targets) - 1)
        left = np.arange(len(p))
        for code in range(len(targets) - 1):
            rest = p[left, code:].sum(axis=1)
            chance = np.divide(p[left, code], rest, out=np.zeros(len(left)), where=rest > 0)
            hit = self.hits(f"{name}.{code}", chance, None if strata is None else strata[left])
            codes[left[hit]] = code
            left = left[~hit]
        return codes

    def choices(self, weights: Floats) -> Ints:
        """Category codes by chance alone; ``weights`` (n, k) need not sum to 1."""
        edges = np.cumsum(weights, axis=1)
        found: Ints = (self.rng.random(len(weights))[:, None] * edges[:, -1:] >= edges).sum(axis=1)
        return found

    def normal(self, size: int, sd: float = 1.0) -> Floats:
        return self.rng.standard_normal(size) * sd


def rake(affinity: Floats, targets: Floats) -> Floats:
    """Probabilities (n, k), rows summing to 1, column means as near ``targets`` as zeros allow."""
    p = affinity * targets
    for _ in range(RAKING_ROUNDS):
        means = p.mean(axis=0)
        p = p * np.divide(targets, means, out=np.zeros_like(targets), where=means > 0)
        rows = p.sum(axis=1, keepdims=True)
        p = np.divide(p, rows, out=np.full_like(p, 1 / len(targets)), where=rows > 0)
    return p


def scaled(affinity: Floats, share: float, most: float = 0.8) -> Floats:
    """Probabilities (n) proportional to ``affinity`` with mean ``share``, none above ``most``."""
    p = np.zeros_like(affinity)
    if affinity.any():
        p = affinity * (share * len(affinity) / affinity.sum())
    return np.minimum(p, most)
