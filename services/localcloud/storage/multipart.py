"""``multipart/related`` uploads, taken apart while they stream in: JSON metadata, then the content.

Google's Python client frames with CRLF, gcloud with LF and a boundary in single quotes; both are read.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.localcloud.http import ApiError

MAX_HEAD = 4 << 20
"""Bytes of metadata and part headers; real metadata is limited to 8 KiB."""


@dataclass(frozen=True)
class Head:
    """The metadata part, the content part's type, and where in the buffer the content begins."""

    metadata: bytes
    content_type: str
    newline: bytes
    end: int


def boundary_of(content_type: str) -> bytes:
    """The boundary parameter, without quotes of either kind; 400 when there is none."""
    match = re.search(r"""boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))""", content_type, re.IGNORECASE)
    if match is None:
        raise ApiError(400, "Multipart body without a boundary in its Content-Type", "badContent")
    return (match[1] or match[2] or match[3]).encode()


def split_head(buffer: bytes, boundary: bytes) -> Head | None:
    """Both parts' headers and the metadata, or None while they have not all arrived."""
    mark = re.escape(boundary)
    headers = rb"((?:[^\r\n]+\r?\n)*)\r?\n"
    pattern = rb"\s*--%b[ \t]*(\r?\n)%b(.*?)\r?\n--%b[ \t]*\r?\n%b" % (mark, headers, mark, headers)
    match = re.match(pattern, buffer, re.DOTALL)
    if match is None:
        return None
    kind = re.search(rb"(?im)^content-type:[ \t]*([^\r\n]+)", match[4])
    content_type = kind[1].strip().decode("latin-1") if kind else ""
    return Head(match[3], content_type, match[1], match.end())


class RelatedReader:
    """Reads one upload: ``await head()`` first, then ``content()`` to its end."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream = stream
        self._boundary = boundary
        self._buffer = b""
        self._newline = b"\r\n"

    async def head(self) -> Head:
        async for chunk in self._stream:
            self._buffer += chunk
            head = split_head(self._buffer, self._boundary)
            if head is not None:
                self._buffer, self._newline = self._buffer[head.end :], head.newline
                return head
            if len(self._buffer) > MAX_HEAD:
                break
        raise ApiError(400, "Malformed multipart body: no metadata and content parts", "badContent")

    async def content(self) -> AsyncIterator[bytes]:
        """The content in chunks. The last bytes are held back: they may be the closing delimiter."""
        held = self._buffer
        keep = len(self._boundary) + 16
        async for chunk in self._stream:
            held += chunk
            if len(held) > keep:
                yield held[:-keep]
                held = held[-keep:]
        closing = re.escape(self._newline + b"--" + self._boundary + b"--")
        match = re.search(closing + rb"\s*\Z", held)
        if match is None:
            raise ApiError(400, "Malformed multipart body: the closing delimiter is missing", "badContent")
        if match.start():
            yield held[: match.start()]
