"""Outputs that are written while they are made, over a real bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import requests

from fitsense.artifacts import CHUNK, ArtifactStore
from fitsense.errors import BadArtifact
from tests.cloud import CloudProcess

NAME, KIND = "dataset/run-1/train.jsonl", "application/x-ndjson"
LINES = [b"a" * CHUNK + b"\n"] * 20
"""More than two of the writer's chunks."""


def test_a_streamed_object_is_what_was_streamed(store: ArtifactStore) -> None:
    reference = store.create_streamed(NAME, iter(LINES), KIND, rows=20)
    stored = store.read(NAME)
    assert stored is not None
    assert stored.data == b"".join(LINES)
    assert (reference.name, reference.rows, reference.bytes) == ("train.jsonl", 20, len(stored.data))
    assert reference.sha256 == hashlib.sha256(stored.data).hexdigest()
    assert reference.crc32c == stored.crc32c
    assert store.create_same(NAME, stored.data, KIND, rows=20) == reference


@pytest.mark.parametrize("lines", [LINES, LINES[:1], []], ids=["large", "small", "empty"])
def test_streaming_the_same_again_finds_it(store: ArtifactStore, lines: list[bytes]) -> None:
    first = store.create_streamed(NAME, iter(lines), KIND, rows=len(lines))
    assert store.create_streamed(NAME, iter(lines), KIND, rows=len(lines)) == first


def test_other_bytes_are_refused_and_change_nothing(store: ArtifactStore) -> None:
    store.create(NAME, b"first\n")
    with pytest.raises(BadArtifact, match="other bytes"):
        store.create_streamed(NAME, iter(LINES), KIND, rows=20)
    stored = store.read(NAME)
    assert stored is not None
    assert stored.data == b"first\n"


@pytest.mark.parametrize("after", [0, 1, 18])
def test_an_error_on_the_way_leaves_no_object(store: ArtifactStore, after: int) -> None:
    def broken() -> Iterator[bytes]:
        yield from LINES[:after]
        raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        store.create_streamed(NAME, broken(), KIND, rows=20)
    assert not store.exists(NAME)


@pytest.mark.parametrize("action", ["kill", "error"])
def test_lost_answers_on_the_way_change_nothing(
    store: ArtifactStore, storage_process: CloudProcess, action: str
) -> None:
    path = {"path": "/upload/*"}
    storage_process.faults(
        *(
            {"point": "storage.request", "match": path, "action": action, "skip": n, "times": 1}
            for n in (0, 2)
        )
    )
    try:
        reference = store.create_streamed(NAME, iter(LINES), KIND, rows=20)
        rules = requests.get(f"{storage_process.url}/_localcloud/faults", timeout=10).json()
        assert [rule["struck"] for rule in rules] == [1, 1]
    finally:
        storage_process.faults()
    stored = store.read(NAME)
    assert stored is not None
    assert stored.data == b"".join(LINES)
    assert stored.crc32c == reference.crc32c
