"""``kill -9`` and a restart: nothing acknowledged is lost, and what was true still is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions, retry

from tests.cloud import CloudProcess
from tests.contract.pubsub.api import Api, data, eventually
from tests.contract.pubsub.backends import OURS, Backend
from tests.contract.pubsub.endpoint import PushEndpoint
from tests.contract.pubsub.test_streaming import streaming

SOON = retry.Retry(
    initial=0.1,
    maximum=0.5,
    timeout=60,
    predicate=retry.if_exception_type(exceptions.ServiceUnavailable, exceptions.Unknown),
)
"""The client's own retry waits up to a minute."""


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Api]:
    """A cloud of the test's own, to be killed."""
    cloud = CloudProcess(tmp_path, "pubsub").start()
    api = Api(Backend(OURS, cloud.url.removeprefix("http://"), cloud))
    yield api
    api.close()
    cloud.stop()


def at_least(made: list[bytes], count: int) -> bool:
    return len(made) >= count


def restart(api: Api) -> None:
    assert api.backend.cloud is not None
    api.backend.cloud.restart()


def test_nothing_published_is_lost(mortal: Api) -> None:
    """Four threads publish while the cloud is killed twice; each retries until it has an answer."""
    topic = mortal.topic()
    name = mortal.subscription(topic)
    acknowledged: list[bytes] = []

    def publish(thread: int) -> None:
        for i in range(100):
            payload = f"{thread}-{i}".encode()
            mortal.publisher.publish(topic, payload, retry=SOON).result(60)
            acknowledged.append(payload)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for share in (100, 250):
        eventually(partial(at_least, acknowledged, share))
        restart(mortal)
    for thread in threads:
        thread.join(60)
    assert len(acknowledged) == 400
    assert {bytes(m.data) for m in mortal.drain(name, 400)} >= set(acknowledged)


def test_a_stream_goes_on_after_a_restart(mortal: Api) -> None:
    topic = mortal.topic()
    name = mortal.subscription(topic)
    got: set[bytes] = set()

    def callback(message: Any) -> None:
        got.add(message.data)
        message.ack()

    with streaming(mortal, name, callback):
        mortal.publish(topic, b"before")
        eventually(lambda: got == {b"before"})
        restart(mortal)
        mortal.publish(topic, b"after")
        eventually(lambda: b"after" in got)


def test_acknowledged_stays_acknowledged_and_the_rest_comes(mortal: Api) -> None:
    topic = mortal.topic()
    name = mortal.subscription(topic)
    mortal.publish(topic, *[f"{i}".encode() for i in range(40)])
    received = mortal.pull_some(name, 40)
    mortal.ack(name, received[:25])
    restart(mortal)
    assert sorted(data(mortal.pull_some(name, 15))) == sorted(data(received[25:]))
    assert mortal.pull(name) == []


def test_an_ack_id_from_before_still_acknowledges(mortal: Api) -> None:
    topic = mortal.topic()
    name = mortal.subscription(topic)
    mortal.publish(topic, b"x")
    received = mortal.pull_some(name, 1)
    restart(mortal)
    mortal.ack(name, received)
    assert mortal.pull(name) == []


def test_configurations_are_kept(mortal: Api) -> None:
    topic, dead = mortal.topic(labels={"a": "b"}), mortal.topic()
    name = mortal.subscription(
        topic,
        filter="attributes:wanted",
        ack_deadline_seconds=33,
        enable_message_ordering=True,
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 7},
        retry_policy={"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 2}},
    )
    gone = mortal.subscription(topic)
    mortal.subscriber.delete_subscription(subscription=gone)
    before = (mortal.publisher.get_topic(topic=topic), mortal.subscriber.get_subscription(subscription=name))
    restart(mortal)
    after = (mortal.publisher.get_topic(topic=topic), mortal.subscriber.get_subscription(subscription=name))
    assert after == before
    assert list(mortal.publisher.list_topic_subscriptions(topic=topic)) == [name]
    mortal.publish(topic, b"unwanted")
    mortal.publish(topic, b"wanted", wanted="1")
    assert data(mortal.pull_some(name, 1)) == [b"wanted"]


def test_attempts_go_on_counting(mortal: Api) -> None:
    topic, dead_topic = mortal.topic(), mortal.topic()
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    name, dead = mortal.subscription(topic, dead_letter_policy=policy), mortal.subscription(dead_topic)
    mortal.publish(topic, b"x")
    attempts = []
    for _ in range(3):
        attempts += [m.delivery_attempt for m in mortal.pull_some(name, 1)]
        restart(mortal)
    for _ in range(2):
        received = mortal.pull_some(name, 1)
        attempts += [m.delivery_attempt for m in received]
        mortal.nack(name, received)
    assert attempts == [1, 2, 3, 4, 5]
    mortal.pull_some(dead, 1)
    restart(mortal)
    assert mortal.pull(name) == []
    assert data(mortal.pull_some(dead, 1)) == [b"x"]


def test_order_is_kept(mortal: Api) -> None:
    topic = mortal.topic()
    name = mortal.subscription(topic, enable_message_ordering=True)
    wanted = [f"{i}".encode() for i in range(30)]
    mortal.publish(topic, *wanted[:20], key="k")
    mortal.pull(name, 5)
    restart(mortal)
    mortal.publish(topic, *wanted[20:], key="k")
    assert data(mortal.pull_some(name, 30)) == wanted


def test_ids_never_repeat(mortal: Api) -> None:
    topic = mortal.topic()
    ids = mortal.publish(topic, b"1", b"2")
    restart(mortal)
    ids += mortal.publish(topic, b"3", b"4")
    assert len(set(ids)) == 4
    assert sorted(ids, key=int) == ids


def test_an_undelivered_push_is_delivered_after_the_restart(mortal: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _: 503
    rarely = {"minimum_backoff": {"seconds": 600}, "maximum_backoff": {"seconds": 600}}
    topic = mortal.topic()
    mortal.subscription(topic, push_config={"push_endpoint": endpoint.url}, retry_policy=rarely)
    mortal.publish(topic, b"1", b"2")
    eventually(lambda: len(endpoint.pushes) >= 2)
    endpoint.answer = lambda _: 204
    restart(mortal)
    eventually(lambda: len(endpoint.pushes) >= 4)
    assert sorted(endpoint.payloads) == [b"1", b"1", b"2", b"2"]


def test_one_state_serves_one_cloud(mortal: Api, tmp_path: Path) -> None:
    second = CloudProcess(tmp_path, "pubsub")
    with pytest.raises(RuntimeError, match="another local cloud"):
        second.start()
