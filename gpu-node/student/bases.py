"""The model that a training begins with: ``fitsense-tiny``, made once and kept, or one by its name.

``bases/<name>/<key>/manifest.json``, written last and create-only, names the folder with the files. A folder
is named by its contents, so that two that make the same base at once cannot disturb each other: the first
manifest wins, and both go on with what it names.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from fitsense.artifacts import ArtifactStore, describe
from fitsense.errors import BadArtifact, Misconfigured
from fitsense.manifest import Model, OutputRef
from fitsense.models.manifest import Base
from student.recipe import digest

log = structlog.get_logger(__name__)

TINY = "fitsense-tiny"


class BaseManifest(Model):
    """``bases/<name>/<key>/manifest.json``; ``made_from`` is what ``key`` was hashed of."""

    name: str
    key: str
    base: Base
    made_from: dict[str, Any]
    files: list[OutputRef]


@dataclass(frozen=True)
class LocalBase:
    """A base whose files lie in ``folder``, in the form of transformers."""

    base: Base
    folder: Path


def kept_base(
    store: ArtifactStore, name: str, made_from: dict[str, Any], scratch: Path, make: Callable[[Path], None]
) -> LocalBase:
    """The base that ``made_from`` gives: from the bucket, or made by ``make`` into a folder and kept there.

    ``make`` may raise; then nothing is kept.
    """
    key = digest(made_from)[:16]
    prefix = f"bases/{name}/{key}"
    manifest = store.read_model(f"{prefix}/manifest.json", BaseManifest)
    if manifest is None:
        folder = _empty(scratch / "made" / key)
        make(folder)
        manifest = publish(store, name, key, made_from, folder)
    else:
        log.info("base.cached", name=name, key=key)
    return _local(store, manifest, scratch)


def publish(
    store: ArtifactStore, name: str, key: str, made_from: dict[str, Any], folder: Path
) -> BaseManifest:
    """Upload ``folder`` and write the manifest; the one that stands, if another was first."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    sums = [describe("", name, path, 0).sha256 for name, path in zip(names, paths, strict=True)]
    identity = hashlib.sha256(repr(list(zip(names, sums, strict=True))).encode()).hexdigest()
    target = f"bases/{name}/{key}/{identity[:16]}"
    files = [
        store.create_same(f"{target}/{name}", path, "application/octet-stream", rows=0).model_copy(
            update={"name": name}
        )
        for name, path in zip(names, paths, strict=True)
    ]
    base = Base(name=name, uri=store.uri(target), sha256=identity)
    mine = BaseManifest(name=name, key=key, base=base, made_from=made_from, files=files)
    at = f"bases/{name}/{key}/manifest.json"
    if store.create_model(at, mine):
        return mine
    first = store.read_model(at, BaseManifest)
    if first is None:
        raise BadArtifact(f"{at} was there and is gone")
    return first


def named_base(store: ArtifactStore, name: str, scratch: Path) -> LocalBase:
    """A base that was trained elsewhere: a copy in this bucket (``fitsense`` keeps it as key ``given``), or
    the Hugging Face Hub's. Raises Misconfigured when it is in neither.
    """
    manifest = store.read_model(f"bases/{name}/given/manifest.json", BaseManifest)
    return _local(store, manifest, scratch) if manifest else _from_hub(name)


def _from_hub(name: str) -> LocalBase:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, ignore_patterns=["*.gguf", "*.pth", "original/*"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise Misconfigured(
            f"the base {name} is neither in the bucket nor to be had from the Hub: {error}",
            hint=f"put it under bases/{name}/given with student.bases.publish, or give the node HF_TOKEN",
        ) from error
    return LocalBase(Base(name=name, uri=f"hf://{name}@{folder.name}", sha256=_weights(folder)), folder)


def _weights(folder: Path) -> str:
    paths = sorted(folder.glob("*.safetensors"))
    return digest([describe("", path.name, path, 0).sha256 for path in paths])


def _local(store: ArtifactStore, manifest: BaseManifest, scratch: Path) -> LocalBase:
    """Download; each file is held against its checksum. Raises BadArtifact."""
    folder = _empty(scratch / "bases" / manifest.base.sha256[:16])
    for file in manifest.files:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        store.download(store.name(file.uri), path)
        if describe(file.uri, file.name, path, 0).sha256 != file.sha256:
            raise BadArtifact(f"{file.uri} is not what the base's manifest says")
    return LocalBase(manifest.base, folder)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
