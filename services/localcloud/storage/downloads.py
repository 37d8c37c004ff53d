"""Content on its way out: whole or one range, streamed from the open file."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import BinaryIO

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from services.localcloud.storage.calls import Call
from services.localcloud.storage.content import CHUNK
from services.localcloud.storage.ranges import Unsatisfiable, requested
from services.localcloud.storage.records import StoredObject
from services.localcloud.storage.resources import etag

INLINE = 256 << 10
"""Up to so many bytes are read on the spot."""

_HEADERS = {
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentEncoding": "Content-Encoding",
    "contentLanguage": "Content-Language",
}


def media(call: Call, stored: StoredObject, file: BinaryIO) -> web.Response:
    """The answer to a download; it owns ``file``. 206 or 416 when a range is asked for."""
    headers = _headers(stored)
    if headers.get("Content-Encoding") == "gzip" and "gzip" not in call.headers.get("Accept-Encoding", ""):
        del headers["Content-Encoding"]
        return web.Response(body=_transcoded(file), headers=headers)
    try:
        span = requested(call.headers.get("Range"), stored.size)
    except Unsatisfiable:
        file.close()
        headers = {"Content-Range": f"bytes */{stored.size}"}
        return web.Response(status=416, text="Requested range not satisfiable", headers=headers)
    start, end = span or (0, stored.size)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    body = _slice(file, start, end - start)
    return web.Response(status=206 if span else 200, body=body, headers=headers)


def _headers(stored: StoredObject) -> dict[str, str]:
    fields = stored.fields
    checksums = f"crc32c={stored.crc32c}" + (f",md5={stored.md5}" if stored.md5 else "")
    headers = {
        "Content-Type": fields.get("contentType", "application/octet-stream"),
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag(stored.generation, stored.metageneration)}"',
        "Last-Modified": formatdate(stored.updated // 1_000_000, usegmt=True),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": checksums,
        "X-Goog-Storage-Class": fields.get("storageClass", "STANDARD"),
        "X-Goog-Stored-Content-Encoding": fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(stored.size),
    }
    return headers | {header: fields[name] for name, header in _HEADERS.items() if fields.get(name)}


def _slice(file: BinaryIO, start: int, length: int) -> bytes | FileSlice:
    file.seek(start)
    if length > INLINE:
        return FileSlice(file, length)
    with file:
        return file.read(length)


async def _transcoded(file: BinaryIO) -> AsyncIterator[bytes]:
    """Decompressive transcoding, for clients that do not accept the stored gzip."""
    inflate = zlib.decompressobj(wbits=31)
    with file:
        while data := await asyncio.to_thread(file.read, CHUNK):
            yield inflate.decompress(data)
    yield inflate.flush()


class FileSlice(Payload):
    """``length`` bytes of an open file, from where it stands; closed once written."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        super().__init__(file)
        self._size = length

    async def write(self, writer: AbstractStreamWriter) -> None:
        left = self._size or 0
        with self._value as file:
            while left and (data := await asyncio.to_thread(file.read, min(CHUNK, left))):
                left -= len(data)
                await writer.write(data)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a slice of a file is only ever streamed")
