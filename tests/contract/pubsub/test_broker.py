"""The broker over its store, in process: group commit, cleanliness, retention, failure of the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.localcloud.faults import Faults
from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.deliveries import Want
from services.localcloud.pubsub.publisher import Publisher
from services.localcloud.pubsub.retention import Retention
from services.localcloud.pubsub.store import Store
from services.localcloud.pubsub.subscriber import Subscriber
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import Duration, SubscriptionConfig, TopicConfig, new_message

TOPIC, NAME = "projects/p/topics/topic", "projects/p/subscriptions/name"
WEEK_NS = 7 * 86400 * 10**9


async def open_broker(folder: Path, **topic: Any) -> tuple[Broker, Subscription]:
    """With one topic and one subscription, unless they are there already."""
    broker = Broker(Store(folder), Faults())
    broker.recover()
    if NAME not in broker.subscriptions:
        await Publisher(broker).create_topic(TopicConfig(name=TOPIC, **topic))
        await Subscriber(broker, 10).create_subscription(SubscriptionConfig(name=NAME, topic=TOPIC))
    return broker, broker.subscriptions[NAME]


async def publish(broker: Broker, *payloads: bytes) -> list[str]:
    return await broker.publish(TOPIC, [new_message(payload, {}) for payload in payloads])


def rows(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "pubsub.sqlite3") as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def take_and_ack(subscription: Subscription) -> int:
    sent = subscription.take(Want(1000, 10), "pubsub.deliver")
    subscription.ack([subscription.ack_id(one.delivery) for one in sent])
    return len(sent)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_what_arrives_together_is_committed_together(tmp_path: Path) -> None:
    async def test() -> None:
        broker, _ = await open_broker(tmp_path)
        commits: list[str] = []
        broker.store._db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        await asyncio.gather(*(publish(broker, b"x") for _ in range(200)))
        assert 1 <= len(commits) <= 3
        broker.close()

    run(test())


def test_nothing_is_left_once_all_is_acknowledged(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path)
        await Subscriber(broker, 10).create_subscription(SubscriptionConfig(name=NAME + "2", topic=TOPIC))
        await publish(broker, *[b"x"] * 50)
        await asyncio.sleep(0)
        assert take_and_ack(subscription) == 50
        assert take_and_ack(broker.subscriptions[NAME + "2"]) == 50
        broker.close()

    run(test())
    assert (rows(tmp_path, "messages"), rows(tmp_path, "deliveries")) == (0, 0)


def test_deleting_a_subscription_leaves_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path)
        await publish(broker, *[b"x"] * 5)
        waiting = asyncio.create_task(publish(broker, b"on its way"))
        await asyncio.sleep(0)
        request = type("Request", (), {"subscription": subscription.name})
        await Subscriber(broker, 10).delete_subscription(request)
        await waiting
        broker.close()

    run(test())
    tables = ("messages", "deliveries", "subscriptions")
    assert [rows(tmp_path, table) for table in tables] == [0, 0, 0]


def test_a_publisher_that_goes_away_does_not_take_its_message_along(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path)
        task = asyncio.create_task(publish(broker, b"x"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
        assert take_and_ack(subscription) == 1
        broker.close()

    run(test())


def test_a_full_disk_fails_the_publish_and_nothing_else(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path)
        pages = broker.store._db.execute("PRAGMA page_count").fetchone()[0]
        broker.store._db.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await publish(broker, b"x" * 1_000_000)
        await publish(broker, b"small")
        assert [d.message.wire.data for d in subscription.backlog] == [b"small"]
        broker.close()

    run(test())
    assert rows(tmp_path, "messages") == 1


def test_recovery_restores_what_is_pending(tmp_path: Path) -> None:
    async def first() -> None:
        broker, subscription = await open_broker(tmp_path)
        await publish(broker, b"1", b"2", b"3")
        await asyncio.sleep(0)
        sent = subscription.take(Want(2, 10), "pubsub.deliver")
        subscription.ack([subscription.ack_id(sent[0].delivery)])
        broker.close()

    async def second() -> None:
        broker, subscription = await open_broker(tmp_path)
        left = [(d.message.wire.data, d.attempts) for d in subscription.backlog]
        assert left == [(b"2", 1), (b"3", 0)]
        broker.close()

    run(first())
    run(second())


def test_old_messages_are_dropped_at_their_end(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path)
        await publish(broker, b"x")
        retention = Retention(broker)
        retention.sweep(time.time_ns() + WEEK_NS - 10**12)
        assert len(subscription.backlog) == 1
        retention.sweep(time.time_ns() + WEEK_NS)
        assert len(subscription.backlog) == 0
        retention.stop()
        broker.close()

    run(test())
    assert rows(tmp_path, "messages") == 0


def test_a_topic_s_messages_are_kept_for_its_retention_only(tmp_path: Path) -> None:
    async def test() -> None:
        broker, subscription = await open_broker(tmp_path, message_retention_duration=Duration(seconds=3600))
        await publish(broker, b"x")
        await asyncio.sleep(0)
        take_and_ack(subscription)
        broker.store.flush()
        retention = Retention(broker)
        retention.sweep(time.time_ns() + 3500 * 10**9)
        assert broker.store.oldest_retained(TOPIC) is not None
        retention.sweep(time.time_ns() + 3601 * 10**9)
        assert broker.store.oldest_retained(TOPIC) is None
        retention.stop()
        broker.close()

    run(test())
