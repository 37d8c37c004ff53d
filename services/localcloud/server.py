"""The local cloud's one process: parts wired together behind one port."""

from __future__ import annotations

import asyncio
import importlib
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import structlog
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from services.localcloud.component import Component, Context
from services.localcloud.faults import Rule
from services.localcloud.http import ApiError, errors_middleware, json_response
from services.localcloud.mux import Mux

log = structlog.get_logger(__name__)

PARTS = ("pubsub", "storage", "compute", "frontdoor")
"""Wiring order: Pub/Sub first, since the others publish; the front door last, since it takes what is left."""

MAX_BODY = 6 * 2**30


class LocalCloud:
    """All parts on one port. ``start`` returns once calls are accepted; ``stop`` leaves nothing behind."""

    def __init__(self, context: Context, parts: Sequence[str] = PARTS) -> None:
        self.context = context
        self.parts: list[Component] = [
            importlib.import_module(f"services.localcloud.{name}").create(context) for name in parts
        ]
        self._runner: web.AppRunner | None = None
        self._mux: Mux | None = None
        self._accepting: asyncio.Task[None] | None = None

    def app(self) -> web.Application:
        app = web.Application(middlewares=[errors_middleware], client_max_size=MAX_BODY)
        app.add_routes(self._control_routes())
        for part in self.parts:
            app.add_routes(part.routes())
        return app

    async def start(self) -> None:
        sock = socket.create_server(("127.0.0.1", self.context.port), backlog=1024)
        self.context.port = sock.getsockname()[1]
        self.context.url = f"http://127.0.0.1:{self.context.port}"
        for part in self.parts:
            await part.start()
        self._runner = web.AppRunner(self.app(), access_log=None, auto_decompress=False)
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the web runner has no server after setup")
        grpc_path = next((getattr(part, "grpc_path", None) for part in self.parts), None)
        self._mux = Mux(sock, server, grpc_path)
        self._accepting = asyncio.create_task(self._mux.serve())

    async def stop(self) -> None:
        if self._accepting and self._mux and self._runner:
            self._accepting.cancel()
            await self._mux.close()
            await self._runner.cleanup()
        for part in reversed(self.parts):
            await part.stop()

    def _control_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_localcloud/health", self._health),
            web.get("/_localcloud/faults", self._get_faults),
            web.put("/_localcloud/faults", self._put_faults),
        ]

    async def _health(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok", "project": self.context.project})

    async def _get_faults(self, _: web.Request) -> web.Response:
        return json_response(self.context.faults.report())

    async def _put_faults(self, request: web.Request) -> web.Response:
        try:
            rules = TypeAdapter(list[Rule]).validate_json(await request.read())
        except ValidationError as error:
            raise ApiError(400, f"fault rules: {error}") from error
        self.context.faults.replace(rules)
        return json_response(self.context.faults.report())


async def serve(context: Context, parts: Sequence[str], ready: Path | None) -> None:
    """Run until SIGTERM or SIGINT. ``ready`` is written (atomically) with the URL once calls are accepted."""
    cloud = LocalCloud(context, parts)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await cloud.start()
    log.info("localcloud.ready", url=context.url, state=str(context.state))
    if ready:
        partial = ready.with_suffix(".partial")
        partial.write_text(context.url)
        partial.rename(ready)
    await stopping.wait()
    await cloud.stop()
