"""Topics, subscriptions and the way of a message between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.localcloud.faults import Faults
from services.localcloud.http import ApiError
from services.localcloud.pubsub import dead_letters, names, validation
from services.localcloud.pubsub.deliveries import Delivery, Message
from services.localcloud.pubsub.store import Store
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import NANOS, SubscriptionConfig, TopicConfig, duration_ns

_IDS_PER_EPOCH = 10**12
_HOLD_MS = 50


@dataclass(slots=True, eq=False)
class Topic:
    """A live topic and the subscriptions attached to it."""

    config: Any
    subscriptions: list[Subscription] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.config.name)

    @property
    def retention_ns(self) -> int:
        """For how long its messages are kept although all subscriptions acknowledged them; 0: not at all."""
        longest = duration_ns(self.config.message_retention_duration)
        keeping = (s.retention_ns for s in self.subscriptions if s.config.retain_acked_messages)
        return max(longest, *keeping, 0)


class Broker:
    """The state of Pub/Sub: in memory what is live, in the store what must survive. One event loop's own."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.on_change: Callable[[Subscription | None], None] = lambda _: None
        """Told when a subscription appears, changes or goes (``closed``); with None, when a topic changes."""
        self.on_publish: Callable[[], None] = lambda: None
        """Told after each commit of a new message."""
        self._last_id = store.epoch * _IDS_PER_EPOCH

    @property
    def last_id(self) -> int:
        """The id of the youngest message."""
        return self._last_id

    def recover(self) -> None:
        """Read topics, subscriptions and undelivered messages back from the store."""
        for config in self.store.topics():
            topic = TopicConfig.FromString(config)
            self.topics[topic.name] = Topic(topic)
        numbered = {}
        for number, first, config in self.store.subscriptions():
            subscription = Subscription(self, number, first, SubscriptionConfig.FromString(config))
            numbered[number] = self.attach(subscription)
        for message, number, attempts in self.store.pending():
            if number in numbered:
                message.pending += 1
                numbered[number].offer(message, attempts)

    def attach(self, subscription: Subscription) -> Subscription:
        """Make a subscription known, and part of its topic if that still is."""
        self.subscriptions[subscription.name] = subscription
        topic = self.topics.get(subscription.topic)
        if topic is not None and not subscription.config.detached:
            topic.subscriptions.append(subscription)
        self.on_change(subscription)
        return subscription

    def close(self) -> None:
        """Nobody is served any more; the store is complete and closed."""
        for subscription in self.subscriptions.values():
            subscription.close(ApiError(503, "the local cloud is stopping"))
        self.store.close()

    def topic(self, name: str) -> Topic:
        """ApiError 404 when there is none."""
        names.parse(name, "topics")
        if name not in self.topics:
            raise ApiError(404, f"Topic not found (resource={names.short(name)}).")
        return self.topics[name]

    def subscription(self, name: str) -> Subscription:
        """ApiError 404 when there is none."""
        names.parse(name, "subscriptions")
        if name not in self.subscriptions:
            raise ApiError(404, f"Subscription does not exist (resource={names.short(name)}).")
        return self.subscriptions[name]

    async def publish(self, topic_name: str, messages: Iterable[Any]) -> list[str]:
        """Store and hand on; returns the messages' ids once they are safe. ApiError 400, 404."""
        topic = self.topic(topic_name)
        wires = list(messages)
        validation.check_messages(wires)
        copies = 1
        rule = self.faults.check("pubsub.publish", topic=names.short(topic_name))
        if rule is not None:
            if rule.action == "error":
                raise ApiError(rule.status, "fault: pubsub.publish")
            if rule.action in ("delay", "reorder"):
                await asyncio.sleep((rule.delay_ms or _HOLD_MS) / 1000)
            copies = {"drop": 0, "duplicate": 2}.get(rule.action, 1)
        ids = [str(self._enqueue(topic, wire, copies)) for wire in wires]
        await self.store.committed()
        return ids

    def forward(self, source: Subscription, dead: Iterable[Delivery]) -> None:
        """Move deliveries that are out of attempts to the dead-letter topic; keep trying if it is gone."""
        target = self.topics.get(source.config.dead_letter_policy.dead_letter_topic)
        for delivery in dead:
            if target is None:
                dead_letters.keep_trying(source, delivery)
                continue
            self._enqueue(target, dead_letters.wrap(delivery, source))
            self.settle(source, [source.backlog.discard(delivery)])

    def settle(self, subscription: Subscription, done: list[Delivery]) -> None:
        """These deliveries are over: forget them, and the messages that nobody needs any more."""
        if not done:
            return
        dropped = []
        for delivery in done:
            message = delivery.message
            message.pending -= 1
            if message.pending == 0 and not self._retained(message):
                dropped.append(message.id)
        self.store.done(subscription.number, [d.message.id for d in done], dropped)

    def _retained(self, message: Message) -> bool:
        topic = self.topics.get(message.topic)
        return topic is not None and topic.retention_ns > 0

    def _enqueue(self, topic: Topic, wire: Any, copies: int = 1) -> int:
        """Give the message its id and time, store it, and hand it on after the commit; returns its id."""
        for _ in range(copies):
            message = self._stamp(topic, wire)
            wanting = [s for s in topic.subscriptions if s.wants(message)]
            message.pending = len(wanting)
            if wanting or topic.retention_ns:
                self.store.publish(message, [s.number for s in wanting])
                self.store.after_commit(partial(self._hand_on, message, wanting))
        if copies == 0:
            self._last_id += 1
        return self._last_id

    def _stamp(self, topic: Topic, wire: Any) -> Message:
        self._last_id += 1
        now = time.time_ns() // 1000 * 1000
        stamped = type(wire)()
        stamped.CopyFrom(wire)
        stamped.message_id = str(self._last_id)
        stamped.publish_time.seconds, stamped.publish_time.nanos = divmod(now, NANOS)
        return Message(self._last_id, topic.name, now, stamped, stamped.ByteSize())

    def _hand_on(self, message: Message, wanting: list[Subscription]) -> None:
        for subscription in wanting:
            if subscription.closed is None:
                subscription.offer(message)
        self.on_publish()
