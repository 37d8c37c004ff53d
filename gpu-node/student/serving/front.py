"""The node's HTTP API: OpenAI's chat completions under an alias, and how the node is.

``POST /v1/chat/completions`` goes to vLLM as it is but for its ``model``; the answer comes back as it is, a
stream as a stream, with the version in ``model`` and in the header ``x-fitsense-model-version``.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
import structlog
from aiohttp import web

from fitsense.errors import FitSenseError, Retryable
from fitsense.models.serving import ALIAS
from student.serving.health import health
from student.serving.metrics import Metrics
from student.serving.node import Node, Serving

log = structlog.get_logger(__name__)

VERSION_HEADER = "x-fitsense-model-version"
REQUEST_HEADER = "x-request-id"
MAX_BODY = 4 << 20
RETRY_AFTER_S = 5
CONNECT_S = 5.0


class Front:
    """Routes and handlers of one node. ``draining`` refuses what is new."""

    def __init__(self, node: Node, session: aiohttp.ClientSession, told: Mapping[str, Any]) -> None:
        self.draining = False
        self.node = node
        self.metrics = Metrics()
        self._session = session
        self._told = told

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self.chat),
                web.get("/v1/models", self.models),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.exposition),
            ]
        )
        return app

    async def chat(self, request: web.Request) -> web.StreamResponse:
        identity = request.headers.get(REQUEST_HEADER) or uuid.uuid4().hex
        version = ""
        try:
            body = _parsed(await request.read())
            if self.draining:
                raise Draining("this node is being stopped")
            model, user = str(body.get("model") or ALIAS), str(body.get("user") or identity)
            with self.node.lease(model, user) as serving:
                version = serving.version
                response = await self._forward(request, serving, body, identity)
        except FitSenseError as error:
            response = problem(error)
        except web.HTTPRequestEntityTooLarge:
            response = _error(413, f"a request has at most {MAX_BODY} bytes", "invalid_request_error")
        self.metrics.requests.labels(version, str(response.status)).inc()
        return response

    async def _forward(
        self, request: web.Request, serving: Serving, body: dict[str, Any], identity: str
    ) -> web.StreamResponse:
        """To the version's engine and back. An engine that dies before it answers is worth another try."""
        begun = time.monotonic()
        data = orjson.dumps({**body, "model": serving.version})
        headers = {"content-type": "application/json", REQUEST_HEADER: identity}
        response = web.StreamResponse(headers={VERSION_HEADER: serving.version, REQUEST_HEADER: identity})
        try:
            url = f"{serving.host.url}/v1/chat/completions"
            async with self._session.post(url, data=data, headers=headers) as upstream:
                response.set_status(upstream.status)
                response.content_type = upstream.content_type
                await self._relay(request, upstream, response, serving.version, begun)
        except ClientGone:
            log.info("client.gone", version=serving.version)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("engine.broke_off", version=serving.version, reason=str(error))
            if not response.prepared:
                raise EngineGone(f"the engine of {serving.version} went away") from error
            await _break_off(response, serving.version)
        return response

    async def _relay(
        self,
        request: web.Request,
        upstream: aiohttp.ClientResponse,
        response: web.StreamResponse,
        version: str,
        begun: float,
    ) -> None:
        async for chunk in upstream.content.iter_any():
            if not response.prepared:
                self.metrics.first_byte.labels(version).observe(time.monotonic() - begun)
            await _write(request, response, chunk)
        await _write(request, response, b"")

    async def models(self, _: web.Request) -> web.Response:
        """The alias, and each version that can be asked for by name."""
        names = [ALIAS, *self.node.servings] if self.node.routes.champion else list(self.node.servings)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "fitsense"} for name in names]
        return web.json_response({"object": "list", "data": data})

    async def healthz(self, _: web.Request) -> web.Response:
        """200 when the champion's engine answers now and the champion has passed its probe; else 503."""
        found = await health(self.node, self._session, self._told, draining=self.draining)
        return web.json_response(found, status=200 if found["status"] == "ok" else 503)

    async def exposition(self, _: web.Request) -> web.Response:
        """vLLM's metrics of the champion's engine, then the node's own."""
        body = await self._engine_metrics() + self.metrics.exposition(self.node)
        return web.Response(body=body, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _engine_metrics(self) -> bytes:
        serving = self.node.servings.get(self.node.routes.champion or "")
        if serving is None or serving.host.state != "ready":
            return b""
        try:
            limit = aiohttp.ClientTimeout(total=5)
            async with self._session.get(f"{serving.host.url}/metrics", timeout=limit) as answer:
                return await answer.read() if answer.status == 200 else b""
        except (TimeoutError, aiohttp.ClientError):
            return b""


class BadRequest(FitSenseError):
    """A body that is no JSON object."""

    status = 400


class Draining(Retryable):
    """The node stops; another one answers."""


class EngineGone(Retryable):
    """The engine went away before it answered."""


class ClientGone(Exception):
    """Nobody reads any more; leaving the engine's answer frees its place there."""


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object")
    return value


def problem(error: FitSenseError) -> web.Response:
    """In OpenAI's form, which its clients read."""
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(error.status, "server_error")
    return _error(error.status, error.message, kind)


def _error(status: int, message: str, kind: str) -> web.Response:
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 503 else {}
    value = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return web.json_response(value, status=status, headers=headers)


async def _write(request: web.Request, response: web.StreamResponse, chunk: bytes) -> None:
    """To the client; an empty chunk ends the answer. Raises ClientGone."""
    try:
        if not response.prepared:
            await response.prepare(request)
        await (response.write(chunk) if chunk else response.write_eof())
    except ConnectionError as error:
        raise ClientGone from error


async def _break_off(response: web.StreamResponse, version: str) -> None:
    """A stream that ends early says so, instead of looking finished."""
    if response.content_type == "text/event-stream":
        error = {"message": f"the engine of {version} went away", "type": "server_error", "code": 503}
        with contextlib.suppress(ConnectionError):
            await response.write(b"data: " + orjson.dumps({"error": error}) + b"\n\n")
            await response.write_eof()
    else:
        response.force_close()
