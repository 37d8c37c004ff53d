"""Ordering keys: order within a key, none between keys, redelivery of what follows a failure."""

from __future__ import annotations

import random
from typing import Any

from tests.contract.pubsub.api import Api, data, eventually
from tests.contract.pubsub.endpoint import PushEndpoint
from tests.contract.pubsub.test_streaming import streaming


def ordered(api: Api, **more: Any) -> tuple[str, str]:
    topic = api.topic()
    return topic, api.subscription(topic, enable_message_ordering=True, **more)


def payloads(key: str, count: int) -> list[bytes]:
    return [f"{key}{i}".encode() for i in range(count)]


def test_order_within_each_key(api: Api) -> None:
    topic, name = ordered(api)
    for i in range(10):
        api.publish(topic, f"a{i}".encode(), key="a")
        api.publish(topic, f"b{i}".encode(), key="b")
    got: list[bytes] = []
    while len(got) < 20:
        received = api.pull(name, 7)
        got += data(received)
        if received:
            assert all(m.message.ordering_key for m in received)
            api.ack(name, received)
    assert [one for one in got if one.startswith(b"a")] == payloads("a", 10)
    assert [one for one in got if one.startswith(b"b")] == payloads("b", 10)


def test_a_key_waits_for_what_is_out(api: Api) -> None:
    topic, name = ordered(api)
    api.publish(topic, *payloads("a", 3), key="a")
    first = api.pull_some(name, 1, most=1)
    assert data(first) == [b"a0"]
    assert api.pull(name) == []
    api.publish(topic, b"b0", key="b")
    assert data(api.pull_some(name, 1)) == [b"b0"]
    api.ack(name, first)
    assert data(api.pull_some(name, 2)) == [b"a1", b"a2"]


def test_after_a_nack_the_rest_comes_again_in_order(ours: Api) -> None:
    topic, name = ordered(ours)
    ours.publish(topic, *payloads("a", 5), key="a")
    received = ours.pull_some(name, 5)
    ours.ack(name, received[:1] + received[3:4])  # a3 is acknowledged before a2 fails
    ours.nack(name, received[2:3])
    ours.ack(name, received[1:2])
    assert data(ours.pull_some(name, 3)) == [b"a2", b"a3", b"a4"]


def test_after_an_expiry_the_rest_comes_again_in_order(ours: Api) -> None:
    topic, name = ordered(ours)
    ours.publish(topic, *payloads("a", 3), key="a")
    received = ours.pull_some(name, 3)
    ours.modack(name, received[:1], 1)
    assert data(ours.pull_some(name, 3)) == payloads("a", 3)


def test_messages_without_a_key_do_not_wait(api: Api) -> None:
    topic, name = ordered(api)
    api.publish(topic, b"free 1", b"free 2")
    assert len(api.pull_some(name, 1, most=1)) == 1
    assert len(api.pull_some(name, 1, most=1)) == 1


def test_streaming_keeps_the_order(api: Api) -> None:
    topic, name = ordered(api)
    got: list[bytes] = []

    def callback(message: Any) -> None:
        got.append(message.data)
        message.ack()

    with streaming(api, name, callback):
        api.publish(topic, *payloads("a", 30), key="a")
        eventually(lambda: len(got) >= 30)
    assert got == payloads("a", 30)


def test_streaming_with_failures_keeps_the_order(ours: Api) -> None:
    """Every message fails now and then; the first successes of each key are in order all the same."""
    topic, name = ordered(ours)
    luck = random.Random(3)
    done: dict[str, list[bytes]] = {"a": [], "b": [], "c": []}

    def callback(message: Any) -> None:
        if luck.random() < 0.2:
            message.nack()
        else:
            if message.data not in done[message.ordering_key]:
                done[message.ordering_key].append(message.data)
            message.ack()

    with streaming(ours, name, callback):
        for i in range(15):
            for key in done:
                ours.publish(topic, f"{key}{i}".encode(), key=key)
        eventually(lambda: all(len(one) == 15 for one in done.values()))
    assert done == {key: payloads(key, 15) for key in done}


def test_push_sends_one_of_a_key_at_a_time(ours: Api, endpoint: PushEndpoint) -> None:
    fails = {b"a1": 2}

    def answer(push: Any) -> int:
        fails[push.data] = fails.get(push.data, 0) - 1
        return 204 if fails[push.data] < 0 else 500

    endpoint.answer = answer
    topic, _ = ordered(ours, push_config={"push_endpoint": endpoint.url})
    for i in range(4):
        ours.publish(topic, f"a{i}".encode(), key="a")
        ours.publish(topic, f"b{i}".encode(), key="b")
    eventually(lambda: len(endpoint.pushes) >= 10)
    assert [one for one in endpoint.payloads if one.startswith(b"a")] == [
        b"a0",
        b"a1",
        b"a1",
        b"a1",
        b"a2",
        b"a3",
    ]
    assert [one for one in endpoint.payloads if one.startswith(b"b")] == payloads("b", 4)
    assert endpoint.pushes[0].body["message"]["orderingKey"] in ("a", "b")
