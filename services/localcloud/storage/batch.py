"""Batches: many metadata calls in one ``multipart/mixed`` request, answered in order.

https://cloud.google.com/storage/docs/batch
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesParser, HeaderParser
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from services.localcloud.http import ApiError
from services.localcloud.storage.calls import Call, Router

MAX_CALLS = 1000


class Batch:
    """``router`` answers each call of a batch as if it had come alone."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def run(self, call: Call) -> web.Response:
        content_type = call.headers.get("Content-Type", "")
        parts = split(content_type, await call.read())
        boundary = f"batch_{uuid.uuid4().hex}"
        answers = [await self._answer(part, call.base) for part in parts]
        body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), answer) for answer in answers)
        headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
        return web.Response(body=body + b"--%b--\r\n" % boundary.encode(), headers=headers)

    async def _answer(self, part: Message, base: str) -> bytes:
        response = await self._router.answer(inner_call(part, base))
        body = response.body if isinstance(response, web.Response) else None
        if body is not None and not isinstance(body, bytes):
            response, body = web.Response(status=400), b"batches carry no media"
        reply = _http_reply(response, body or b"")
        content_id = part.get("Content-ID", "")
        id_line = f"Content-ID: <response-{content_id.strip('<>')}>\r\n" if content_id else ""
        return f"Content-Type: application/http\r\n{id_line}\r\n".encode() + reply


def split(content_type: str, body: bytes) -> list[Message]:
    """The parts of a batch's body; 400 when it is none, or too long."""
    header = b"Content-Type: %b\r\n\r\n" % content_type.encode()
    payload = BytesParser().parsebytes(header + body).get_payload()
    if not isinstance(payload, list) or len(payload) > MAX_CALLS:
        raise ApiError(400, f"A batch must be multipart/mixed with up to {MAX_CALLS} parts.", "badContent")
    return cast(list[Message], payload)


def inner_call(part: Message, base: str) -> Call:
    """The call in an ``application/http`` part."""
    raw = cast(bytes, part.get_payload(decode=True)).replace(b"\r\n", b"\n").lstrip()
    head, _, body = raw.partition(b"\n\n")
    request_line, _, header_lines = head.decode().partition("\n")
    words = request_line.split(" ")
    if len(words) < 2:
        raise ApiError(400, f"Not an HTTP request line: {request_line!r}", "badContent")
    url = urlsplit(words[1])
    headers = dict(HeaderParser().parsestr(header_lines + "\n\n").items())
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Call(words[0], url.path, query, headers, _once(body), base)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _http_reply(response: web.StreamResponse, body: bytes) -> bytes:
    phrase = HTTPStatus(response.status).phrase
    lines = f"HTTP/1.1 {response.status} {phrase}\r\nContent-Length: {len(body)}\r\n"
    if body:
        lines += f"Content-Type: {response.content_type}; charset=UTF-8\r\n"
    return lines.encode() + b"\r\n" + body + b"\r\n"
