"""Filters of subscriptions, end to end."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.api import Api, data, eventually
from tests.contract.pubsub.endpoint import PushEndpoint


def test_only_what_matches_is_delivered(ours: Api) -> None:
    topic = ours.topic()
    wanted = 'hasPrefix(attributes.objectId, "runs/") AND NOT attributes:skip'
    wants_some = ours.subscription(topic, filter=wanted)
    wants_all = ours.subscription(topic)
    ours.publish(topic, b"1", objectId="runs/a")
    ours.publish(topic, b"2", objectId="configs/a")
    ours.publish(topic, b"3", objectId="runs/b", skip="1")
    ours.publish(topic, b"4", objectId="runs/c")
    assert len(ours.pull_some(wants_all, 4)) == 4
    assert sorted(data(ours.pull(wants_some))) == [b"1", b"4"]


def test_push_is_filtered_too(ours: Api, endpoint: PushEndpoint) -> None:
    topic = ours.topic()
    ours.subscription(topic, filter='attributes.kind = "wanted"', push_config={"push_endpoint": endpoint.url})
    ours.publish(topic, b"no", kind="other")
    ours.publish(topic, b"yes", kind="wanted")
    eventually(lambda: endpoint.pushes)
    assert endpoint.payloads == [b"yes"]


@pytest.mark.parametrize("bad", ["garbage((", "attributes:a AND attributes:b OR attributes:c", "x" * 300])
def test_garbage_is_invalid(ours: Api, bad: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="Invalid filter"):
        ours.subscription(ours.topic(), filter=bad)
