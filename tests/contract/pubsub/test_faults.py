"""Fault rules: what each action does to publishing, pulling and pushing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions

from tests.cloud import CloudProcess
from tests.contract.pubsub.api import Api, data, eventually
from tests.contract.pubsub.backends import OURS, Backend
from tests.contract.pubsub.endpoint import PushEndpoint


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A cloud whose subscriptions may have an ack deadline of 1 s, so that lost deliveries come back soon."""
    folder: Path = tmp_path_factory.mktemp("faults")
    cloud = CloudProcess(folder, "pubsub", {"pubsub": {"min_ack_deadline_seconds": 1}}).start()
    api = Api(Backend(OURS, cloud.url.removeprefix("http://"), cloud))
    yield api
    api.close()
    cloud.stop()


def rule(point: str, action: str, topic: str, **more: Any) -> dict[str, Any]:
    return {"point": point, "action": action, "match": {"topic": topic.rsplit("/", 1)[1]}, "times": 1, **more}


def strike(api: Api, *rules: dict[str, Any]) -> None:
    assert api.backend.cloud is not None
    api.backend.cloud.faults(*rules)


def struck(api: Api) -> list[int]:
    """How often each of the rules in force has struck: a fault that never came shows nothing."""
    assert api.backend.cloud is not None
    report = requests.get(f"{api.backend.cloud.url}/_localcloud/faults", timeout=10).json()
    return [rule["struck"] for rule in report]


def test_publish_error(quick: Api) -> None:
    topic, spared = quick.topic(), quick.topic()
    strike(quick, rule("pubsub.publish", "error", topic, status=403))
    quick.publish(spared, b"x")
    with pytest.raises(exceptions.PermissionDenied):
        quick.publish(topic, b"x")


def test_publish_unavailable_is_retried_by_the_client(quick: Api) -> None:
    topic = quick.topic()
    name = quick.subscription(topic)
    strike(quick, rule("pubsub.publish", "error", topic, status=503, times=2))
    quick.publish(topic, b"x")
    assert data(quick.pull_some(name, 1)) == [b"x"]


def test_publish_drop_and_duplicate(quick: Api) -> None:
    topic = quick.topic()
    name = quick.subscription(topic)
    drop = rule("pubsub.publish", "drop", topic)
    strike(quick, drop, rule("pubsub.publish", "duplicate", topic))
    quick.publish(topic, b"dropped", b"doubled", b"plain")
    assert sorted(data(quick.pull_some(name, 3))) == [b"doubled", b"doubled", b"plain"]


def test_pull_drop_comes_back_by_the_deadline(quick: Api) -> None:
    topic = quick.topic()
    name = quick.subscription(topic, ack_deadline_seconds=1)
    strike(quick, rule("pubsub.deliver", "drop", topic))
    quick.publish(topic, b"x")
    assert quick.pull(name) == []
    assert data(quick.pull_some(name, 1)) == [b"x"]


def test_pull_duplicate(quick: Api) -> None:
    topic = quick.topic()
    name = quick.subscription(topic)
    strike(quick, rule("pubsub.deliver", "duplicate", topic))
    quick.publish(topic, b"x")
    received = quick.pull(name)
    assert data(received) == [b"x", b"x"]
    quick.ack(name, received)
    assert quick.pull(name) == []


@pytest.mark.parametrize("action", ["reorder", "delay"])
def test_pull_held_back_is_overtaken(quick: Api, action: str) -> None:
    topic = quick.topic()
    name = quick.subscription(topic)
    strike(quick, rule("pubsub.deliver", action, topic, delay_ms=300))
    quick.publish(topic, b"1", b"2")
    assert data(quick.pull_some(name, 1)) == [b"2"]
    assert data(quick.pull_some(name, 1)) == [b"1"]


def test_pull_error_costs_no_attempt(quick: Api) -> None:
    topic = quick.topic()
    policy = {"dead_letter_topic": quick.topic(), "max_delivery_attempts": 5}
    name = quick.subscription(topic, dead_letter_policy=policy)
    strike(quick, rule("pubsub.deliver", "error", topic, status=403))
    quick.publish(topic, b"x")
    with pytest.raises(exceptions.PermissionDenied):
        quick.pull(name)
    assert [m.delivery_attempt for m in quick.pull_some(name, 1)] == [1]


def test_stream_survives_an_error(quick: Api) -> None:
    topic = quick.topic()
    name = quick.subscription(topic)
    got: list[bytes] = []
    strike(quick, rule("pubsub.deliver", "error", topic, status=503))

    def callback(message: Any) -> None:
        got.append(message.data)
        message.ack()

    future = quick.subscriber.subscribe(name, callback=callback)
    quick.publish(topic, b"x")
    eventually(lambda: got == [b"x"])
    assert struck(quick) == [1]
    future.cancel()
    future.result(timeout=30)


def test_push_drop_comes_back_by_the_deadline(quick: Api, endpoint: PushEndpoint) -> None:
    topic = quick.topic()
    policy = {"dead_letter_topic": quick.topic(), "max_delivery_attempts": 5}
    quick.subscription(
        topic,
        ack_deadline_seconds=1,
        dead_letter_policy=policy,
        push_config={"push_endpoint": endpoint.url},
    )
    strike(quick, rule("pubsub.push", "drop", topic))
    quick.publish(topic, b"x")
    eventually(lambda: endpoint.pushes)
    assert [push.body["deliveryAttempt"] for push in endpoint.pushes] == [2]


def test_push_error_is_a_failed_attempt(quick: Api, endpoint: PushEndpoint) -> None:
    topic = quick.topic()
    policy = {"dead_letter_topic": quick.topic(), "max_delivery_attempts": 5}
    quick.subscription(topic, dead_letter_policy=policy, push_config={"push_endpoint": endpoint.url})
    strike(quick, rule("pubsub.push", "error", topic, times=2))
    quick.publish(topic, b"x")
    eventually(lambda: endpoint.pushes)
    assert [push.body["deliveryAttempt"] for push in endpoint.pushes] == [3]


def test_push_duplicate_and_reorder(quick: Api, endpoint: PushEndpoint) -> None:
    topic = quick.topic()
    quick.subscription(topic, push_config={"push_endpoint": endpoint.url})
    held = rule("pubsub.push", "reorder", topic, delay_ms=500)
    strike(quick, held, rule("pubsub.push", "duplicate", topic))
    quick.publish(topic, b"late", b"twice", b"once")
    eventually(lambda: len(endpoint.pushes) >= 4)
    assert endpoint.payloads[-1] == b"late"
    assert sorted(endpoint.payloads[:-1]) == [b"once", b"twice", b"twice"]


def test_a_subscription_can_be_named(quick: Api) -> None:
    topic = quick.topic()
    hit, spared = quick.subscription(topic), quick.subscription(topic)
    named = {"point": "pubsub.deliver", "action": "drop", "match": {"subscription": hit.rsplit("/", 1)[1]}}
    strike(quick, named)
    quick.publish(topic, b"x")
    assert quick.pull(hit) == []
    assert data(quick.pull_some(spared, 1)) == [b"x"]
    strike(quick)
