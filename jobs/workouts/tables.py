"""Parquet files of the stage: explicit schemas, one row group a block, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jobs.workouts.summaries import Columns

_NAMES = pa.dictionary(pa.int32(), pa.string())
SETS = pa.schema(
    {
        "user_id": _NAMES,
        "week": pa.int16(),
        "date": pa.date32(),
        "session": pa.int8(),
        "exercise_id": _NAMES,
        "set_index": pa.int8(),
        "target_reps": pa.int8(),
        "target_rir": pa.float32(),
        "reps": pa.int8(),
        "weight_kg": pa.float64(),
        "rir": pa.float32(),
        "planned_kg": pa.float64(),
    }
)
DAYS = pa.schema(
    {
        "user_id": _NAMES,
        "date": pa.date32(),
        "sleep_h": pa.float64(),
        "kcal": pa.float64(),
        "weight_kg": pa.float64(),
        "soreness": pa.int8(),
        "pain": pa.int8(),
        "pain_area": _NAMES,
        "planned_session": pa.bool_(),
        "done_session": pa.bool_(),
        "note": _NAMES,
    }
)
WEEKS = pa.schema(
    {
        "user_id": _NAMES,
        "week": pa.int16(),
        "planned_sessions": pa.int8(),
        "done_sessions": pa.int8(),
        "sets": pa.int16(),
        "tonnage_kg": pa.float64(),
        "mean_rir": pa.float64(),
        "sleep_mean_h": pa.float64(),
        "kcal_mean": pa.float64(),
        "weight_mean_kg": pa.float64(),
        "weight_change_pct": pa.float64(),
        "fitness": pa.float64(),
        "fatigue": pa.float64(),
        "squat_e1rm_kg": pa.float64(),
        "bench_e1rm_kg": pa.float64(),
        "row_e1rm_kg": pa.float64(),
        "stalled": pa.bool_(),
        "deload": pa.bool_(),
        "pain_area": _NAMES,
    }
)
"""Order and names of ``SetLog``, ``DayLog`` and ``WeekSummary`` in ``fitsense.records``.

Names are dictionaries in memory and plain strings in the file; NaN and the code -1 become nulls.
"""


def to_arrow(schema: pa.Schema, columns: Columns, names: dict[str, list[str]]) -> pa.Table:
    """``names`` holds, for each dictionary column, the value of each code."""
    arrays = [_array(columns[field.name], field, names.get(field.name, [])) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: NDArray[Any], field: pa.Field[Any], names: list[str]) -> pa.Array[Any]:
    if pa.types.is_dictionary(field.type):
        codes = pa.Array.from_pandas(column.astype(np.int32), mask=column < 0, type=pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))
    if pa.types.is_date32(field.type):
        return pa.array(column.astype(np.int32)).view(pa.date32())
    values: pa.Array[Any] = pa.array(
        column, field.type, from_pandas=bool(np.issubdtype(column.dtype, np.floating))
    )
    return values


class PartFile:
    """One Parquet file written block by block: memory does not grow with the part."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        # Without Arrow's own schema in the file, readers see plain strings instead of dictionaries.
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="snappy",
            store_schema=False,
            write_statistics=False,
            use_dictionary=True,
        )

    def append(self, columns: Columns, names: dict[str, list[str]]) -> None:
        self._writer.write_table(to_arrow(self.schema, columns, names))
        self.rows += len(columns["user_id"])

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._writer.close()
