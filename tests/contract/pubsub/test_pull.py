"""Unary pull: content, leases, acknowledgements, waiting."""

from __future__ import annotations

import threading

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.api import Api, data, eventually


def test_message_as_published(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    payload = bytes(range(256)) * 40
    [message_id] = api.publish(topic, payload, kind="plan", empty="")
    [received] = api.pull_some(name, 1)
    assert received.message.data == payload
    assert dict(received.message.attributes) == {"kind": "plan", "empty": ""}
    assert received.message.message_id == message_id
    assert received.message.publish_time.year >= 2024
    assert received.delivery_attempt == 0


def test_every_subscription_gets_every_message(api: Api) -> None:
    topic = api.topic()
    names = [api.subscription(topic) for _ in range(3)]
    api.publish(topic, b"1", b"2")
    for name in names:
        assert sorted(data(api.pull_some(name, 2))) == [b"1", b"2"]


def test_a_leased_message_is_not_handed_out_again(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"x")
    api.pull_some(name, 1)
    assert api.pull(name) == []


def test_acknowledged_is_gone_and_nacked_comes_back(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"ack", b"nack")
    by_data = {m.message.data: m for m in api.pull_some(name, 2)}
    api.ack(name, [by_data[b"ack"]])
    api.nack(name, [by_data[b"nack"]])
    assert data(api.pull_some(name, 1)) == [b"nack"]


def test_an_expired_lease_comes_back(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"x")
    first = api.pull_some(name, 1)
    api.modack(name, first, 1)
    second = api.pull_some(name, 1)
    assert second[0].message.message_id == first[0].message.message_id
    assert second[0].ack_id != first[0].ack_id


def test_an_extended_lease_does_not(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"short", b"long")
    received = api.pull_some(name, 2)
    api.modack(name, received, 1)
    api.modack(name, [m for m in received if m.message.data == b"long"], 60)
    assert data(api.pull_some(name, 1)) == [b"short"]
    assert api.pull(name) == []


def test_a_late_acknowledgement_still_counts(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    ours.publish(topic, b"x")
    first = ours.pull_some(name, 1)
    ours.nack(name, first)
    ours.ack(name, first)
    assert ours.pull(name) == []


def test_a_stale_nack_does_not_touch_the_new_lease(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    ours.publish(topic, b"x")
    first = ours.pull_some(name, 1)
    ours.nack(name, first)
    ours.pull_some(name, 1)
    ours.nack(name, first)
    assert ours.pull(name) == []


def test_max_messages(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, *[b"x"] * 5)
    assert len(api.pull(name, 3)) == 3


def test_invalid_arguments(api: Api) -> None:
    name = api.subscription(api.topic())
    with pytest.raises(exceptions.InvalidArgument):
        api.pull(name, 0)
    with pytest.raises(exceptions.InvalidArgument):
        api.subscriber.acknowledge(subscription=name, ack_ids=["nonsense"])
    with pytest.raises(exceptions.InvalidArgument):
        api.subscriber.acknowledge(subscription=name, ack_ids=[])
    with pytest.raises(exceptions.InvalidArgument):
        api.subscriber.modify_ack_deadline(subscription=name, ack_ids=["x"], ack_deadline_seconds=601)


def test_an_ack_id_of_another_subscription_is_invalid(ours: Api) -> None:
    topic = ours.topic()
    one, other = ours.subscription(topic), ours.subscription(topic)
    ours.publish(topic, b"x")
    received = ours.pull_some(one, 1)
    with pytest.raises(exceptions.InvalidArgument):
        ours.ack(other, received)
    assert len(ours.pull_some(other, 1)) == 1


def test_pull_waits_for_a_message(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    got: list[bytes] = []

    def wait() -> None:
        received = api.subscriber.pull(subscription=name, max_messages=10, timeout=20).received_messages
        got.extend(bytes(m.message.data) for m in received)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)  # it is most likely waiting by now; if not, the test only proves less
    api.publish(topic, b"late")
    waiting.join(20)
    assert got == [b"late"]


def test_pull_without_messages_ends_empty_before_its_deadline(api: Api) -> None:
    name = api.subscription(api.topic())
    response = api.subscriber.pull(subscription=name, max_messages=10, timeout=2)
    assert len(response.received_messages) == 0


def test_deleting_ends_a_waiting_pull(ours: Api) -> None:
    name = ours.subscription(ours.topic())
    errors: list[Exception] = []

    def wait() -> None:
        try:
            ours.subscriber.pull(subscription=name, max_messages=1, timeout=25)
        except exceptions.NotFound as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    ours.subscriber.delete_subscription(subscription=name)
    waiting.join(20)
    assert len(errors) == 1


def test_consumers_share_a_backlog(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    wanted = {f"{i}".encode() for i in range(60)}
    api.publish(topic, *sorted(wanted))
    got: list[bytes] = []

    def consume() -> None:
        while len(got) < len(wanted):
            received = api.pull(name, 7)
            if received:
                got.extend(data(received))
                api.ack(name, received)

    threads = [threading.Thread(target=consume, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(got) >= len(wanted))
    for thread in threads:
        thread.join(20)
    assert sorted(got) == sorted(wanted)
