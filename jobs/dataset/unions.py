"""Disjoint sets over the integers below ``n``."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from jobs.dataset.shingles import I64


class Components:
    """Connected components, joined pair by pair; the order of the pairs changes nothing."""

    def __init__(self, n: int) -> None:
        self._parent: I64 = np.arange(n, dtype=np.int64)

    def join(self, pairs: npt.NDArray[np.int64]) -> None:
        """``pairs``: (n, 2)."""
        # Most pairs of a dense component join what is joined: those share a parent and are passed over.
        parents = self._parent[pairs]
        for left, right in pairs[parents[:, 0] != parents[:, 1]].tolist():
            a, b = self._root(left), self._root(right)
            # The smaller root wins: a component is named by its first member.
            self._parent[max(a, b)] = min(a, b)

    def _root(self, member: int) -> int:
        parent = self._parent
        while (above := int(parent[member])) != member:
            parent[member] = parent[above]
            member = int(parent[member])
        return member

    def names(self) -> I64:
        """The smallest member of each integer's component."""
        names = self._parent.copy()
        while not np.array_equal(names[names], names):
            names = names[names]
        return names


def components(n: int, pairs: npt.NDArray[np.int64] | Iterable[tuple[int, int]]) -> I64:
    """The smallest member of each integer's connected component."""
    found = Components(n)
    found.join(np.array(pairs if isinstance(pairs, np.ndarray) else list(pairs), np.int64).reshape(-1, 2))
    return found.names()
