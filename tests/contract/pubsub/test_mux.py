"""One port, two protocols: who is given which connection, and that nothing is lost on the way."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import requests

from services.localcloud.mux import PREFACE
from tests.contract.pubsub.api import Api, data

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # an empty SETTINGS frame, RFC 9113 section 6.5


def connect(api: Api) -> socket.socket:
    host, port = api.backend.host.split(":")
    return socket.create_connection((host, int(port)), 20)


def frame_type(connection: socket.socket) -> int:
    head = b""
    while len(head) < 9:
        got = connection.recv(9 - len(head))
        assert got, "the connection was closed"
        head += got
    return head[3]


def test_a_split_preface_is_still_http2(ours: Api) -> None:
    with connect(ours) as connection:
        for part in (PREFACE[:1], PREFACE[1:10], PREFACE[10:] + SETTINGS):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(part)
        assert frame_type(connection) == 4


def test_the_server_s_first_words_are_never_lost(ours: Api) -> None:
    """The gRPC server sends SETTINGS at once, perhaps before the client's side of the splice is up."""
    for _ in range(50):
        with connect(ours) as connection:
            connection.sendall(PREFACE + SETTINGS)
            assert frame_type(connection) == 4


def test_http1_beside_it(ours: Api) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{ours.backend.url}/_localcloud/health", timeout=20).json()["status"] == "ok"


def test_connections_that_say_nothing_or_little(ours: Api) -> None:
    silent = [connect(ours) for _ in range(20)]
    silent[0].sendall(PREFACE[:5])
    for connection in silent[:10]:
        connection.close()
    assert ours.publisher.get_topic(topic=ours.topic())
    for connection in silent[10:]:
        connection.close()


def test_large_messages_pass_both_ways(ours: Api) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    payload = bytes(range(256)) * 8_000
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ours.publish(topic, payload), range(6)))
    assert data(ours.pull_some(name, 6)) == [payload] * 6
