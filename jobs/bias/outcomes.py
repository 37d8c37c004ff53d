"""What became of every prompt: asked of whom, kept or rejected, answered how."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import orjson
import polars as pl

from fitsense.records import Query

DIMENSIONS = ("sex", "age_band", "goal", "activity", "condition", "language")
"""Slices that are held against the rest."""
MATERNITY = ("pregnant", "postpartum")

_QUERY = pl.Struct(
    {
        "query_id": pl.String(),
        "user_id": pl.String(),
        "type": pl.String(),
        "language": pl.String(),
        "slices": pl.Struct({name: pl.String() for name in DIMENSIONS if name != "language"}),
    }
)
_READ: dict[str, pl.DataType] = {"query": _QUERY, "rejected": pl.String()}
_KEPT = ("id", "action", "response_chars", "has_plan", "plan_days", "plan_sets")


class TeacherRows:
    """Feed it the teacher's files: a row per prompt, and the whole query of those ``wanted``."""

    def __init__(self, wanted: set[str]) -> None:
        self._wanted = wanted
        self._frames: list[pl.DataFrame] = []
        self._queries: dict[str, dict[str, Any]] = {}

    @property
    def queries(self) -> list[dict[str, Any]]:
        """Those that were found, by id."""
        return [self._queries[name] for name in sorted(self._queries)]

    def add(self, data: bytes) -> None:
        if not data:
            return
        frame = _columns(pl.read_ndjson(io.BytesIO(data), schema=_READ))
        self._frames.append(frame)
        picked = frame.with_row_index().filter(pl.col("id").is_in(list(self._wanted)))["index"].to_list()
        lines = data.split(b"\n") if picked else []
        for number in picked:
            query = Query.model_validate(orjson.loads(lines[number])["query"])
            self._queries[query.query_id] = query.model_dump(mode="json")

    def frame(self) -> pl.DataFrame:
        """id, user_id, type, DIMENSIONS, rejected (the teacher's reason)."""
        return pl.concat(self._frames) if self._frames else _columns(pl.DataFrame(schema=_READ))


def _columns(frame: pl.DataFrame) -> pl.DataFrame:
    flat = frame.unnest("query").unnest("slices").rename({"query_id": "id"})
    return flat.select("id", "user_id", "type", *DIMENSIONS, "rejected")


def read_rejected(data: bytes) -> pl.DataFrame:
    """``rejected.jsonl`` as id, reason."""
    schema: dict[str, pl.DataType] = {"id": pl.String(), "reason": pl.String()}
    return pl.read_ndjson(io.BytesIO(data), schema=schema) if data.strip() else pl.DataFrame(schema=schema)


def follow(asked: pl.DataFrame, index: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """``asked`` with kept, reason (null when kept) and, of kept ones, action, response_chars, plan_*."""
    kept = index.select(*_KEPT, pl.lit(True).alias("kept"))
    joined = asked.join(kept, on="id", how="left", maintain_order="left")
    told = joined.join(
        rejected.unique("id", keep="first", maintain_order=True), on="id", how="left", maintain_order="left"
    )
    reason = pl.coalesce("reason", "rejected", pl.lit("not in the dataset"))
    return told.with_columns(
        pl.col("kept").fill_null(False),
        reason=pl.when(pl.col("kept").is_null()).then(reason),
    ).drop("rejected")


def choose(index: pl.DataFrame, n: int, seed: int) -> set[str]:
    """``n`` ids with a plan, of women and men under 65 outside of maternity, drawn by seed."""
    able = index.filter(
        pl.col("has_plan")
        & pl.col("sex").is_in(["F", "M"])
        & (pl.col("age_band") != "65+")
        & ~pl.col("condition").is_in(MATERNITY)
    )
    ids = able["id"].sort().to_list()
    chosen = np.random.default_rng([seed, len(ids)]).choice(len(ids), min(n, len(ids)), replace=False)
    return {ids[number] for number in chosen}
