"""Exact shares without chance: the global index of a prompt decides its type and its flags.

An affine map of [0, total) onto itself spreads neighbours far apart; what rank an index gets decides what
it is. So the quotas of the whole run are exact to one, whatever part a prompt is made in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from math import gcd

_GOLDEN = 0.6180339887498949


@lru_cache(maxsize=64)
def _multiplier(total: int, salt: int) -> int:
    factor = max(1, int(total * ((_GOLDEN * salt) % 1)))
    while gcd(factor, total) != 1:
        factor += 1
    return factor


def rank(index: int, total: int, salt: int) -> int:
    """The place of ``index`` in an order that looks mixed; a bijection of [0, total) for each ``salt``."""
    return (_multiplier(total, salt) * index + salt * 7919) % total


def bounds(shares: Mapping[str, float], total: int) -> list[tuple[str, int]]:
    """(name, first rank beyond it), in the order of ``shares``; together they cover [0, total)."""
    edges = [round(edge * total) for edge in accumulate(shares.values())]
    return list(zip(shares, [*edges[:-1], total], strict=True))


def pick(edges: list[tuple[str, int]], place: int) -> str:
    """The name whose bounds hold ``place``."""
    return next(name for name, edge in edges if place < edge)
