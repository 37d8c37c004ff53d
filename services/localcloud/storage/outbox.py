"""Hands committed notifications to Pub/Sub: at once, in order of commit per topic, until taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import structlog

from services.localcloud.component import Context
from services.localcloud.http import ApiError
from services.localcloud.storage.index import Index
from services.localcloud.storage.records import Message

log = structlog.get_logger(__name__)

FIRST_RETRY = 0.05
LAST_RETRY = 5.0
"""Seconds between attempts, doubling from the first to the last."""
FORGET_EVERY = 64
"""Published messages gathered before their rows are deleted; a kill in between publishes them twice."""


class Outbox:
    """A queue per topic, so that a missing topic holds up nobody else. Idle without a Pub/Sub part."""

    def __init__(self, context: Context, index: Index) -> None:
        self._context = context
        self._index = index
        self._queues: dict[str, deque[Message]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}

    def push(self, messages: Iterable[Message]) -> None:
        """Take messages that stand in the index's outbox."""
        if self._context.publish is None:
            return
        for message in messages:
            self._queues.setdefault(message.topic, deque()).append(message)
            if message.topic not in self._workers:
                self._workers[message.topic] = asyncio.create_task(self._drain(message.topic))

    async def stop(self) -> None:
        """What is not yet published stays in the index."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _drain(self, topic: str) -> None:
        queue, published = self._queues[topic], []
        try:
            while queue:
                await self._publish(queue[0])
                published.append(queue.popleft().seq)
                if len(published) >= FORGET_EVERY:
                    self._index.delete_messages(published)
                    published.clear()
        finally:
            del self._workers[topic]
            if published:
                self._index.delete_messages(published)

    async def _publish(self, message: Message) -> None:
        publish, wait = self._context.publish, FIRST_RETRY
        while publish is not None:
            try:
                await publish(message.topic, message.data, message.attributes)
            except (ApiError, OSError) as error:
                log.warning("storage.notification.retry", topic=message.topic, error=str(error), wait=wait)
            except Exception:
                log.exception("storage.notification.bug", topic=message.topic, wait=wait)
            else:
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, LAST_RETRY)
