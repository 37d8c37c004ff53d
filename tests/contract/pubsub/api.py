"""Google's clients, with the few conveniences the tests share."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from google.cloud import pubsub_v1

from tests.contract.pubsub.backends import Backend

PROJECT = "fitsense-test"
_serial = itertools.count()


def eventually(condition: Callable[[], Any], timeout: float = 30) -> Any:
    """The first truthy value of ``condition``; fails the test when there is none in time."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail("the condition never came true")
        time.sleep(0.01)
    return value


class Api:
    """Publisher and subscriber clients of one backend; every name it makes is new."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PUBSUB_EMULATOR_HOST", backend.host)
            self.publisher = pubsub_v1.PublisherClient(
                batch_settings=pubsub_v1.types.BatchSettings(max_messages=1),
                publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
            )
            self.subscriber = pubsub_v1.SubscriberClient()

    def close(self) -> None:
        self.publisher.stop()
        self.subscriber.close()

    def new_name(self, collection: str) -> str:
        return f"projects/{PROJECT}/{collection}/t{os.getpid()}-{next(_serial)}"

    def topic(self, **config: Any) -> str:
        name = self.new_name("topics")
        self.publisher.create_topic(request={"name": name, **config})
        return name

    def subscription(self, topic: str, **config: Any) -> str:
        name = self.new_name("subscriptions")
        self.subscriber.create_subscription(request={"name": name, "topic": topic, **config})
        return name

    def publish(self, topic: str, *payloads: bytes, key: str = "", **attributes: str) -> list[str]:
        """One publish call a payload, in order; returns the ids."""
        return [
            str(self.publisher.publish(topic, payload, ordering_key=key, **attributes).result(30))
            for payload in payloads
        ]

    def pull(self, subscription: str, most: int = 100) -> list[Any]:
        """What is there now, perhaps nothing."""
        request = {"subscription": subscription, "max_messages": most, "return_immediately": True}
        return list(self.subscriber.pull(request=request, timeout=20).received_messages)

    def pull_some(self, subscription: str, count: int, most: int = 100) -> list[Any]:
        """``count`` messages, waiting for them."""
        got: list[Any] = []

        def enough() -> bool:
            got.extend(self.pull(subscription, most))
            return len(got) >= count

        eventually(enough)
        assert len(got) == count
        return got

    def ack(self, subscription: str, received: list[Any]) -> None:
        self.subscriber.acknowledge(subscription=subscription, ack_ids=[m.ack_id for m in received])

    def modack(self, subscription: str, received: list[Any], seconds: int) -> None:
        self.subscriber.modify_ack_deadline(
            subscription=subscription,
            ack_ids=[m.ack_id for m in received],
            ack_deadline_seconds=seconds,
        )

    def nack(self, subscription: str, received: list[Any]) -> None:
        self.modack(subscription, received, 0)

    def drain(self, subscription: str, count: int) -> list[Any]:
        """Pull and acknowledge until ``count`` different messages came."""
        got: dict[str, Any] = {}

        def more() -> bool:
            received = self.pull(subscription, 1000)
            if received:
                self.ack(subscription, received)
            got.update({m.message.message_id: m.message for m in received})
            return len(got) >= count

        eventually(more)
        return list(got.values())


def data(received: list[Any]) -> list[bytes]:
    return [bytes(m.message.data) for m in received]
