"""Held-out records and the queries behind them, from the bucket through the manifests."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c
import orjson
from pydantic import ValidationError

from fitsense import prompting
from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.config import Evaluation, RunConfig
from fitsense.errors import BadArtifact
from fitsense.manifest import Manifest, OutputRef
from fitsense.records import DatasetRecord
from student.dataset import ARTIFACT
from student.evaluate.cases import Case
from student.evaluate.sampling import Candidate, choose


@dataclass(frozen=True)
class Held:
    """Cases of the held-out split, in the file's order, and how many records it has."""

    cases: list[Case]
    records: int


def held_out(store: ArtifactStore, config: RunConfig, run_id: str, wanted: Evaluation, seed: int) -> Held:
    """The sample of ``run_id``'s test split that ``wanted`` asks for.

    Read twice rather than kept: a test split may be of any size. Raises BadArtifact for what has not
    landed, is torn, or lacks the query of one of its records.
    """
    dataset = _manifest(store, manifest_name(ARTIFACT, run_id))
    reference = _output(dataset, "test.jsonl")
    metas = [_meta(orjson.loads(line)) for line in _checked_lines(store, reference)]
    if not metas:
        raise BadArtifact(f"{reference.uri} has no records", hint="raise dataset.splits.test")
    chosen = choose(metas, wanted.records, wanted.slice_records, seed)
    records = [
        record
        for record in map(_record, _checked_lines(store, reference))
        if record.id in chosen.main or record.id in chosen.extra
    ]
    queries = _queries(store, dataset, config.profiles.part_users, {record.id for record in records})
    cases = [case_of(record, queries[record.id], main=record.id in chosen.main) for record in records]
    return Held(cases, len(metas))


def _meta(row: Mapping[str, Any]) -> Candidate:
    metadata = row["metadata"]
    return Candidate(row["id"], (metadata["type"], metadata["language"]), metadata["slices"])


def _record(line: bytes) -> DatasetRecord:
    try:
        return DatasetRecord.model_validate_json(line)
    except ValidationError as error:
        raise BadArtifact(f"test.jsonl: {error}") from error


def case_of(record: DatasetRecord, query: Mapping[str, Any], *, main: bool) -> Case:
    """A record of the test split with the query that it came from."""
    slices = {str(name): str(value) for name, value in record.metadata["slices"].items()}
    return Case(
        id=record.id,
        kind="test" if main else "slice",
        query=query,
        messages=tuple(prompting.chat(record.instruction, record.context)),
        slices=slices,
        cluster=str(record.metadata["user_id"]),
        accepted=(str(query["expected_action"]),),
        teacher=record.response,
    )


def _manifest(store: ArtifactStore, name: str) -> Manifest:
    manifest = store.read_model(name, Manifest)
    if manifest is None:
        raise BadArtifact(f"{name} has not landed", hint="evaluation needs a finished dataset: fitsense runs")
    return manifest


def _output(manifest: Manifest, file: str) -> OutputRef:
    try:
        return manifest.output(file)
    except KeyError:
        raise BadArtifact(f"{manifest.stage} of {manifest.run_id} has no file {file}") from None


def _checked_lines(store: ArtifactStore, reference: OutputRef) -> Iterator[bytes]:
    """Streamed; raises BadArtifact at the end of a file that is not what its manifest says."""
    checksum = google_crc32c.Checksum()
    with store.open(store.name(reference.uri)) as stream:
        for line in stream:
            checksum.update(line)
            if line.strip():
                yield line
    if base64.b64encode(checksum.digest()).decode() != reference.crc32c:
        raise BadArtifact(f"{reference.uri} is not what its manifest says")


def _queries(
    store: ArtifactStore, dataset: Manifest, part_users: int, ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The queries of these records out of the teacher's parts: what an engine needs to verify an answer."""
    teacher = next((ref for ref in dataset.inputs if ref.stage == "teacher"), None)
    if teacher is None:
        raise BadArtifact(f"the dataset of {dataset.run_id} does not say whose answers it holds")
    manifest = _manifest(store, store.name(teacher.uri))
    parts = sorted((o for o in manifest.outputs if o.name.endswith(".jsonl")), key=lambda output: output.name)
    found: dict[str, dict[str, Any]] = {}
    for part in _likely_first(parts, part_users, ids):
        missing = set(ids) - set(found)
        if not missing:
            break
        rows = (orjson.loads(line)["query"] for line in _checked_lines(store, part))
        found |= {row["query_id"]: row for row in rows if row["query_id"] in missing}
    if lost := sorted(set(ids) - set(found)):
        raise BadArtifact(f"{manifest.stage} of {manifest.run_id} has no query {lost[0]}")
    return found


def _likely_first(parts: list[OutputRef], part_users: int, ids: Collection[str]) -> list[OutputRef]:
    """Parts hold ``part_users`` people each, in order; the others are looked at only if that fails."""
    numbers = {int(record[1:9]) // part_users for record in ids}
    likely = [part for place, part in enumerate(parts) if place in numbers]
    return [*likely, *(part for part in parts if part not in likely)]
