"""Distributions, lengths, population stability: pure functions of frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fitsense.reporting.checks import share

SPLITS = ("train", "val", "test")
LENGTHS = ("prompt_chars", "context_chars", "response_chars")
NUMERIC = (*LENGTHS, "plan_sets", "plan_days")
CHARACTERS_PER_TOKEN = {"en": 4.0, "es": 4.0, "hi": 2.0}
"""Rough: tokenizers of today cut English into about four characters, Devanagari into about two."""
PSI_FLOOR = 1e-4
"""Shares below this count as this: an empty cell would make the index infinite."""
Shares = dict[str, float]


def plans_alone(index: pl.DataFrame) -> pl.DataFrame:
    """The index with days and sets of plans null where a record has no plan."""
    return index.with_columns(pl.when("has_plan").then(c).alias(c) for c in ("plan_sets", "plan_days"))


def shares(frame: pl.DataFrame, column: str) -> Shares:
    """Value → share of rows, most frequent first."""
    counted = frame.group_by(column).len().sort(["len", column], descending=[True, False])
    return {str(value): share(rows, frame.height) for value, rows in counted.iter_rows()}


def counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    """Value → rows, by value."""
    return {str(value): rows for value, rows in frame.group_by(column).len().sort(column).iter_rows()}


def psi(actual: Shares, expected: Shares) -> float:
    """Population stability index: Σ (a - e) ln(a / e) over all cells."""
    cells = sorted({*actual, *expected})
    a = np.maximum([actual.get(cell, 0.0) for cell in cells], PSI_FLOOR)
    e = np.maximum([expected.get(cell, 0.0) for cell in cells], PSI_FLOOR)
    return float(np.sum((a - e) * np.log(a / e)))


def numeric_psi(actual: pl.Series, expected: pl.Series) -> float:
    """As ``psi``, over tenths of ``expected``; nulls are a cell of their own."""
    known = expected.drop_nulls().to_numpy()
    cuts = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else np.empty(0)
    return psi(_cells(actual, cuts), _cells(expected, cuts))


def _cells(values: pl.Series, cuts: Any) -> Shares:
    places = np.searchsorted(cuts, values.drop_nulls().to_numpy(), side="right")
    found = {
        str(place): share(int(rows), len(values)) for place, rows in enumerate(np.bincount(places)) if rows
    }
    return {**found, "none": share(values.null_count(), len(values))}


def lengths(index: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Split → column → mean, median, p95, max in characters, and mean and sum in estimated tokens."""
    per_token = pl.col("language").replace_strict(CHARACTERS_PER_TOKEN, default=4.0)
    frames = {split: index.filter(pl.col("split") == split) for split in SPLITS}
    return {
        split: {column: _length(frame, column, per_token) for column in LENGTHS}
        for split, frame in frames.items()
        if frame.height
    }


def _length(frame: pl.DataFrame, column: str, per_token: pl.Expr) -> dict[str, float]:
    size, tokens = pl.col(column), pl.col(column) / per_token
    return frame.select(
        mean=size.mean(),
        median=size.median(),
        p95=size.quantile(0.95, "nearest").cast(pl.Float64),
        max=size.max().cast(pl.Float64),
        tokens_mean=tokens.mean(),
        tokens=tokens.sum().round(),
    ).row(0, named=True)
