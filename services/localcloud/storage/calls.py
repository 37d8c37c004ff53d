"""A call of the JSON API, whether it came alone or within a batch, and the way to its handler."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from services.localcloud.http import ApiError

MAX_JSON = 32 << 20
"""Bytes of a JSON body or a batch."""


@dataclass
class Call:
    """``path`` is raw: ``%2F`` inside an object's name is no separator. ``args`` are its decoded parts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    base: str
    args: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: web.Request, base: str) -> Call:
        url = request.rel_url
        body: AsyncIterator[bytes] = aiter(request.content.iter_any())
        if request.headers.get("Content-Encoding") == "gzip" and request.method == "POST":
            body = _unzipped(body)
        host = f"{request.scheme}://{request.host}" if request.host else base
        return cls(request.method, url.raw_path, url.query, request.headers, body, host)

    async def read(self) -> bytes:
        """The whole body; 400 when it is larger than any JSON may be."""
        chunks, size = [], 0
        async for chunk in self.body:
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_JSON:
                raise ApiError(400, "The request's body is too large.", "invalid")
        return b"".join(chunks)

    async def json(self) -> dict[str, Any]:
        """The body's JSON object; an empty body is ``{}``."""
        return parse_json(await self.read())

    async def drain(self) -> None:
        """Read what is left, so that the answer finds a client that listens."""
        async for _ in self.body:
            pass


def parse_json(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"Parse Error: {error}", "parseError") from error
    if not isinstance(value, dict):
        raise ApiError(400, "Parse Error: the body must be a JSON object", "parseError")
    return value


async def _unzipped(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """gcloud's ``--gzip-in-flight``: the transfer is compressed, not the object."""
    inflate = zlib.decompressobj(wbits=31)
    async for chunk in body:
        if data := inflate.decompress(chunk):
            yield data
    yield inflate.flush()


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
"""Method, path template such as ``/storage/v1/b/{bucket}/o/{object}``, handler."""


class Router:
    """Routes on the raw path. Errors become answers here, after the body has been read."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(method, _compile(template), handler) for method, template, handler in routes]

    async def answer(self, call: Call) -> web.StreamResponse:
        try:
            return await self._handler(call)(call)
        except ApiError as error:
            await call.drain()
            return web.Response(status=304) if error.code == 304 else error.response()

    def _handler(self, call: Call) -> Handler:
        known = False
        for method, pattern, handler in self._routes:
            if match := pattern.fullmatch(call.path):
                known = True
                if method == call.method:
                    call.args = {name: _decoded(value) for name, value in match.groupdict().items()}
                    return handler
        raise ApiError(405, "Method Not Allowed") if known else ApiError(404, "Not Found", "notFound")


def _compile(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise ApiError(400, "Disallowed unicode characters present in object name", "invalid") from error
