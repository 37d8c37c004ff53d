"""What the index holds, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]
"""User-writable members of a resource (``contentType``, ``metadata``, ...), as in the JSON API."""


@dataclass(frozen=True)
class Bucket:
    """Times are microseconds since 1970."""

    name: str
    project: str
    created: int
    updated: int
    metageneration: int
    fields: Fields


@dataclass(frozen=True)
class Content:
    """A whole staged file. Checksums are base64 as in the JSON API; a composed object has no MD5."""

    blob: str
    size: int
    crc32c: str
    md5: str | None
    components: int = 0


@dataclass(frozen=True)
class StoredObject:
    """A live object. ``path`` is relative to its bucket's folder; ``blob`` is its file's name in staging."""

    bucket: str
    name: str
    generation: int
    metageneration: int
    created: int
    updated: int
    size: int
    crc32c: str
    md5: str | None
    components: int
    path: str
    blob: str
    fields: Fields


@dataclass(frozen=True)
class Upload:
    """A resumable upload session. ``result`` is the object's resource once it is finished."""

    id: str
    bucket: str
    name: str
    fields: Fields
    created: int
    conditions: dict[str, str]
    checksums: dict[str, str]
    total: int | None = None
    result: Fields | None = None


@dataclass(frozen=True)
class Notification:
    """A bucket's notification config; ``config`` is the resource as the user wrote it."""

    id: int
    bucket: str
    config: Fields


@dataclass(frozen=True)
class Message:
    """A Pub/Sub message to be. ``seq`` is its place in the outbox, 0 before it has one."""

    topic: str
    data: bytes
    attributes: dict[str, str] = field(default_factory=dict)
    seq: int = 0
