"""Messages grow old: a timer for the moment at which the next one does."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.deliveries import Delivery


class Retention:
    """Drops what is older than its subscription's retention, and what topics no longer retain.

    One timer, set for the earliest end there is. Messages of a subscription end in the order of their
    publication, so a new one never has to move the timer, only to set it when there is none.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._timer: asyncio.TimerHandle | None = None
        broker.on_publish = self._published

    def start(self) -> None:
        """Sweep now, and from then on when something is due."""
        self.sweep(time.time_ns())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def changed(self) -> None:
        """A retention may have changed, and with it what is due next."""
        self.stop()
        self._timer = None
        self._arm()

    def sweep(self, now_ns: int) -> None:
        """Drop all that is over at ``now_ns`` (since the epoch)."""
        for subscription in self._broker.subscriptions.values():
            end = now_ns - subscription.retention_ns
            oldest = subscription.backlog.oldest()
            if oldest is not None and oldest.publish_ns < end:
                subscription.purge(partial(_older, end))
        for topic in self._broker.topics.values():
            if topic.retention_ns:
                self._broker.store.forget_retained(topic.name, now_ns - topic.retention_ns)
        self.changed()

    def _published(self) -> None:
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        due = self._next_end()
        if due is None:
            return
        wait = max((due - time.time_ns()) / 1e9, 1.0)
        self._timer = asyncio.get_running_loop().call_later(wait, lambda: self.sweep(time.time_ns()))

    def _next_end(self) -> int | None:
        ends = []
        for subscription in self._broker.subscriptions.values():
            oldest = subscription.backlog.oldest()
            if oldest is not None:
                ends.append(oldest.publish_ns + subscription.retention_ns)
        for topic in self._broker.topics.values():
            if topic.retention_ns:
                oldest_ns = self._broker.store.oldest_retained(topic.name)
                if oldest_ns is not None:
                    ends.append(oldest_ns + topic.retention_ns)
        return min(ends, default=None)


def _older(end_ns: int, delivery: Delivery) -> bool:
    return delivery.message.publish_ns < end_ns
