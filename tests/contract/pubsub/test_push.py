"""Push: the envelope, what acknowledges, retries, many in flight, identity tokens."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth import jwt
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from services.localcloud.pubsub.oidc import CERTS_PATH, SigningKey
from tests.contract.pubsub.api import Api, eventually
from tests.contract.pubsub.endpoint import Push, PushEndpoint


def push_to(endpoint: PushEndpoint, **more: Any) -> dict[str, Any]:
    return {"push_config": {"push_endpoint": endpoint.url, **more}}


def test_envelope(api: Api, endpoint: PushEndpoint) -> None:
    topic = api.topic()
    name = api.subscription(topic, **push_to(endpoint))
    [message_id] = api.publish(topic, b"\x00plan", kind="plan")
    push = eventually(lambda: endpoint.pushes)[0]
    assert set(push.body) == {"subscription", "message"}
    assert push.body["subscription"] == name
    message = push.body["message"]
    assert base64.b64decode(message["data"]) == b"\x00plan"
    assert message["attributes"] == {"kind": "plan"}
    assert message["messageId"] == message["message_id"] == message_id
    assert message["publishTime"] == message["publish_time"]
    assert message["publishTime"].endswith("Z")
    assert push.headers["Content-Type"] == "application/json"


def test_attributes_alone_come_with_empty_data(api: Api, endpoint: PushEndpoint) -> None:
    topic = api.topic()
    api.subscription(topic, **push_to(endpoint))
    api.publish(topic, b"", only="attributes")
    assert eventually(lambda: endpoint.pushes)[0].body["message"]["data"] == ""


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_acknowledges(ours: Api, endpoint: PushEndpoint, status: int) -> None:
    """A second message that is retried proves that the first one is not."""
    endpoint.answer = lambda push: status if push.data == b"good" or len(endpoint.pushes) > 3 else 500
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint))
    ours.publish(topic, b"good", b"bad")
    eventually(lambda: endpoint.payloads.count(b"bad") >= 3)
    assert endpoint.payloads.count(b"good") == 1


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(ours: Api, endpoint: PushEndpoint, status: int) -> None:
    endpoint.answer = lambda _: status if len(endpoint.pushes) < 3 else 204
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint))
    ours.publish(topic, b"x")
    eventually(lambda: len(endpoint.pushes) >= 3)
    assert len({push.body["message"]["messageId"] for push in endpoint.pushes}) == 1


def test_retry_on_every_backend(api: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _: 503 if len(endpoint.pushes) < 2 else 204
    topic = api.topic()
    api.subscription(topic, **push_to(endpoint))
    api.publish(topic, b"x")
    eventually(lambda: len(endpoint.pushes) >= 2)


def test_an_endpoint_that_comes_up_late(ours: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    topic = ours.topic()
    name = ours.subscription(topic, push_config={"push_endpoint": f"http://127.0.0.1:{port}/x"})
    ours.publish(topic, b"x")
    late = PushEndpoint()
    try:
        ours.subscriber.modify_push_config(subscription=name, push_config={"push_endpoint": late.url})
        eventually(lambda: late.payloads == [b"x"])
    finally:
        late.stop()


def test_many_in_flight_over_kept_connections(ours: Api, endpoint: PushEndpoint) -> None:
    together = threading.Barrier(20)

    def answer(_: Push) -> int:
        together.wait(20)  # nobody is answered before 20 requests are here at once
        return 204

    endpoint.answer = answer
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint))
    for _ in range(3):
        ours.publish(topic, *[b"x"] * 20)
    eventually(lambda: len(endpoint.pushes) >= 60)
    assert len({push.connection for push in endpoint.pushes}) < 60


def test_a_slow_request_does_not_hold_up_others(ours: Api, endpoint: PushEndpoint) -> None:
    gate = threading.Event()
    endpoint.answer = lambda push: 204 if push.data != b"slow" or gate.wait(20) else 500
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint))
    ours.publish(topic, b"slow", *[b"fast"] * 10)
    eventually(lambda: endpoint.payloads.count(b"fast") == 10)
    gate.set()


def test_identity_token(ours: Api, endpoint: PushEndpoint) -> None:
    topic = ours.topic()
    account = "pusher@fitsense-test.iam.gserviceaccount.com"
    oidc = {"service_account_email": account, "audience": "https://coach"}
    ours.subscription(topic, **push_to(endpoint, oidc_token=oidc))
    ours.publish(topic, b"x")
    header = eventually(lambda: endpoint.pushes)[0].headers["Authorization"]
    assert header.startswith("Bearer ")
    # Google's own check, with this cloud's certificates in the place of Google's.
    certificates = f"{ours.backend.url}{CERTS_PATH}"
    token = header.removeprefix("Bearer ")
    claims = id_token.verify_token(token, Request(), audience="https://coach", certs_url=certificates)
    assert jwt.decode_header(token)["alg"] == "RS256"
    with pytest.raises(ValueError, match="audience"):
        id_token.verify_token(token, Request(), audience="https://other", certs_url=certificates)
    assert (claims["aud"], claims["email"], claims["email_verified"]) == ("https://coach", account, True)
    assert claims["iat"] <= time.time() + 60 < claims["exp"]


def test_the_signing_key_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "oidc.pem"
    first, second = SigningKey.at(path), SigningKey.at(path)
    assert (first.id, first.certificate) == (second.id, second.certificate)
    assert path.stat().st_mode & 0o077 == 0
    assert SigningKey.at(tmp_path / "other.pem").id != first.id


def test_certificates_may_be_kept_for_a_while(ours: Api) -> None:
    answer = requests.get(f"{ours.backend.url}{CERTS_PATH}", timeout=10)
    assert "max-age=3600" in answer.headers["Cache-Control"]
    assert [pem.startswith("-----BEGIN CERTIFICATE-----") for pem in answer.json().values()] == [True]


def test_the_audience_defaults_to_the_endpoint(ours: Api, endpoint: PushEndpoint) -> None:
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint, oidc_token={"service_account_email": "a@b.c"}))
    ours.publish(topic, b"x")
    header = eventually(lambda: endpoint.pushes)[0].headers["Authorization"]
    payload = header.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == endpoint.url


def test_no_token_unless_asked_for(ours: Api, endpoint: PushEndpoint) -> None:
    topic = ours.topic()
    ours.subscription(topic, **push_to(endpoint))
    ours.publish(topic, b"x")
    assert "Authorization" not in eventually(lambda: endpoint.pushes)[0].headers


def test_push_to_pull_and_back(api: Api, endpoint: PushEndpoint) -> None:
    topic = api.topic()
    name = api.subscription(topic)
    api.publish(topic, b"pulled")
    api.ack(name, api.pull_some(name, 1))
    api.subscriber.modify_push_config(subscription=name, push_config={"push_endpoint": endpoint.url})
    api.publish(topic, b"pushed")
    eventually(lambda: endpoint.payloads == [b"pushed"])
    api.subscriber.modify_push_config(subscription=name, push_config={})
    api.publish(topic, b"pulled again")
    assert [m.message.data for m in api.pull_some(name, 1)] == [b"pulled again"]
    assert endpoint.payloads == [b"pushed"]


def test_a_backlog_is_pushed_once_there_is_an_endpoint(ours: Api, endpoint: PushEndpoint) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    wanted = [f"{i}".encode() for i in range(100)]
    ours.publish(topic, *wanted)
    ours.subscriber.modify_push_config(subscription=name, push_config={"push_endpoint": endpoint.url})
    eventually(lambda: len(endpoint.pushes) >= 100)
    assert sorted(endpoint.payloads) == sorted(wanted)


def test_deleting_the_subscription_ends_its_retries(ours: Api, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda push: 500 if push.data == b"x" else 204
    topic = ours.topic()
    name = ours.subscription(topic, **push_to(endpoint))
    ours.publish(topic, b"x")
    eventually(lambda: len(endpoint.pushes) >= 2)
    ours.subscriber.delete_subscription(subscription=name)
    settled = len(endpoint.pushes)
    other = ours.topic()
    ours.subscription(other, **push_to(endpoint))
    time.sleep(0.8)  # several backoffs of the deleted one's message (0.1, 0.2, 0.4 s)
    ours.publish(other, b"y")
    eventually(lambda: b"y" in endpoint.payloads)
    assert len(endpoint.pushes) <= settled + 2  # one may have been on its way
