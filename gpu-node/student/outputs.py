"""The files of a version: weights, what describes them, and a mark that training is done."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import yaml

from fitsense.artifacts import ArtifactStore, describe
from fitsense.manifest import Counters, Model, OutputRef
from fitsense.models.manifest import Base

TRAINED = "trained.json"
_TYPES = {
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".yaml": "application/yaml",
    ".md": "text/markdown; charset=utf-8",
}
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "safetensors", "numpy")


class Trained(Model):
    """``models/<version>/trained.json``: the weights are whole. An attempt after a kill goes on from here."""

    base: Base
    outputs: list[OutputRef]
    counters: Counters


class Outputs:
    """Writes into a version's folder and remembers what was written."""

    def __init__(self, store: ArtifactStore, folder: str) -> None:
        self._store = store
        self._folder = folder
        self.made: list[OutputRef] = []

    def write(self, name: str, data: bytes | Path) -> None:
        """Until ``trained.json`` stands nobody was told of these files: a dead attempt's are replaced."""
        target = f"{self._folder}/{name}"
        reference = describe(self._store.uri(target), name, data, rows=0)
        kind = _TYPES.get(Path(name).suffix, "application/octet-stream")
        while not self._store.create(target, data, kind):
            blob = self._store.bucket.get_blob(target)
            if blob is not None and blob.crc32c == reference.crc32c and blob.size == reference.bytes:
                break
            if blob is not None:
                self._store.delete(target, int(blob.generation))
        self.made.append(reference)

    def upload(self, folder: Path, names: Iterable[str] | None = None) -> None:
        """All files of a folder, or those named."""
        paths = [folder / name for name in names] if names else folder.rglob("*")
        for path in sorted(path for path in paths if path.is_file()):
            self.write(path.relative_to(folder).as_posix(), path)

    def done(self, base: Base, counters: Counters) -> Trained:
        """Mark the training as done; the mark that stands, if another attempt was first."""
        mine = Trained(base=base, outputs=self.made, counters=counters)
        name = f"{self._folder}/{TRAINED}"
        if self._store.create_model(name, mine):
            return mine
        return self._store.read_model(name, Trained) or mine


def find_trained(store: ArtifactStore, folder: str) -> Trained | None:
    return store.read_model(f"{folder}/{TRAINED}", Trained)


def download(store: ArtifactStore, trained: Trained, folder: Path) -> Path:
    """``adapter/`` or ``weights/`` of an earlier attempt."""
    for output in trained.outputs:
        if output.name.startswith(("adapter/", "weights/")):
            path = folder / output.name
            path.parent.mkdir(parents=True, exist_ok=True)
            store.download(store.name(output.uri), path)
    return folder


def json_bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def yaml_bytes(value: Any) -> bytes:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True).encode()


def environment(code_version: str) -> dict[str, Any]:
    """What would be needed to make the same weights again, as far as software can tell."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "code_version": code_version,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "cuda": torch.version.cuda,
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
