"""Drafts: the new line of every old one, made as it is read, before anything is known of the others.

A reject's draft is final. A good row's is the record of one that resembles no other; the few that do are
changed in the second pass, which so needs neither the teacher's files nor the contexts again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from fitsense.artifacts import dumps_line

_BUFFER = 1 << 20
_CLUSTER = b'"cluster":"'


class Texts(NamedTuple):
    """The three texts of a record. The response is canonical JSON: sorted keys, no spaces."""

    instruction: str
    context: str
    response: str

    @property
    def characters(self) -> int:
        return sum(map(len, self))


def record_line(row: dict[str, Any], texts: Texts) -> bytes:
    """``records.DatasetRecord``, a line of the training contract; its cluster is itself alone."""
    query = row["query"]
    return dumps_line(
        {
            "id": query["query_id"],
            **texts._asdict(),
            "metadata": {
                "user_id": query["user_id"],
                "type": query["type"],
                "language": query["language"],
                "slices": query["slices"],
                "tags": query["tags"],
                "safety": query["safety"],
                "action": row["answer"]["action"],
                "cluster": query["query_id"],
                "model": row["model"],
                "request_sha256": row["request_sha256"],
            },
        }
    )


def in_cluster(line: bytes, name: str) -> bytes:
    """The record's line with another cluster; names of clusters are ids, and all of one length."""
    # From the end: what follows are two texts, in which a quotation mark is never without its backslash.
    start = line.rindex(_CLUSTER) + len(_CLUSTER)
    return line[:start] + name.encode() + line[start + len(name) :]


def reject_line(identity: str, reason: str, detail: str) -> bytes:
    """A line of ``rejected.jsonl``."""
    return dumps_line({"id": identity, "reason": reason, "detail": detail})


def packed(lines: Sequence[bytes]) -> bytes:
    """A Zstandard frame; frames may follow each other in a file. An eighth of the lines' size."""
    found: bytes = pa.compress(b"".join(lines), codec="zstd", asbytes=True)
    return found


def unpacked(path: Path) -> Iterator[bytes]:
    """All lines of a file of frames, streamed."""
    if not path.stat().st_size:
        return
    with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
        yield from io.BufferedReader(stream, _BUFFER)  # type: ignore[type-var]  # has all that it needs
