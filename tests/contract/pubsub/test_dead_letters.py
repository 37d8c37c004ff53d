"""Retry policy and dead letters, pulled and pushed."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from tests.contract.pubsub.api import PROJECT, Api, eventually
from tests.contract.pubsub.endpoint import PushEndpoint

PREFIX = "CloudPubSubDeadLetterSource"


def with_dead_letters(api: Api, **more: Any) -> tuple[str, str, str, str]:
    """(topic, subscription, dead-letter topic, its subscription)."""
    topic, dead = api.topic(), api.topic()
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    name = api.subscription(topic, dead_letter_policy=policy, **more)
    return topic, name, dead, api.subscription(dead)


def test_pulled_five_times_in_vain(api: Api) -> None:
    topic, name, _, dead = with_dead_letters(api)
    api.publish(topic, b"poison", kind="plan")
    attempts = []
    for _ in range(5):
        received = api.pull_some(name, 1)
        attempts.append(received[0].delivery_attempt)
        api.nack(name, received)
    assert attempts == [1, 2, 3, 4, 5]
    assert api.pull(name) == []  # this is when the emulator forwards
    letter = api.pull_some(dead, 1)[0].message
    assert letter.data == b"poison"
    assert letter.attributes["kind"] == "plan"
    assert letter.attributes[PREFIX + "Subscription"] == name.rsplit("/", 1)[1]
    assert letter.attributes[PREFIX + "SubscriptionProject"] == PROJECT
    assert letter.attributes[PREFIX + "DeliveryCount"] == "5"


def test_the_letter_tells_the_original_time(ours: Api) -> None:
    topic, name, _, dead = with_dead_letters(ours)
    ours.publish(topic, b"x")
    for _ in range(5):
        received = ours.pull_some(name, 1)
        ours.nack(name, received)
    letter = ours.pull_some(dead, 1)[0].message
    told = dt.datetime.fromisoformat(letter.attributes[PREFIX + "TopicPublishTime"])
    assert told == received[0].message.publish_time
    assert letter.message_id != received[0].message.message_id


def test_pushed_five_times_in_vain(api: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _: 400
    retry = {"minimum_backoff": {"nanos": 10_000_000}, "maximum_backoff": {"nanos": 20_000_000}}
    topic, _, _, dead = with_dead_letters(
        api, push_config={"push_endpoint": endpoint.url}, retry_policy=retry
    )
    api.publish(topic, b"poison")
    letter = api.pull_some(dead, 1)[0].message
    assert (letter.data, letter.attributes[PREFIX + "DeliveryCount"]) == (b"poison", "5")
    assert len(endpoint.pushes) == 5


def test_push_tells_the_attempt(ours: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _: 400
    topic, _, _, dead = with_dead_letters(ours, push_config={"push_endpoint": endpoint.url})
    ours.publish(topic, b"poison")
    ours.pull_some(dead, 1)
    assert [push.body["deliveryAttempt"] for push in endpoint.pushes] == [1, 2, 3, 4, 5]


def test_expiries_count_too(ours: Api) -> None:
    topic, name, _, dead = with_dead_letters(ours)
    ours.publish(topic, b"x")
    for _ in range(4):
        ours.nack(name, ours.pull_some(name, 1))
    ours.modack(name, ours.pull_some(name, 1), 1)
    assert len(ours.pull_some(dead, 1)) == 1


def test_without_the_dead_letter_topic_the_message_stays(ours: Api) -> None:
    topic, name, dead_topic, _ = with_dead_letters(ours)
    ours.publisher.delete_topic(topic=dead_topic)
    ours.publish(topic, b"x")
    for _ in range(5):
        ours.nack(name, ours.pull_some(name, 1))
    ours.publisher.create_topic(name=dead_topic)
    dead = ours.subscription(dead_topic)
    received = ours.pull_some(name, 1)
    assert received[0].delivery_attempt == 6
    ours.nack(name, received)
    assert len(ours.pull_some(dead, 1)) == 1


def test_ordered_poison_is_overtaken_only_once_it_is_dead(ours: Api) -> None:
    topic, name, _, dead = with_dead_letters(ours, enable_message_ordering=True)
    ours.publish(topic, b"poison", b"fine", key="k")
    got: list[tuple[bytes, int]] = []
    for _ in range(5):
        received = ours.pull_some(name, 2)
        got.append((received[0].message.data, received[1].delivery_attempt))
        ours.nack(name, received[:1])
    assert got == [(b"poison", 1)] * 5, "what follows the poison must not pay for its attempts"
    assert [m.message.data for m in ours.pull_some(name, 1)] == [b"fine"]
    assert [m.message.ordering_key for m in ours.pull_some(dead, 1)] == ["k"]


def test_retry_policy_spaces_redeliveries(ours: Api) -> None:
    """Only lower bounds are checked: 0.5 s, then 1 s; without a policy both would be at once."""
    topic = ours.topic()
    retry = {"minimum_backoff": {"nanos": 500_000_000}, "maximum_backoff": {"seconds": 10}}
    name = ours.subscription(topic, retry_policy=retry)
    ours.publish(topic, b"x")
    gaps = []
    received = ours.pull_some(name, 1)
    for _ in range(2):
        ours.nack(name, received)
        failed = time.monotonic()
        received = ours.pull_some(name, 1)
        gaps.append(time.monotonic() - failed)
    assert gaps[0] > 0.3
    assert gaps[1] > 0.6


def test_one_message_s_backoff_does_not_hold_up_others(ours: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda push: 500 if push.data == b"bad" else 204
    retry = {"minimum_backoff": {"seconds": 600}, "maximum_backoff": {"seconds": 600}}
    topic = ours.topic()
    ours.subscription(topic, push_config={"push_endpoint": endpoint.url}, retry_policy=retry)
    ours.publish(topic, b"bad", *[b"good"] * 20)
    eventually(lambda: endpoint.payloads.count(b"good") == 20)
    assert endpoint.payloads.count(b"bad") == 1
