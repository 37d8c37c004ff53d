"""All prompts that were asked, kept or not: the population that the dataset speaks for."""

from __future__ import annotations

import io
from collections.abc import Iterable

import polars as pl

DIMENSIONS = (
    "type",
    "language",
    "age_band",
    "sex",
    "goal",
    "activity",
    "experience",
    "condition",
    "equipment_kit",
)
"""What dataset and population are held against each other by."""
SLICES = DIMENSIONS[2:]

_READ: dict[str, pl.DataType] = {
    "query_id": pl.String(),
    "user_id": pl.String(),
    "type": pl.String(),
    "language": pl.String(),
    "prompt": pl.String(),
    "context": pl.Struct({"week": pl.Int64}),
    "slices": pl.Struct(dict.fromkeys(SLICES, pl.String)),
}


def read_queries(files: Iterable[bytes]) -> pl.DataFrame:
    """A row a query: id, user_id, week, DIMENSIONS, prompt (64-bit hash). One file in memory at a time."""
    frames = [_columns(pl.read_ndjson(io.BytesIO(data), schema=_READ)) for data in files if data]
    return pl.concat(frames) if frames else _columns(pl.DataFrame(schema=_READ))


def _columns(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.unnest("slices").select(
        pl.col("query_id").alias("id"),
        "user_id",
        pl.col("context").struct.field("week"),
        *DIMENSIONS,
        pl.col("prompt").hash(),
    )
