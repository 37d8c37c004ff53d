"""Small HTTP servers for these tests, each on a free port, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Upstream:
    """What a scripted server has seen, and the gate that its stream waits at."""

    port: int = 0
    requests: queue.Queue[tuple[str, str, dict[str, str], bytes]] = field(default_factory=queue.Queue)
    connections: set[object] = field(default_factory=set)
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    client_gone: threading.Event = field(default_factory=threading.Event)
    failures_left: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Upstream]:
    """A server that answers by path: ``/echo``, ``/stream``, ``/cut``, ``/drop``, ``/slow``, ``/moved``."""
    upstream = Upstream()

    class Handler(_Handler):
        state = upstream

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upstream.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield upstream
    finally:
        for _ in range(100):
            upstream.gate.release()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Upstream

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self.state.connections.add(self.client_address)
        body = self._body()
        self.state.requests.put((self.command, self.path, dict(self.headers.items()), body))
        action = self.path.partition("?")[0].rstrip("/").rpartition("/")[2]
        getattr(self, f"_{action}", self._echo)(body)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _echo(self, body: bytes) -> None:
        status = 200
        if self.state.failures_left > 0:
            self.state.failures_left -= 1
            status = 500
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Seen-Path", self.path)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Connection", "x-private")
        self.send_header("X-Private", "for one hop")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self, _: bytes) -> None:
        """Server-sent events, one for each release of the gate, until the client is gone or after three."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number in range(3):
                self.state.gate.acquire()
                event = f"data: {number}\n\n".encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.state.client_gone.set()

    def _hold(self, _: bytes) -> None:
        """One event, then nothing until the connection is closed at the other end."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"2\r\nhi\r\n")
        if self.connection.recv(1) == b"":
            self.state.client_gone.set()
        self.close_connection = True

    def _cut(self, _: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def _drop(self, _: bytes) -> None:
        self.close_connection = True

    def _slow(self, _: bytes) -> None:
        self.state.gate.acquire()
        self.close_connection = True

    def _moved(self, _: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
