"""The REST surface, by plain HTTP."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from tests.contract.pubsub.api import PROJECT, Api


def call(api: Api, verb: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    response = requests.request(verb, f"{api.backend.url}/v1/{path}", json=body, params=query, timeout=20)
    return response.status_code, response.json()


def test_topic_life(api: Api) -> None:
    name = api.new_name("topics")
    assert call(api, "PUT", name, {})[0] == 200
    status, body = call(api, "PUT", name, {})
    assert (status, body["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert call(api, "GET", name)[1]["name"] == name
    listed = call(api, "GET", f"projects/{PROJECT}/topics", pageSize="1000")[1]["topics"]
    assert name in [topic["name"] for topic in listed]
    assert call(api, "DELETE", name) == (200, {})
    status, body = call(api, "GET", name)
    assert (status, body["error"]["status"], body["error"]["code"]) == (404, "NOT_FOUND", 404)


def test_message_life(api: Api) -> None:
    topic, name = api.topic(), api.new_name("subscriptions")
    assert call(api, "PUT", name, {"topic": topic, "ackDeadlineSeconds": 20})[0] == 200
    assert call(api, "GET", name)[1]["ackDeadlineSeconds"] == 20
    assert call(api, "GET", f"{topic}/subscriptions")[1] == {"subscriptions": [name]}
    message = {"data": base64.b64encode(b"plan").decode(), "attributes": {"a": "b"}}
    [message_id] = call(api, "POST", f"{topic}:publish", {"messages": [message]})[1]["messageIds"]
    [received] = call(api, "POST", f"{name}:pull", {"maxMessages": 5})[1]["receivedMessages"]
    got = received["message"]
    assert (got["data"], got["attributes"], got["messageId"]) == (message["data"], {"a": "b"}, message_id)
    assert got["publishTime"].endswith("Z")
    again = {"ackIds": [received["ackId"]], "ackDeadlineSeconds": 0}
    assert call(api, "POST", f"{name}:modifyAckDeadline", again) == (200, {})
    [received] = call(api, "POST", f"{name}:pull", {"maxMessages": 5})[1]["receivedMessages"]
    assert call(api, "POST", f"{name}:acknowledge", {"ackIds": [received["ackId"]]}) == (200, {})
    assert call(api, "POST", f"{name}:pull", {"maxMessages": 5, "returnImmediately": True}) == (200, {})
    assert call(api, "DELETE", name) == (200, {})


def test_subscription_in_json(ours: Api) -> None:
    topic, name = ours.topic(), ours.new_name("subscriptions")
    push = {"pushEndpoint": "http://127.0.0.1:9/x", "oidcToken": {"serviceAccountEmail": "a@b.c"}}
    body = {
        "topic": topic,
        "pushConfig": push,
        "retryPolicy": {"minimumBackoff": "1.500s", "maximumBackoff": "60s"},
        "deadLetterPolicy": {"deadLetterTopic": topic},
        "filter": "attributes:x",
    }
    assert call(ours, "PUT", name, body)[0] == 200
    got = call(ours, "GET", name)[1]
    assert got.pop("state") == "ACTIVE"
    assert got == {
        **body,
        "name": name,
        "ackDeadlineSeconds": 10,
        "deadLetterPolicy": {"deadLetterTopic": topic, "maxDeliveryAttempts": 5},
        "messageRetentionDuration": "604800s",
        "expirationPolicy": {"ttl": "2678400s"},
    }


def test_update_with_a_mask_in_camel_case(ours: Api) -> None:
    name = ours.subscription(ours.topic())
    body = {"subscription": {"ackDeadlineSeconds": 44}, "updateMask": "ackDeadlineSeconds"}
    assert call(ours, "PATCH", name, body)[1]["ackDeadlineSeconds"] == 44
    push = {"pushConfig": {"pushEndpoint": "http://127.0.0.1:9/x"}}
    assert call(ours, "POST", f"{name}:modifyPushConfig", push) == (200, {})
    assert call(ours, "GET", name)[1]["pushConfig"] == push["pushConfig"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PUT", "projects/p/topics/ab", {}),
        ("PUT", "projects/p/topics/abc", {"bogus": 1}),
        ("PUT", "projects/p/topics/abc", {"name": "projects/p/topics/other"}),
        ("PUT", "projects/p/topics/abc", ["a list"]),
        ("POST", "TOPIC:publish", {"messages": []}),
        ("POST", "TOPIC:publish", {"messages": [{"data": "not base64!"}]}),
        ("POST", "SUBSCRIPTION:pull", {}),
        ("POST", "SUBSCRIPTION:acknowledge", {"ackIds": ["nonsense"]}),
    ],
)
def test_invalid_requests(ours: Api, verb: str, path: str, body: Any) -> None:
    topic = ours.topic()
    path = path.replace("TOPIC", topic).replace("SUBSCRIPTION", ours.subscription(topic))
    status, answer = call(ours, verb, path, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_text_that_is_no_json(ours: Api) -> None:
    url = f"{ours.backend.url}/v1/{ours.new_name('topics')}"
    assert requests.put(url, data=b"{", timeout=20).status_code == 400


def test_paths_of_other_apis_are_left_alone(ours: Api) -> None:
    for path in (f"projects/{PROJECT}/locations/local/jobs", f"projects/{PROJECT}/jobs/x/topics/y"):
        assert call(ours, "GET", path)[0] == 404


def test_grpc_and_rest_see_the_same(api: Api) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    message = {"data": base64.b64encode(b"by REST").decode()}
    call(api, "POST", f"{topic}:publish", {"messages": [message]})
    assert [m.message.data for m in api.pull_some(name, 1)] == [b"by REST"]
