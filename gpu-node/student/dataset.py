"""The training contract, read by run_id from the bucket through its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.errors import BadArtifact
from fitsense.manifest import InputRef, Manifest
from fitsense.records import DatasetRecord

ARTIFACT = "distillation_dataset"


@dataclass(frozen=True)
class Dataset:
    """Records by split, in the files' order; ``checksums`` are the files' SHA-256 by split."""

    train: Sequence[DatasetRecord]
    val: Sequence[DatasetRecord]
    source: InputRef
    manifest: Manifest
    checksums: dict[str, str]


def read_dataset(store: ArtifactStore, run_id: str) -> Dataset:
    """Training and validation records. Raises BadArtifact for what has not landed or is torn.

    The test split is not read here: nothing of it can reach the weights.
    """
    name = manifest_name(ARTIFACT, run_id)
    stored = store.read(name)
    if stored is None:
        raise BadArtifact(f"{name} has not landed", hint="training needs a finished dataset: fitsense runs")
    manifest = Manifest.model_validate_json(stored.data)
    source = InputRef(
        stage=manifest.stage, uri=store.uri(name), generation=stored.generation, crc32c=stored.crc32c
    )
    train, val = (_records(store, manifest, f"{split}.jsonl") for split in ("train", "val"))
    if not train:
        raise BadArtifact(f"{name} has no training records")
    checksums = {split: manifest.output(f"{split}.jsonl").sha256 for split in ("train", "val")}
    return Dataset(train, val, source, manifest, checksums)


def _records(store: ArtifactStore, manifest: Manifest, file: str) -> list[DatasetRecord]:
    try:
        reference = manifest.output(file)
    except KeyError:
        raise BadArtifact(f"the dataset of {manifest.run_id} has no file {file}") from None
    stored = store.read(store.name(reference.uri))
    if stored is None or stored.crc32c != reference.crc32c:
        raise BadArtifact(f"{reference.uri} is missing or not what its manifest says")
    try:
        return [DatasetRecord.model_validate_json(line) for line in stored.data.splitlines() if line]
    except ValidationError as error:
        raise BadArtifact(f"{reference.uri}: {error}") from error
