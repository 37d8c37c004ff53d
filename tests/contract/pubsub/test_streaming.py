"""StreamingPull through the subscriber client: callbacks, flow control, leases, endings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from tests.contract.pubsub.api import Api, eventually


@contextmanager
def streaming(api: Api, name: str, callback: Callable[[Any], None], most: int = 1000) -> Iterator[Any]:
    flow = pubsub_v1.types.FlowControl(max_messages=most)
    future = api.subscriber.subscribe(name, callback=callback, flow_control=flow)
    try:
        yield future
    finally:
        future.cancel()
        future.result(timeout=30)


def test_messages_arrive_and_stay_acknowledged(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    got: list[bytes] = []

    def callback(message: Any) -> None:
        got.append(message.data)
        message.ack_with_response().result(20)

    api.publish(topic, *[f"early {i}".encode() for i in range(10)])
    with streaming(api, name, callback):
        api.publish(topic, *[f"late {i}".encode() for i in range(10)])
        eventually(lambda: len(got) >= 20)
    assert len(set(got)) == 20
    assert api.pull(name) == []


def test_nacked_messages_come_again(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    seen: list[str] = []

    def callback(message: Any) -> None:
        seen.append(message.message_id)
        message.ack() if seen.count(message.message_id) > 1 else message.nack()

    api.publish(topic, b"1", b"2", b"3")
    with streaming(api, name, callback):
        eventually(lambda: len(seen) >= 6)
    assert all(seen.count(message) == 2 for message in seen)


def test_flow_control_bounds_what_is_out(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    running, most, lock, gate = 0, 0, threading.Lock(), threading.Event()

    def callback(message: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(20)
        with lock:
            running -= 1
        message.ack()

    ours.publish(topic, *[b"x"] * 12)
    with streaming(ours, name, callback, most=3):
        eventually(lambda: running == 3)
        assert len(ours.pull(name)) == 9, "the server must hold back what the stream has no room for"
        gate.set()
        eventually(lambda: running == 0)
    assert most == 3


def test_a_lease_that_is_given_up_ends(ours: Api) -> None:
    """To 0, not to 1 s: a shorter lease would be in a race with the client, which keeps extending it."""
    topic = ours.topic()
    name = ours.subscription(topic)
    seen: list[str] = []
    gate = threading.Event()

    def callback(message: Any) -> None:
        seen.append(message.message_id)
        message.modify_ack_deadline(0)
        gate.wait(20)
        message.ack()

    ours.publish(topic, b"x")
    with streaming(ours, name, callback):
        eventually(lambda: len(seen) >= 2)
        gate.set()
    assert len(set(seen)) == 1


def test_two_streams_share(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    got: list[bytes] = []

    def callback(message: Any) -> None:
        got.append(message.data)
        message.ack()

    wanted = sorted(f"{i}".encode() for i in range(50))
    with streaming(api, name, callback), streaming(api, name, callback):
        api.publish(topic, *wanted)
        eventually(lambda: len(got) >= 50)
    assert sorted(got) == wanted


def test_deleting_the_subscription_ends_the_stream(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    got: list[bytes] = []
    future = ours.subscriber.subscribe(name, callback=lambda message: got.append(message.data))
    ours.publish(topic, b"x")
    eventually(lambda: got)
    ours.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        future.result(timeout=30)


def test_no_stream_of_a_missing_or_push_subscription(api: Api) -> None:
    missing = api.subscriber.subscribe(api.new_name("subscriptions"), callback=lambda _: None)
    with pytest.raises(exceptions.NotFound):
        missing.result(timeout=30)
    push = api.subscription(api.topic(), push_config={"push_endpoint": "http://127.0.0.1:9/x"})
    pushed = api.subscriber.subscribe(push, callback=lambda _: None)
    with pytest.raises(exceptions.FailedPrecondition):
        pushed.result(timeout=30)


def test_turning_push_on_ends_the_stream(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    got: list[bytes] = []
    future = ours.subscriber.subscribe(name, callback=lambda message: got.append(message.data))
    ours.publish(topic, b"x")
    eventually(lambda: got)
    ours.subscriber.modify_push_config(
        subscription=name, push_config={"push_endpoint": "http://127.0.0.1:9/x"}
    )
    with pytest.raises(exceptions.FailedPrecondition):
        future.result(timeout=30)


def test_raw_stream_acknowledges_and_checks_its_requests(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    ours.publish(topic, b"x")
    ack_ids: list[str] = []
    acked = threading.Event()

    def requests() -> Iterator[dict[str, Any]]:
        yield {"subscription": name, "stream_ack_deadline_seconds": 10}
        eventually(lambda: ack_ids)
        yield {"ack_ids": ack_ids}
        acked.wait(20)

    for response in ours.subscriber.streaming_pull(requests=requests()):
        ack_ids += [m.ack_id for m in response.received_messages]
        acked.set()
    assert ours.pull(name) == []
    bad = iter([{"subscription": name, "stream_ack_deadline_seconds": 9}])
    with pytest.raises(exceptions.InvalidArgument):
        next(iter(ours.subscriber.streaming_pull(requests=bad)))
