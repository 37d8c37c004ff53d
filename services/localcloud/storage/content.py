"""Content on its way to disk: streamed in chunks, with running checksums, never whole in memory."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import uuid
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from services.localcloud.http import ApiError
from services.localcloud.storage.records import Content

CHUNK = 1 << 20
"""Bytes gathered before they are written and hashed in a thread."""
INLINE = 128 << 10
"""Up to so many bytes are written on the spot: a thread's hand-over costs more than the write."""


class Draft:
    """A file in the making in ``folder``. ``size`` counts the bytes taken, written or not."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self.name = name or uuid.uuid4().hex
        self.size = 0
        self._path = folder / self.name
        self._file: BinaryIO | None = None
        self._pending: list[bytes] = []
        self._waiting = 0
        self._crc32c = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    async def resume(self) -> Draft:
        """Take up what an earlier process wrote, reading it once for the checksums."""
        if self._path.exists():
            await asyncio.to_thread(self._rehash)
        return self

    async def write(self, data: bytes) -> None:
        self._pending.append(data)
        self._waiting += len(data)
        self.size += len(data)
        if self._waiting >= CHUNK:
            await self.flush()

    async def flush(self) -> None:
        """Hand all bytes to the operating system: they survive the death of this process."""
        data, self._pending, self._waiting = b"".join(self._pending), [], 0
        if len(data) > INLINE:
            await asyncio.to_thread(self._append, data)
        else:
            self._append(data)

    async def append_file(self, source: BinaryIO) -> None:
        """All of ``source``, from where it stands."""
        while data := await asyncio.to_thread(source.read, CHUNK):
            await self.write(data)

    async def finish(self, *, composed: int = 0) -> Content:
        """Close the file and say what it holds."""
        await self.flush()
        self.close()
        md5 = None if composed else base64.b64encode(self._md5.digest()).decode()
        return Content(self.name, self.size, encode_crc32c(self._crc32c), md5, composed)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Close and remove the file; no harm when it has moved on."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._path.open("ab")
        self._file.write(data)
        self._file.flush()
        self._hash(data)

    def _rehash(self) -> None:
        with self._path.open("rb") as file:
            while data := file.read(CHUNK):
                self._hash(data)
                self.size += len(data)

    def _hash(self, data: bytes) -> None:
        self._crc32c = google_crc32c.extend(self._crc32c, data)
        self._md5.update(data)


def encode_crc32c(value: int) -> str:
    """Base64 of the big-endian 32 bits, as the JSON API writes it."""
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def link(source: Path, folder: Path) -> str | None:
    """A hard link to ``source`` in ``folder``: a copy at no cost, since contents are never changed in place.

    The new file's name, or None where the file system refuses (other device, too many links).
    """
    name = uuid.uuid4().hex
    try:
        os.link(source, folder / name)
    except OSError:
        return None
    return name


def given_checksums(fields: dict[str, str], hash_headers: list[str], content_md5: str = "") -> dict[str, str]:
    """Checksums that a client promised, in metadata, ``X-Goog-Hash`` or ``Content-MD5``."""
    given = {"crc32c": fields.get("crc32c", ""), "md5": fields.get("md5Hash", "") or content_md5}
    for part in ",".join(hash_headers).split(","):
        name, _, value = part.strip().partition("=")
        if name in given and value:
            given[name] = value
    return {name: value for name, value in given.items() if value}


def check_checksums(given: dict[str, str], content: Content) -> None:
    """400 unless the content is what the client promised."""
    for name, actual in (("crc32c", content.crc32c), ("md5", content.md5)):
        expected = given.get(name)
        if expected and actual and expected != actual:
            label = "CRC32C" if name == "crc32c" else "MD5 hash"
            message = f'Provided {label} "{expected}" doesn\'t match calculated {label} "{actual}".'
            raise ApiError(400, message, "invalid")
