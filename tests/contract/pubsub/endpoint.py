"""A push endpoint of a test's own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Push:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int
    """Which TCP connection it came over."""

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.body["message"]["data"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


class PushEndpoint:
    """Records every request, and answers what ``answer`` says (204 unless told otherwise)."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.answer: Callable[[Push], int] = lambda _: 204
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/push"

    @property
    def payloads(self) -> list[bytes]:
        return [push.data for push in list(self.pushes)]

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                push = Push(self.path, dict(self.headers), json.loads(body), self.client_address[1])
                endpoint.pushes.append(push)
                self.send_response(endpoint.answer(push))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
