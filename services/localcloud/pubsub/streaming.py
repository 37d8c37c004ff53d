"""StreamingPull: messages one way; acknowledgements, deadlines and flow control the other.

https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#streamingpullrequest
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from services.localcloud.http import ApiError
from services.localcloud.pubsub import validation
from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.deliveries import Holder, Want
from services.localcloud.pubsub.subscriber import RESPONSE_BYTES, received, require_pull
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import StreamingPullResponse

Write = Callable[[Any], Awaitable[None]]

_RESPONSE_MESSAGES = 200


class Stream:
    """One open stream. ``run`` ends when the client closes its side; ApiError when it cannot go on."""

    def __init__(self, broker: Broker, requests: AsyncIterator[Any], write: Write) -> None:
        self._broker = broker
        self._requests = requests
        self._write = write
        self._holder = Holder()
        self._changed = asyncio.Event()
        self._max_messages = 0
        self._max_bytes = 0
        self._deadline_s = 0

    async def run(self) -> None:
        first = await anext(self._requests, None)
        if first is None:
            return
        subscription = self._open(first)
        subscription.watchers.add(self._changed.set)
        tasks = [
            asyncio.create_task(self._listen(subscription)),
            asyncio.create_task(self._deliver(subscription)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            subscription.watchers.discard(self._changed.set)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _open(self, first: Any) -> Subscription:
        subscription = self._broker.subscription(first.subscription)
        require_pull(subscription)
        validation.check_ack_deadline(first.stream_ack_deadline_seconds, 10)
        self._max_messages = first.max_outstanding_messages
        self._max_bytes = first.max_outstanding_bytes
        self._handle(subscription, first)
        return subscription

    async def _listen(self, subscription: Subscription) -> None:
        async for request in self._requests:
            if request.subscription:
                raise ApiError(400, "subscription may be set in the first request only.")
            self._handle(subscription, request)

    def _handle(self, subscription: Subscription, request: Any) -> None:
        if request.stream_ack_deadline_seconds:
            validation.check_ack_deadline(request.stream_ack_deadline_seconds, 10)
            self._deadline_s = request.stream_ack_deadline_seconds
        if request.ack_ids:
            subscription.ack(request.ack_ids)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise ApiError(400, "modify_deadline_ack_ids and modify_deadline_seconds differ in length.")
        pairs = zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True)
        for ack_id, seconds in pairs:
            validation.check_ack_deadline(seconds)
            subscription.modify([ack_id], seconds)

    async def _deliver(self, subscription: Subscription) -> None:
        while True:
            self._changed.clear()
            require_pull(subscription)
            want = self._want()
            sent = subscription.take(want, "pubsub.deliver") if want.messages > 0 and want.size > 0 else []
            if sent:
                messages = received(subscription, sent)
                await self._write(StreamingPullResponse(received_messages=messages))
            elif subscription.closed is not None:
                raise subscription.closed
            else:
                await self._changed.wait()

    def _want(self) -> Want:
        """What flow control leaves room for; 0 in the client's limits means none."""
        messages, size = _RESPONSE_MESSAGES, RESPONSE_BYTES
        if self._max_messages > 0:
            messages = min(messages, self._max_messages - self._holder.messages)
        if self._max_bytes > 0:
            size = min(size, self._max_bytes - self._holder.size)
        return Want(messages, self._deadline_s, size, holder=self._holder)
