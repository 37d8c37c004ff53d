"""google.pubsub.v1.Subscriber: subscriptions, pulling, acknowledging, seeking."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from services.localcloud.http import ApiError
from services.localcloud.pubsub import names, seek, validation
from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.deliveries import Want
from services.localcloud.pubsub.pages import page
from services.localcloud.pubsub.publisher import merged
from services.localcloud.pubsub.subscription import Sent, Subscription
from services.localcloud.pubsub.wire import Empty, PullResponse, ReceivedMessage, message_class, timestamp_ns

_ListSubscriptions = message_class("ListSubscriptionsResponse")
_ListSnapshots = message_class("ListSnapshotsResponse")
_SeekResponse = message_class("SeekResponse")

_PULL_WAIT_S = 30.0
_MAX_PULL = 1000

RESPONSE_BYTES = 3_500_000
"""Of one answer's messages: gRPC clients refuse more than 4 MiB unless told otherwise."""


class Subscriber:
    """One coroutine per unary method: protobuf request in, response out, ApiError for the rest."""

    def __init__(self, broker: Broker, min_ack_deadline_s: int) -> None:
        self._broker = broker
        self._min_ack_deadline_s = min_ack_deadline_s

    async def create_subscription(self, config: Any) -> Any:
        names.check_new(config.name, "subscriptions")
        names.parse(config.topic, "topics")
        if config.name in self._broker.subscriptions:
            raise ApiError(409, f"Subscription already exists (resource={names.short(config.name)}).")
        if config.topic not in self._broker.topics:
            raise ApiError(404, f"Subscription topic does not exist (resource={names.short(config.topic)}).")
        self._complete(config)
        first = self._broker.last_id + 1
        number = self._broker.store.add_subscription(config.name, first, config.SerializeToString())
        self._broker.attach(Subscription(self._broker, number, first, config))
        return config

    async def get_subscription(self, request: Any) -> Any:
        return self._broker.subscription(request.subscription).config

    async def update_subscription(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription.name)
        config, mask = subscription.config, request.update_mask
        validation.check_mask(mask.paths, validation.SUBSCRIPTION_FIELDS, config.DESCRIPTOR)
        return self._reconfigure(subscription, merged(config, request.subscription, mask))

    async def modify_push_config(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        updated = merged(subscription.config)
        updated.push_config.CopyFrom(request.push_config)
        self._reconfigure(subscription, updated)
        return Empty()

    async def list_subscriptions(self, request: Any) -> Any:
        prefix = f"projects/{names.project_of(request.project)}/"
        found = [name for name in self._broker.subscriptions if name.startswith(prefix)]
        shown, token = page(found, request.page_size, request.page_token)
        configs = [self._broker.subscriptions[name].config for name in shown]
        return _ListSubscriptions(subscriptions=configs, next_page_token=token)

    async def delete_subscription(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        self._broker.store.flush()
        subscription.purge(lambda _: True)
        subscription.close(ApiError(404, f"Subscription does not exist (resource={subscription.name})."))
        del self._broker.subscriptions[subscription.name]
        topic = self._broker.topics.get(subscription.topic)
        if topic is not None and subscription in topic.subscriptions:
            topic.subscriptions.remove(subscription)
        self._broker.store.delete_subscription(subscription.number)
        self._broker.on_change(subscription)
        return Empty()

    async def acknowledge(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        _need_ids(request.ack_ids)
        subscription.ack(request.ack_ids)
        await self._broker.store.committed()
        return Empty()

    async def modify_ack_deadline(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        _need_ids(request.ack_ids)
        validation.check_ack_deadline(request.ack_deadline_seconds)
        subscription.modify(request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    async def pull(self, request: Any, remaining_s: float | None = None) -> Any:
        """Waits for a first message, unless asked to return at once; empty when none comes in time."""
        subscription = self._broker.subscription(request.subscription)
        if request.max_messages <= 0:
            raise ApiError(400, "max_messages must be larger than 0.")
        wait = 0.0 if request.return_immediately else _patience(remaining_s)
        sent = await _first_messages(subscription, min(request.max_messages, _MAX_PULL), wait)
        return PullResponse(received_messages=received(subscription, sent))

    async def seek(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if request.WhichOneof("target") != "time":
            raise ApiError(501, "Seeking to a snapshot is not offered by the local cloud; seek to a time.")
        seek.to_time(self._broker, subscription, timestamp_ns(request.time))
        return _SeekResponse()

    async def list_snapshots(self, request: Any) -> Any:
        names.project_of(request.project)
        return _ListSnapshots()

    async def no_snapshots(self, _: Any) -> Any:
        """Create, get, update and delete a snapshot."""
        raise ApiError(501, "Snapshots are not offered by the local cloud; seek to a time instead.")

    def _complete(self, config: Any, previous: Any = None) -> None:
        validation.complete_subscription(config, self._min_ack_deadline_s)
        target = config.dead_letter_policy.dead_letter_topic
        unchanged = previous is not None and target == previous.dead_letter_policy.dead_letter_topic
        if target and not unchanged and target not in self._broker.topics:
            raise ApiError(404, f"Dead letter topic not found (resource={target}).")

    def _reconfigure(self, subscription: Subscription, config: Any) -> Any:
        self._complete(config, subscription.config)
        self._broker.store.save_subscription(subscription.number, config.SerializeToString())
        subscription.configure(config)
        self._broker.on_change(subscription)
        return config


def require_pull(subscription: Subscription) -> None:
    """ApiError FAILED_PRECONDITION for what cannot be pulled from."""
    for refused, what in ((subscription.endpoint, "a push"), (subscription.config.detached, "a detached")):
        if refused:
            message = f"Subscription is {what} subscription: (resource={subscription.name})"
            raise ApiError(400, message, status="FAILED_PRECONDITION")


def received(subscription: Subscription, sent: list[Sent]) -> list[Any]:
    """The ReceivedMessages of what was taken; a fault's ``error`` takes it all back and is raised."""
    refused = next((item.error for item in sent if item.error), 0)
    if refused:
        subscription.release(sent)
        raise ApiError(refused, "fault: pubsub.deliver")
    counted = subscription.config.HasField("dead_letter_policy")
    return [
        ReceivedMessage(
            ack_id=subscription.ack_id(item.delivery),
            message=item.delivery.message.wire,
            delivery_attempt=item.delivery.attempts if counted else 0,
        )
        for item in sent
        for _ in range(item.copies)
    ]


def _patience(remaining_s: float | None) -> float:
    """How long a pull waits: so that an empty answer comes before the caller's deadline."""
    return _PULL_WAIT_S if remaining_s is None else min(_PULL_WAIT_S, remaining_s * 0.9)


def _need_ids(ack_ids: Any) -> None:
    if not ack_ids:
        raise ApiError(400, "No ack ids specified.")


async def _first_messages(subscription: Subscription, limit: int, wait_s: float) -> list[Sent]:
    changed = asyncio.Event()
    subscription.watchers.add(changed.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s or None):
                while True:
                    changed.clear()
                    require_pull(subscription)
                    want = Want(limit, subscription.config.ack_deadline_seconds, RESPONSE_BYTES)
                    if (sent := subscription.take(want, "pubsub.deliver")) or not wait_s:
                        return sent
                    await changed.wait()
        return []
    finally:
        subscription.watchers.discard(changed.set)
