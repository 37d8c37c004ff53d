"""Comparing estimates by their confidence intervals. Pure."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from fitsense.models.evaluation import Estimate, Metric


def wilson(value: float, n: int, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927): never of no width, however the records fell."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre, scale = (value + z * z / (2 * n)), 1 + z * z / n
    half = z * sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def trusted(metric: Metric, level: float) -> Estimate:
    """A share's interval, at least as wide as Wilson's.

    A bootstrap of ten successes out of ten says 1.0 to 1.0; that is what its records say, not what the
    next ones will.
    """
    if metric.kind != "share" or metric.n == 0:
        return Estimate(value=metric.value, low=metric.low, high=metric.high, n=metric.n)
    low, high = wilson(metric.value, metric.n, level)
    low, high = min(metric.low, low, metric.value), max(metric.high, high, metric.value)
    return Estimate(value=metric.value, low=low, high=high, n=metric.n)


def difference(left: Estimate, right: Estimate) -> Estimate:
    """``left`` minus ``right`` of independent samples, from their intervals alone.

    Zou and Donner 2008 (MOVER); for shares with Wilson's intervals it is Newcombe 1998, method 10. On
    paired samples with positive correlation it is too wide, never too narrow.
    """
    value = left.value - right.value
    below = sqrt((left.value - left.low) ** 2 + (right.high - right.value) ** 2)
    above = sqrt((left.high - left.value) ** 2 + (right.value - right.low) ** 2)
    return Estimate(value=value, low=value - below, high=value + above, n=min(left.n, right.n))


def upward(estimate: Estimate, metric: Metric) -> Estimate:
    """Turned so that more is better."""
    return estimate if metric.better == "higher" else negated(estimate)


def negated(estimate: Estimate) -> Estimate:
    return Estimate(value=-estimate.value, low=-estimate.high, high=-estimate.low, n=estimate.n)
