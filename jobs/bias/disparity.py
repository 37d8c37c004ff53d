"""A slice against the rest, with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from fitsense.reporting.checks import share

Z = 1.959964
"""Two-sided 95 %."""
RESAMPLES = 2_000
State = Literal["judged", "shown"]


@dataclass(frozen=True)
class Disparity:
    """``value`` of the slice, of the ``rest``, and their difference with its interval.

    Shares: percentage points. Means: relative to the rest. ``n`` are records (shares) or people (means).
    """

    dimension: str
    slice: str
    n: int
    value: float
    rest: float
    difference: float
    low: float
    high: float
    state: State

    @property
    def sure(self) -> float:
        """The least size of the difference that its interval allows; 0 when that holds zero."""
        return max(0.0, self.low, -self.high)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Score interval of a share (Wilson 1927); of nothing, all."""
    if n == 0:
        return 0.0, 1.0
    p, d = hits / n, 1 + Z**2 / n
    middle, half = (p + Z**2 / (2 * n)) / d, Z / d * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference_of_shares(hits: int, n: int, other_hits: int, other_n: int) -> tuple[float, float, float]:
    """Difference, low, high: Newcombe's hybrid of two Wilson intervals (1998, method 10)."""
    p, q = share(hits, n), share(other_hits, other_n)
    (p_low, p_high), (q_low, q_high) = wilson(hits, n), wilson(other_hits, other_n)
    low = p - q - math.hypot(p - p_low, q_high - q)
    return p - q, low, p - q + math.hypot(p_high - p, q - q_low)


def relative_means(
    n: int, mean: float, var: float, other_n: int, other: float, other_var: float
) -> tuple[float, float, float]:
    """mean / other - 1 with its interval by the delta method; no interval without two values each."""
    if other <= 0 or n == 0:
        return 0.0, 0.0, 0.0
    change = mean / other - 1
    if n < 2 or other_n < 2:
        return change, -math.inf, math.inf
    half = Z * math.sqrt(var / n / other**2 + mean**2 * other_var / other_n / other**4)
    return change, change - half, change + half


def shares_by_slice(frame: pl.DataFrame, dimension: str, hit: pl.Expr, min_slice: int) -> list[Disparity]:
    """Share of rows with ``hit``, each slice against all others; by slice value."""
    counted = frame.group_by(dimension).agg(pl.len().alias("n"), hit.sum().alias("hits")).sort(dimension)
    total, hits = frame.height, int(counted["hits"].sum() or 0)
    found = []
    for name, n, own in counted.iter_rows():
        rest = total - n
        told = difference_of_shares(own, n, hits - own, rest)
        state: State = "judged" if min(n, rest) >= min_slice else "shown"
        found.append(Disparity(dimension, str(name), n, share(own, n), share(hits - own, rest), *told, state))
    return found


def means_by_slice(frame: pl.DataFrame, dimension: str, column: str, min_slice: int) -> list[Disparity]:
    """Mean of ``column``, each slice against all others. A row is a person: answers of one are no sample."""
    people = frame.drop_nulls(column).group_by("user_id", dimension).agg(pl.col(column).mean().alias("x"))
    # Sums of floats depend on their order, and groups come in any: sorted, the last digit stays the same.
    people = people.sort("user_id", dimension)
    moments = [pl.len().alias("n"), pl.col("x").sum().alias("s"), (pl.col("x") ** 2).sum().alias("q")]
    counted = people.group_by(dimension, maintain_order=True).agg(moments).sort(dimension)
    whole = tuple(people.select(moments).row(0))
    return [
        _mean_disparity(dimension, str(name), own, whole, min_slice) for name, *own in counted.iter_rows()
    ]


def _mean_disparity(
    dimension: str, name: str, own: Sequence[float], whole: Sequence[float], min_slice: int
) -> Disparity:
    """``own`` and ``whole``: number, sum, sum of squares."""
    ours, rest = _moments(*own), _moments(*(w - o for w, o in zip(whole, own, strict=True)))
    told = relative_means(*ours, *rest)
    state: State = "judged" if min(ours[0], rest[0]) >= min_slice else "shown"
    return Disparity(dimension, name, ours[0], ours[1], rest[1], *told, state)


def _moments(n: float, total: float, squares: float) -> tuple[int, float, float]:
    """Number, mean, variance."""
    mean = total / n if n else 0.0
    return int(n), mean, max(0.0, (squares - n * mean**2) / (n - 1)) if n > 1 else 0.0


def bootstrap_mean(values: Sequence[float], seed: int) -> tuple[float, float, float]:
    """Mean with its percentile interval over seeded resamples (Efron 1979); of nothing, zeros."""
    if not values:
        return 0.0, 0.0, 0.0
    data = np.asarray(values)
    draws = np.random.default_rng([seed, len(data)]).integers(0, len(data), (RESAMPLES, len(data)))
    low, high = np.quantile(data[draws].mean(axis=1), [0.025, 0.975])
    return float(data.mean()), float(low), float(high)
