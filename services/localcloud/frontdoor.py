"""The front door: routes paths to services as the load balancer would, streaming both ways.

Setting ``services``: ``[{"name", "prefix", "upstream", "strip"?, "timeout_s"?}]``, longest prefix first.
An upstream is ``http://127.0.0.1:PORT`` or ``unix:/path.sock``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import aiohttp
import structlog
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from yarl import URL

from services.localcloud.component import Component, Context
from services.localcloud.http import json_response

log = structlog.get_logger(__name__)

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
"""RFC 9110 section 7.6.1; what ``Connection`` names goes as well."""
CONNECT_S = 5.0
IDLE_KEEP_ALIVE_S = 1.5
"""Below gunicorn's 2 s, so that the server never closes a connection that is just being reused."""
WATCH_S = 0.25
"""How soon an upstream learns that its client has gone while it had nothing to send."""


class Service(BaseModel):
    """One service behind the front door."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prefix: str = Field(pattern="^/")
    upstream: str = Field(pattern="^(http://|unix:/)")
    strip: bool = False
    timeout_s: float = Field(default=600.0, gt=0, description="until the response's head; 504 after that")

    @field_validator("upstream")
    @classmethod
    def _without_slash(cls, upstream: str) -> str:
        return upstream.rstrip("/")

    def matches(self, path: str) -> bool:
        """``/coach/`` takes ``/coach`` and all below it, never ``/coaching``."""
        stem = self.prefix.rstrip("/")
        return path == stem or path.startswith(f"{stem}/")

    def target(self, raw_path: str) -> URL:
        """Where a request goes; escapes stay as the client wrote them."""
        if self.strip:
            raw_path = "/" + raw_path[len(self.prefix.rstrip("/")) :].lstrip("/")
        base = "http://localhost" if self.upstream.startswith("unix:") else self.upstream
        return URL(base + raw_path, encoded=True)


class FrontDoor:
    """A reverse proxy for what no other part of the local cloud has taken."""

    def __init__(self, context: Context) -> None:
        services = TypeAdapter(list[Service]).validate_python(context.settings.get("services", []))
        self._services = sorted(services, key=lambda service: -len(service.prefix))
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.route("*", "/{path:.*}", self.handle)]

    async def start(self) -> None:
        for service in self._services:
            self._sessions[service.name] = _session(service)

    async def stop(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forward to the service with the longest matching prefix."""
        path = request.raw_path.partition("?")[0]
        service = next((service for service in self._services if service.matches(path)), None)
        if service is None:
            known = {entry.prefix: entry.name for entry in self._services}
            return _problem(404, "Not Found", f"nothing is served at {path}", prefixes=known)
        try:
            upstream = await self._send(service, request)
        except aiohttp.ClientConnectorError as error:
            detail = f"{service.name} does not accept connections at {service.upstream}: {error.os_error}"
            return _problem(503, "Service Unavailable", detail, service=service.name)
        except TimeoutError:
            detail = f"{service.name} did not answer within {service.timeout_s:g} s"
            return _problem(504, "Gateway Timeout", detail, service=service.name)
        except (aiohttp.ClientError, OSError) as error:
            detail = f"{service.name} broke off before answering: {type(error).__name__}: {error}"
            return _problem(502, "Bad Gateway", detail, service=service.name)
        async with upstream:
            return await _relay(service, request, upstream)

    async def _send(self, service: Service, request: web.Request) -> aiohttp.ClientResponse:
        async with asyncio.timeout(service.timeout_s):
            return await self._sessions[service.name].request(
                request.method,
                service.target(request.raw_path),
                headers=_request_headers(service, request),
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            )


def create(context: Context) -> Component:
    return FrontDoor(context)


def _session(service: Service) -> aiohttp.ClientSession:
    """A pool of kept-alive connections to one service, with nothing added to or taken from its traffic."""
    if service.upstream.startswith("unix:"):
        path = service.upstream.removeprefix("unix:")
        connector: aiohttp.BaseConnector = aiohttp.UnixConnector(
            path, limit=0, keepalive_timeout=IDLE_KEEP_ALIVE_S
        )
    else:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_KEEP_ALIVE_S)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


def _request_headers(service: Service, request: web.Request) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    peer = request.remote or "127.0.0.1"
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers.setdefault("X-Forwarded-Proto", request.scheme)
    headers.setdefault("X-Forwarded-Host", request.host)
    if service.strip:
        headers["X-Forwarded-Prefix"] = service.prefix.rstrip("/")
    return headers


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """A copy without the headers that are about one connection only."""
    kept = CIMultiDict(headers)
    named = {name.strip().lower() for value in kept.getall("Connection", []) for name in value.split(",")}
    for name in (HOP_BY_HOP | named) & {key.lower() for key in kept}:
        kept.popall(name)
    return kept


async def _relay(
    service: Service, request: web.Request, upstream: aiohttp.ClientResponse
) -> web.StreamResponse:
    """Pass the response on as it comes, chunk by chunk. A response cut short upstream is cut short here."""
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
    response.headers.extend(_end_to_end(upstream.headers))
    try:
        await response.prepare(request)
        while chunk := await _next_chunk(request, upstream):
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError) as error:
        log.info("frontdoor.cut", service=service.name, path=request.path, reason=str(error))
        upstream.close()
        if request.transport is not None:
            request.transport.abort()
    return response


async def _next_chunk(request: web.Request, upstream: aiohttp.ClientResponse) -> bytes:
    """The next bytes, empty at the end. Raises ConnectionResetError once the client is gone."""
    reading = asyncio.ensure_future(upstream.content.readany())
    try:
        while not reading.done():
            await asyncio.wait({reading}, timeout=WATCH_S)
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the client has gone")
    finally:
        if not reading.done():
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
    return reading.result()


def _problem(status: int, title: str, detail: str, **members: object) -> web.Response:
    """RFC 9457 problem details. A service that is down may be up again in a second."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    response = json_response(body, status=status, headers={"Retry-After": "1"} if status == 503 else None)
    response.content_type = "application/problem+json"
    return response
