"""What the second pass writes: lines of the three splits and of the rejects, and the index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.dataset.drafts import in_cluster, reject_line
from jobs.dataset.ids import id_text
from jobs.dataset.outcome import REJECTED, Note, Outcome
from jobs.dataset.read import SLICES
from jobs.dataset.shingles import I64
from jobs.dataset.split import SPLITS

_ROW_GROUP = 1 << 16
_NUMBERS = ("prompt_chars", "context_chars", "response_chars", "response_hash")
_PLAN_NUMBERS = ("plan_days", "plan_sets")
_FLAGS = ("has_plan", "has_sleep", "has_kcal", "has_weight")


def final_line(draft: bytes, note: Note) -> bytes:
    """The line as it is written, once its cluster and its likenesses are known."""
    if not note.identity:
        return draft
    if note.target != REJECTED:
        return in_cluster(draft, note.related)
    likeness = f", similarity {note.similarity:.3f}" if note.reason == "near_duplicate" else ""
    return reject_line(note.identity, note.reason, f"of {note.related}{likeness}")


def write_index(outcome: Outcome, path: Path) -> None:
    """One flat row a kept record, in input order; a row group is made at a time."""
    with pq.ParquetWriter(path, index_schema(), compression="zstd") as writer:
        for at in range(0, len(outcome.kept), _ROW_GROUP):
            writer.write_table(_index_rows(outcome, at, at + _ROW_GROUP))


def index_schema() -> pa.Schema:
    """Column names and types of ``index.parquet``, in order."""
    text = pa.string()
    names = ("id", "user_id", "split", "cluster", "type", "language", *SLICES, "action")
    return pa.schema(
        [(name, text) for name in names]
        + [(name, pa.uint32()) for name in _NUMBERS[:-1]]
        + [("response_hash", pa.uint64()), ("tags", pa.list_(text)), ("has_plan", pa.bool_())]
        + [("plan_days", pa.uint8()), ("plan_sets", pa.uint16())]
        + [(name, pa.bool_()) for name in _FLAGS[1:]]
    )


def _index_rows(outcome: Outcome, start: int, stop: int) -> pa.Table:
    table, rows = outcome.table, outcome.kept[start:stop]
    numbers = table.numbers
    columns: dict[str, object] = {
        "id": _ids(outcome, rows),
        "user_id": [f"u{user:08d}" for user in numbers["user"][rows].tolist()],
        "split": pa.array(SPLITS).take(outcome.split[start:stop]),
        "cluster": _ids(outcome, outcome.duplicates.cluster[rows]),
        "tags": pa.array(
            [value.split("\t") if value else [] for value in table.labels["tags"].values],
            pa.list_(pa.string()),
        ).take(table.categories["tags"][rows]),
    }
    for name in ("type", "language", *SLICES, "action"):
        columns[name] = pa.array(table.labels[name].values).take(table.categories[name][rows])
    for name in (*_NUMBERS, *_PLAN_NUMBERS):
        columns[name] = numbers[name][rows]
    for name in _FLAGS:
        columns[name] = numbers[name][rows].astype(np.bool_)
    schema = index_schema()
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _ids(outcome: Outcome, rows: I64) -> list[str]:
    return [id_text(number) for number in outcome.table.numbers["id"][rows].tolist()]
