"""The front door: paths to services, streams passed on chunk by chunk, honest errors."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import requests

from tests.cloud import CloudProcess
from tests.contract.compute.conftest import until
from tests.contract.compute.servers import Upstream, serving


@dataclass
class Door:
    """The front door's URL, the service behind most prefixes, and the one behind ``/a/special``."""

    url: str
    main: Upstream
    special: Upstream


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with serving() as main, serving() as special:
        services = [
            {"name": "a", "prefix": "/a/", "upstream": main.url},
            {"name": "special", "prefix": "/a/special/", "upstream": special.url + "/", "strip": True},
            {"name": "impatient", "prefix": "/impatient", "upstream": main.url, "timeout_s": 0.2},
            {"name": "down", "prefix": "/down/", "upstream": f"http://127.0.0.1:{free_port()}"},
            {"name": "unix", "prefix": "/unix/", "upstream": "unix:/no/such.sock"},
        ]
        state = tmp_path_factory.mktemp("door")
        cloud = CloudProcess(state, parts="frontdoor", settings={"services": services}).start()
        yield Door(cloud.url, main, special)
        cloud.stop()


def test_a_request_arrives_whole_and_its_answer_too(door: Door) -> None:
    body = bytes(range(256)) * 4096
    headers = {"X-Own": "kept", "Connection": "x-hop", "X-Hop": "dropped", "X-Forwarded-For": "10.1.1.1"}
    answer = requests.post(f"{door.url}/a/echo/b%2Fc?q=%20x&q=2", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["X-Seen-Path"] == "/a/echo/b%2Fc?q=%20x&q=2"
    assert "X-Private" not in answer.headers
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}
    method, _, seen, received = door.main.requests.get_nowait()
    assert (method, received) == ("POST", body)
    assert (seen["X-Own"], seen["Content-Length"]) == ("kept", str(len(body)))
    assert "X-Hop" not in seen
    assert seen["X-Forwarded-For"] == "10.1.1.1, 127.0.0.1"
    assert seen["X-Forwarded-Host"] == seen["Host"] == door.url.removeprefix("http://")
    assert seen["X-Forwarded-Proto"] == "http"


def test_a_chunked_upload_is_passed_on(door: Door) -> None:
    answer = requests.put(f"{door.url}/a/echo", data=iter([b"one", b"two"]), timeout=10)
    assert answer.content == b"onetwo"
    door.main.requests.get_nowait()


def test_the_longest_prefix_wins_and_is_stripped_if_asked(door: Door) -> None:
    assert requests.get(f"{door.url}/a/special/x/echo?y", timeout=10).headers["X-Seen-Path"] == "/x/echo?y"
    _, _, seen, _ = door.special.requests.get_nowait()
    assert seen["X-Forwarded-Prefix"] == "/a/special"
    assert requests.get(f"{door.url}/a/specialist", timeout=10).headers["X-Seen-Path"] == "/a/specialist"
    door.main.requests.get_nowait()


def test_head_redirects_and_methods_are_the_services_own(door: Door) -> None:
    assert requests.head(f"{door.url}/a/echo", timeout=10).headers["X-Seen-Path"] == "/a/echo"
    moved = requests.get(f"{door.url}/a/moved", allow_redirects=False, timeout=10)
    assert (moved.status_code, moved.headers["Location"]) == (302, "/elsewhere")
    assert requests.delete(f"{door.url}/a/echo", timeout=10).status_code == 200
    assert [door.main.requests.get_nowait()[0] for _ in range(3)] == ["HEAD", "GET", "DELETE"]


def test_connections_to_a_service_are_kept(door: Door) -> None:
    door.special.connections.clear()
    with requests.Session() as session:
        for _ in range(5):
            session.get(f"{door.url}/a/special/echo", timeout=10)
    assert len(door.special.connections) == 1


def test_events_pass_one_by_one(door: Door) -> None:
    """The second event is only written once the first has been read at the other end."""
    with requests.get(f"{door.url}/a/stream", stream=True, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        chunks = answer.iter_content(None)
        for number in range(3):
            door.main.gate.release()
            assert next(chunks) == f"data: {number}\n\n".encode()
        assert not list(chunks)


def test_a_service_learns_that_its_client_has_gone(door: Door) -> None:
    with closing(http.client.HTTPConnection(door.url.removeprefix("http://"))) as connection:
        connection.request("GET", "/a/hold")
        assert connection.getresponse().read(2) == b"hi"
        assert not door.main.client_gone.is_set()
    until(door.main.client_gone.is_set, "the service sees the end of the connection")


def test_an_answer_cut_short_is_not_made_to_look_whole(door: Door) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(f"{door.url}/a/cut", timeout=10)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/down/x", 503, "down does not accept connections at http://127.0.0.1:"),
        ("/unix/x", 503, "unix does not accept connections at unix:/no/such.sock"),
        ("/a/drop", 502, "a broke off before answering"),
        ("/impatient/slow", 504, "impatient did not answer within 0.2 s"),
        ("/nowhere", 404, "nothing is served at /nowhere"),
        ("/ab", 404, "nothing is served at /ab"),
    ],
)
def test_what_goes_wrong_is_told(door: Door, path: str, status: int, detail: str) -> None:
    answer = requests.post(door.url + path, data=b"x", timeout=10)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(detail)
    if status == 404:
        assert answer.json()["prefixes"]["/a/special/"] == "special"
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)


def test_the_local_clouds_own_paths_come_first(door: Door) -> None:
    assert requests.get(f"{door.url}/_localcloud/health", timeout=10).json()["status"] == "ok"
