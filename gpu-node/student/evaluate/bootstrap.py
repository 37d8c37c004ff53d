"""Percentile bootstrap over people, whose prompts are not independent (cluster bootstrap). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fitsense.models.evaluation import Estimate, Metric

Floats = npt.NDArray[np.float64]
_DIGITS = 6
_AT_ONCE = 1 << 21
"""Resampled counts that are held at once."""


@dataclass(frozen=True)
class Bootstrap:
    """The same ``seed``, values and ``key`` give the same interval, whatever else is measured."""

    seed: int
    level: float
    resamples: int

    def estimate(self, values: Sequence[float], clusters: Sequence[Hashable], key: str) -> Estimate:
        """The mean with its interval. Raises ValueError for no values."""
        if not values:
            raise ValueError(f"{key}: nothing to estimate")
        data = np.asarray(values, dtype=np.float64)
        means = self.means(data, clusters, key)
        return _estimate(float(data.mean()), means, self.level, len(values))

    def metric(self, values: Sequence[float], clusters: Sequence[Hashable], key: str, **form: Any) -> Metric:
        """As ``estimate``; ``form`` is the metric's ``better`` and ``kind``."""
        return Metric(**self.estimate(values, clusters, key).model_dump(), **form)

    def means(self, data: Floats, clusters: Sequence[Hashable], key: str) -> Floats:
        """The means of all resamples, sorted as drawn."""
        place = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
        index = np.fromiter((place[name] for name in clusters), dtype=np.int64, count=len(data))
        sums, sizes = np.bincount(index, data), np.bincount(index).astype(np.float64)
        weights = self.weights(len(place), key)
        found: Floats = (weights @ sums) / (weights @ sizes)
        return found

    def weights(self, clusters: int, key: str) -> Floats:
        """How often each cluster is drawn, a row a resample."""
        rng = np.random.default_rng(_seed(self.seed, key))
        rows = [
            rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=size).astype(np.float64)
            for size in _chunks(self.resamples, max(1, _AT_ONCE // clusters))
        ]
        return np.concatenate(rows)

    def around(self, value: float, samples: Floats, n: int) -> Estimate:
        """An interval out of resampled statistics that are no means."""
        return _estimate(value, samples, self.level, n)


def _chunks(total: int, most: int) -> list[int]:
    return [min(most, total - at) for at in range(0, total, most)]


def _seed(seed: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8], "big")


def _estimate(value: float, samples: Floats, level: float, n: int) -> Estimate:
    """The value lies in its interval by definition; six digits, which no order of sums can change."""
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    value = round(value, _DIGITS)
    low, high = min(round(float(low), _DIGITS), value), max(round(float(high), _DIGITS), value)
    return Estimate(value=value, low=low, high=high, n=n)
