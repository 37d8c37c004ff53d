"""An engine's place taken by a script: an OpenAI-compatible server in this process that knows all answers.

It stands at the edge: what asks it, keeps its replies, judges and reports is the real evaluation.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

Say = Callable[[str, Mapping[str, Any]], str]
"""Model and request body to the text of the answer."""


@dataclass
class Scripted:
    """Plays ``student.serving.engine.Engine``. ``asked`` counts requests by model and messages."""

    say: Say
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    started: list[dict[str, Path]] = field(default_factory=list)
    die_after: int = 10**9

    def start(self, base: Path, adapters: Mapping[str, Path], **_: Any) -> Scripted:
        self.started.append({"": base, **adapters})
        self.url = ""
        return self

    def healthy(self) -> bool:
        if not self.url:
            self.listen()
        return True

    def listen(self) -> None:
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: Mapping[str, Any]) -> tuple[int, bytes, str]:
        """Status, body and content type."""
        if self.asked.total() >= self.die_after:
            return 503, b"{}", "application/json"
        if body["max_tokens"] > 4:  # the warm-up is nobody's answer
            key = hashlib.sha256(orjson.dumps([body["model"], body["messages"], "response_format" in body]))
            self.asked[key.hexdigest()] += 1
        text = self.say(body["model"], body)
        usage = {"completion_tokens": len(text) // 4}
        if not body.get("stream"):
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            return 200, orjson.dumps({"choices": [choice], "usage": usage}), "application/json"
        events = [
            {"choices": [{"delta": {"content": text[: len(text) // 2]}}]},
            {"choices": [{"delta": {"content": text[len(text) // 2 :]}, "finish_reason": "stop"}]},
            {"choices": [], "usage": usage},
        ]
        lines = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
        return 200, lines + b"data: [DONE]\n\n", "text/event-stream"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, data, kind = self.script.answer(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
