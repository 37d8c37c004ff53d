"""Histograms with round edges, made before they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

BINS = 30
Histogram = dict[str, Any]
"""``edges``, one more than bins, and ``shares`` per bin for each series."""


def split_by(frame: pl.DataFrame, column: str, by: str, names: Sequence[str]) -> Histogram:
    """Bins of ``column`` with a series for each of the values ``names`` of ``by``."""
    return histogram({name: frame.filter(pl.col(by) == name)[column] for name in names})


def histogram(series: Mapping[str, pl.Series], keep: Iterable[float] = ()) -> Histogram:
    """Common bins up to the 99.5th percentile, wide enough to show ``keep``; the outermost hold the rest."""
    filled = {name: values.drop_nulls().cast(pl.Float64) for name, values in series.items()}
    values = pl.concat(list(filled.values())) if filled else pl.Series(dtype=pl.Float64)
    if not len(values):
        return {"edges": [0.0, 1.0], "shares": {}}
    data = values.to_numpy()
    low = float(np.quantile(data, 0.005, method="lower"))
    high = float(np.quantile(data, 0.995, method="higher"))
    whole = bool((values == values.round()).all())
    low, high = min([low, *keep]), max([high, *keep])
    edges = _whole_edges(low, high) if whole and high - low >= 2 else _edges(low, high, 1e-6)
    return {
        "edges": edges.tolist(),
        "shares": {name: _shares(v, edges) for name, v in filled.items() if len(v)},
    }


def _shares(values: pl.Series, edges: Any) -> list[float]:
    half = (edges[1] - edges[0]) / 2
    clipped = np.clip(values.to_numpy(), edges[0] + half / 2, edges[-1] - half)
    shares: list[float] = (np.histogram(clipped, edges)[0] / len(values)).tolist()
    return shares


def _whole_edges(low: float, high: float) -> Any:
    """Bins of counts hold whole numbers, and stand around them."""
    return _edges(low, high, 1.0) - 0.5


def _edges(low: float, high: float, least: float) -> Any:
    step = _step(max((high - low) / BINS, least))
    first, last = np.floor(low / step), np.floor(high / step) + 1
    return np.round(np.arange(first, last + 1) * step, 9)


def _step(raw: float) -> float:
    """The next of 1, 2, 5, 10 times a power of ten: bins with round edges."""
    power = 10.0 ** np.floor(np.log10(raw))
    return float(next(power * k for k in (1, 2, 5, 10) if power * k >= raw * (1 - 1e-9)))
