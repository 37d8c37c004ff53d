"""The part as the local cloud holds it: start, publish from within, stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from services.localcloud.component import Context
from services.localcloud.faults import Faults
from services.localcloud.http import ApiError
from services.localcloud.pubsub import create
from services.localcloud.pubsub.component import PubSub
from tests.cloud import CloudProcess
from tests.contract.pubsub.api import Api, eventually
from tests.contract.pubsub.backends import OURS, Backend
from tests.contract.pubsub.endpoint import PushEndpoint


def context(folder: Path) -> Context:
    return Context(state=folder, project="p", location="local", faults=Faults())


def test_publishing_from_within(tmp_path: Path) -> None:
    async def test() -> None:
        given = context(tmp_path)
        part = create(given)
        assert given.publish is not None
        await part.start()
        with pytest.raises(ApiError) as caught:
            await given.publish("projects/p/topics/none", b"x", {})
        assert caught.value.code == 404
        await part.stop()

    asyncio.run(test())


@pytest.mark.parametrize("depth", [1, 120])
def test_the_socket_s_path_is_short_and_goes_away(tmp_path: Path, depth: int) -> None:
    async def test() -> None:
        part = PubSub(context(tmp_path / ("d" * depth)))
        assert len(str(part.grpc_path)) <= 100
        await part.start()
        assert part.grpc_path.is_socket()
        await part.stop()
        assert not part.grpc_path.exists()

    asyncio.run(test())


@pytest.fixture
def busy(tmp_path: Path, endpoint: PushEndpoint) -> Iterator[CloudProcess]:
    """A cloud with a stream open, a pull waiting, and a push in flight."""
    cloud = CloudProcess(tmp_path, "pubsub").start()
    api = Api(Backend(OURS, cloud.url.removeprefix("http://"), cloud))
    gate, streamed = threading.Event(), threading.Event()
    endpoint.answer = lambda _: 204 if gate.wait(20) else 500
    topic = api.topic()
    pulled, followed = api.subscription(topic, filter="attributes:never"), api.subscription(topic)
    api.subscription(topic, push_config={"push_endpoint": endpoint.url})

    def wait_for_messages() -> None:
        with suppress(exceptions.GoogleAPICallError):
            api.subscriber.pull(subscription=pulled, max_messages=1, timeout=30, retry=None)

    def follow() -> None:
        first = {"subscription": followed, "stream_ack_deadline_seconds": 10}
        with suppress(exceptions.GoogleAPICallError):
            for _ in api.subscriber.streaming_pull(requests=endless(first, gate), retry=None):
                streamed.set()

    clients = [threading.Thread(target=wait_for_messages), threading.Thread(target=follow)]
    for client in clients:
        client.start()
    api.publish(topic, b"x")
    eventually(lambda: endpoint.pushes and streamed.is_set())
    yield cloud
    gate.set()
    for client in clients:
        client.join(20)
    api.close()


def endless(first: dict[str, Any], end: threading.Event) -> Iterator[dict[str, Any]]:
    """The requests of a stream that stays open."""
    yield first
    end.wait(20)


def test_it_stops_in_order_however_busy(busy: CloudProcess) -> None:
    process = busy._process
    assert process is not None
    busy.stop()
    assert process.returncode == 0
    log = (busy.state / "localcloud.log").read_text()
    assert "Traceback" not in log
    assert "never retrieved" not in log
