"""Seeking to a time: purge, and replay of what is retained."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.api import Api, data, eventually

RETAIN = {"message_retention_duration": {"seconds": 3600}}


def seek(api: Api, name: str, when: Any) -> None:
    api.subscriber.seek(request={"subscription": name, "time": when})


def future() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)


def past() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=30)


def test_to_the_future_purges(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"1", b"2")
    api.pull_some(name, 1, most=1)
    seek(api, name, future())
    assert api.pull(name) == []


def test_to_the_past_replays_what_a_subscription_retains(api: Api) -> None:
    topic = api.topic()
    api.publish(topic, b"before the subscription")
    name = api.subscription(topic, retain_acked_messages=True)
    api.publish(topic, b"1", b"2")
    api.ack(name, api.pull_some(name, 2))
    seek(api, name, past())
    assert sorted(data(api.pull_some(name, 2))) == [b"1", b"2"]


def test_a_topic_s_retention_replays_to_every_subscription(ours: Api) -> None:
    topic = ours.topic(**RETAIN)
    ours.publish(topic, b"0")
    first = ours.subscription(topic, enable_message_ordering=True)
    late = ours.subscription(topic, filter="attributes:x")
    ours.publish(topic, b"1", key="k")
    ours.publish(topic, b"2", key="k", x="y")
    ours.ack(first, ours.pull_some(first, 2))
    seek(ours, first, past())
    assert data(ours.pull_some(first, 3)) == [b"0", b"1", b"2"]
    seek(ours, late, past())
    assert data(ours.pull_some(late, 1)) == [b"2"]


def test_from_one_message_on(ours: Api) -> None:
    topic = ours.topic(**RETAIN)
    name = ours.subscription(topic)
    ours.publish(topic, b"1", b"2", b"3")
    received = ours.pull_some(name, 3)
    ours.ack(name, received)
    second = next(m.message for m in received if m.message.data == b"2")
    seek(ours, name, second.publish_time)
    assert sorted(data(ours.pull_some(name, 2))) == [b"2", b"3"]
    seek(ours, name, future())
    assert ours.pull(name) == []


def test_without_retention_only_what_is_pending_remains(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    ours.publish(topic, b"acknowledged", b"pending")
    received = ours.pull_some(name, 2)
    ours.ack(name, [m for m in received if m.message.data == b"acknowledged"])
    seek(ours, name, past())
    assert data(ours.pull_some(name, 1)) == [b"pending"]


def test_replayed_messages_are_forgotten_only_when_all_are_done(ours: Api) -> None:
    """One subscription replays what another still has pending: neither takes from the other."""
    topic = ours.topic(**RETAIN)
    one, other = ours.subscription(topic), ours.subscription(topic)
    ours.publish(topic, b"x")
    ours.ack(one, ours.pull_some(one, 1))
    seek(ours, one, past())
    ours.ack(one, ours.pull_some(one, 1))
    ours.ack(other, ours.pull_some(other, 1))
    seek(ours, one, past())
    eventually(lambda: data(ours.pull(one)) == [b"x"])


def test_seeking_to_a_snapshot_is_refused_clearly(ours: Api) -> None:
    name = ours.subscription(ours.topic())
    with pytest.raises(exceptions.MethodNotImplemented, match="time"):
        ours.subscriber.seek(request={"subscription": name, "snapshot": ours.new_name("snapshots")})
