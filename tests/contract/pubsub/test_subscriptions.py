"""Subscriptions: defaults, errors, updates, and life after their topic."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.api import PROJECT, Api, data

BAD: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"ack_deadline_seconds": 601}, exceptions.InvalidArgument),
    ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, exceptions.InvalidArgument),
    (
        {"dead_letter_policy": {"dead_letter_topic": "projects/p/topics/none", "max_delivery_attempts": 5}},
        exceptions.NotFound,
    ),
]
BAD_OURS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"ack_deadline_seconds": 9}, exceptions.InvalidArgument),
    ({"push_config": {"push_endpoint": "ftp://x/y"}}, exceptions.InvalidArgument),
    ({"push_config": {"push_endpoint": "not a url"}}, exceptions.InvalidArgument),
    ({"message_retention_duration": {"seconds": 599}}, exceptions.InvalidArgument),
    (
        {"retry_policy": {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 10}}},
        exceptions.InvalidArgument,
    ),
    ({"enable_exactly_once_delivery": True}, exceptions.MethodNotImplemented),
    ({"bigquery_config": {"table": "a.b.c"}}, exceptions.MethodNotImplemented),
]


def test_defaults(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    got = api.subscriber.get_subscription(subscription=name)
    assert (got.name, got.topic, got.ack_deadline_seconds) == (name, topic, 10)
    assert got.message_retention_duration.days == 7
    assert not got.push_config.push_endpoint


def test_errors_of_create(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    with pytest.raises(exceptions.AlreadyExists):
        api.subscriber.create_subscription(name=name, topic=topic)
    with pytest.raises(exceptions.NotFound):
        api.subscription(api.new_name("topics"))
    with pytest.raises(exceptions.InvalidArgument):
        api.subscriber.create_subscription(name=f"projects/{PROJECT}/subscriptions/ab", topic=topic)


@pytest.mark.parametrize(("config", "error"), BAD)
def test_bad_configurations(api: Api, config: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        api.subscription(api.topic(), **config)


@pytest.mark.parametrize(("config", "error"), BAD_OURS)
def test_bad_configurations_of_ours(ours: Api, config: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ours.subscription(ours.topic(), **config)


@pytest.mark.parametrize("attempts", [4, 101])
def test_delivery_attempts_are_5_to_100(api: Api, attempts: int) -> None:
    topic = api.topic()
    policy = {"dead_letter_topic": topic, "max_delivery_attempts": attempts}
    with pytest.raises(exceptions.OutOfRange):
        api.subscription(topic, dead_letter_policy=policy)


def test_missing_subscription_is_not_found(api: Api) -> None:
    name = api.new_name("subscriptions")
    with pytest.raises(exceptions.NotFound):
        api.subscriber.get_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        api.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        api.pull(name)


def test_list(api: Api) -> None:
    topic = api.topic()
    names = {api.subscription(topic) for _ in range(3)}
    request = {"project": f"projects/{PROJECT}", "page_size": 2}
    assert names <= {one.name for one in api.subscriber.list_subscriptions(request=request)}


def test_update(api: Api) -> None:
    name = api.subscription(api.topic())
    request = {
        "subscription": {"name": name, "ack_deadline_seconds": 30},
        "update_mask": {"paths": ["ack_deadline_seconds"]},
    }
    assert api.subscriber.update_subscription(request=request).ack_deadline_seconds == 30
    assert api.subscriber.get_subscription(subscription=name).ack_deadline_seconds == 30


@pytest.mark.parametrize("paths", [[], ["bogus"], ["filter"], ["topic"], ["enable_message_ordering"]])
def test_bad_update_masks_are_invalid(api: Api, paths: list[str]) -> None:
    name = api.subscription(api.topic())
    request = {"subscription": {"name": name, "filter": "attributes:x"}, "update_mask": {"paths": paths}}
    with pytest.raises(exceptions.InvalidArgument):
        api.subscriber.update_subscription(request=request)


def test_a_bad_update_changes_nothing(ours: Api) -> None:
    name = ours.subscription(ours.topic())
    request = {
        "subscription": {"name": name, "ack_deadline_seconds": 5, "labels": {"a": "b"}},
        "update_mask": {"paths": ["ack_deadline_seconds", "labels"]},
    }
    with pytest.raises(exceptions.InvalidArgument):
        ours.subscriber.update_subscription(request=request)
    got = ours.subscriber.get_subscription(subscription=name)
    assert (got.ack_deadline_seconds, dict(got.labels)) == (10, {})


def test_only_messages_from_its_creation_on(api: Api) -> None:
    topic = api.topic()
    api.publish(topic, b"before")
    name = api.subscription(topic)
    api.publish(topic, b"after")
    assert data(api.pull_some(name, 1)) == [b"after"]


def test_topic_deleted(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"left")
    api.publisher.delete_topic(topic=topic)
    assert api.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    assert data(api.pull_some(name, 1)) == [b"left"]
    api.publisher.create_topic(name=topic)
    assert list(api.publisher.list_topic_subscriptions(topic=topic)) == []


def test_a_new_subscription_of_an_old_name_is_empty(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"old")
    api.subscriber.delete_subscription(subscription=name)
    api.subscriber.create_subscription(name=name, topic=topic)
    api.publish(topic, b"new")
    assert data(api.pull_some(name, 1)) == [b"new"]


def test_detach(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    ours.publish(topic, b"lost")
    ours.publisher.detach_subscription(request={"subscription": name})
    assert ours.subscriber.get_subscription(subscription=name).detached
    assert list(ours.publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition):
        ours.pull(name)
    ours.publisher.detach_subscription(request={"subscription": name})
    ours.publish(topic, b"too late")
    ours.subscriber.delete_subscription(subscription=name)


def test_snapshots_are_refused_clearly(ours: Api) -> None:
    name = ours.subscription(ours.topic())
    with pytest.raises(exceptions.MethodNotImplemented, match="Snapshots"):
        ours.subscriber.create_snapshot(name=ours.new_name("snapshots"), subscription=name)
    assert list(ours.subscriber.list_snapshots(project=f"projects/{PROJECT}")) == []
