"""Whether an adapter's numbers are numbers: looked at before it comes near an engine that serves others.

What one version computes stays in the key-value cache's blocks after its answer is gone. Not a number there
times a weight of zero is still not a number, so a diverged adapter spoils answers of sound versions that
get such a block later: measured, one in forty after three probes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from fitsense.errors import BadArtifact

LARGEST = 1000.0
"""Weights of a LoRA are below 10; far beyond this, products of products leave the range of a float."""
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def check_adapter(folder: Path) -> None:
    """Raises BadArtifact for a file that is torn, or holds a number that is none or absurd."""
    for path in sorted(folder.glob("*.safetensors")):
        for name, values in _tensors(path):
            if not (np.isfinite(values).all() and (np.abs(values) <= LARGEST).all()):
                raise BadArtifact(
                    f"{name} of {path.name} holds NaN, infinite or absurd weights",
                    hint="its training has diverged",
                )


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    """Names and values. https://huggingface.co/docs/safetensors/index#format"""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    try:
        header = orjson.loads(data[8 : 8 + size])
        for name, told in header.items():
            if name != "__metadata__":
                start, end = (8 + size + offset for offset in told["data_offsets"])
                if end > len(data):
                    raise BadArtifact(f"{path.name} is torn: {name} ends beyond the file")
                yield name, _values(told["dtype"], data[start:end])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadArtifact(f"{path.name} is no safetensors file: {error}") from error


def _values(dtype: str, data: bytes) -> Any:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, _TYPES[dtype])
