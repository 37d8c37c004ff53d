"""The Storage part: handlers on one port, recovery, and the work in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from services.localcloud.component import Context
from services.localcloud.faults import Rule
from services.localcloud.http import ApiError
from services.localcloud.storage.batch import Batch
from services.localcloud.storage.buckets import Buckets
from services.localcloud.storage.calls import Call, Router
from services.localcloud.storage.copies import Copies
from services.localcloud.storage.objects import Objects
from services.localcloud.storage.outbox import Outbox
from services.localcloud.storage.records import Message
from services.localcloud.storage.recovery import recover
from services.localcloud.storage.store import Store
from services.localcloud.storage.uploads import Uploads

CHECKPOINT_EVERY = 2.0
"""Seconds between looks at the write-ahead log."""
CHECKPOINT_COMMITS = 500
"""Commits that are worth a checkpoint."""

_PREFIXES = (
    "/storage/v1/",
    "/upload/storage/v1/",
    "/resumable/upload/storage/v1/",
    "/download/storage/v1/",
    "/batch/storage/v1",
)


class StoragePart:
    """See the package. Fault point ``storage.request`` sees ``method`` and the decoded ``path``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = Store(context.state / "buckets", self._notify, lambda: context.url)
        self._outbox = Outbox(context, self._store.index)
        store = self._store
        parts = (Buckets(store, context.project), Objects(store), Copies(store), Uploads(store))
        calls = Router([route for part in parts for route in part.routes()])
        self._batch = Batch(calls)
        self._router = calls
        self._checkpoints: asyncio.Task[None] | None = None

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """By prefix alone: the parts of a path are told apart on its raw form, in ``Router``."""
        return [web.route("*", prefix + r"{rest:[\s\S]*}", self._serve) for prefix in _PREFIXES]

    async def start(self) -> None:
        recover(self._store.layout, self._store.index, self._store.now())
        self._outbox.push(self._store.index.messages())
        self._checkpoints = asyncio.create_task(self._checkpoint())

    async def stop(self) -> None:
        if self._checkpoints:
            self._checkpoints.cancel()
            await asyncio.gather(self._checkpoints, return_exceptions=True)
        await self._outbox.stop()
        self._store.index.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        faults = self._context.faults
        rule = faults.check("storage.request", method=request.method, path=request.rel_url.path)
        if rule is not None:
            return await self._strike(rule, request)
        return await self._answer(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = Call.of(request, self._context.url)
        if call.path == "/batch/storage/v1":
            return await self._batch.run(call)
        return await self._router.answer(call)

    async def _strike(self, rule: Rule, request: web.Request) -> web.StreamResponse:
        """``drop`` loses the request, ``kill`` its answer; what makes no sense here does nothing."""
        if rule.action == "delay":
            await asyncio.sleep(rule.delay_ms / 1000)
        if rule.action == "error":
            await Call.of(request, "").drain()
            raise ApiError(rule.status, "Injected fault.", "backendError")
        if rule.action == "drop":
            return _hang_up(request)
        response = await self._answer(request)
        if rule.action == "kill":
            await asyncio.sleep(rule.delay_ms / 1000)
            return _hang_up(request)
        return response

    def _notify(self, messages: list[Message]) -> None:
        self._outbox.push(messages)

    async def _checkpoint(self) -> None:
        done = 0
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY)
            if self._store.commits - done >= CHECKPOINT_COMMITS:
                done = self._store.commits
                await asyncio.to_thread(self._store.index.checkpoint)


def _hang_up(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the answer handed back reaches nobody."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=503)
