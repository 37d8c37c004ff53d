"""An OpenAI-compatible endpoint that does what a script says: the edge fake of the teacher's tests.

It runs as a process of its own (``python -m tests.scripted_endpoint``), honours ``Idempotency-Key`` (a key
is billed once, however often it is asked: as the real ones do; what a client asks twice shows in how often
it was ``delivered``), and counts per key. Faults are drawn from the seed, the key and
how often the key was asked, so that they do not depend on the order of requests.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import requests
from aiohttp import web

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Script:
    """Times in seconds. ``behaviours`` maps a text found in the request to what is done with it:
    a status (``"500"``), ``truncated``, ``truncated_once``, ``invalid``, ``refused`` or ``hang``;
    ``answers`` maps such a text to the answer's content."""

    seed: int = 0
    latency_s: float = 0.0
    jitter_s: float = 0.0
    rate_limited: float = 0.0
    errors: float = 0.0
    drops: float = 0.0
    status: int = 0
    storm: tuple[int, int] = (0, 0)
    retry_after: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    api_key: str = ""
    usage: bool = True
    behaviours: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


@dataclass
class KeyState:
    """What happened to one idempotency key. ``delivered`` counts the answers that left with status 200."""

    requests: int = 0
    delivered: int = 0
    billed: int = 0
    statuses: list[int] = field(default_factory=list)
    work: asyncio.Task[bytes] | None = None


class Endpoint:
    """The handler and its counts."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.keys: dict[str, KeyState] = {}
        self.totals = dict.fromkeys(
            ("requests", "billed", "replayed", "rate_limited", "errors", "dropped", "early"), 0
        )
        self.tokens_in = self.tokens_out = 0
        self.in_flight = self.max_in_flight = 0
        self.closed_until = (0.0, 0.0)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_stats":
            return _json(self.stats())
        body = await request.read()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._answer(request, body)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        script = self.script
        key = request.headers.get("Idempotency-Key") or hashlib.sha256(body).hexdigest()
        state = self.keys.setdefault(key, KeyState())
        state.requests += 1
        self.totals["requests"] += 1
        begins, ends = self.closed_until
        self.totals["early"] += begins < time.monotonic() < ends
        if script.api_key and request.headers.get("Authorization") != f"Bearer {script.api_key}":
            return self._refuse(state, 401, "Incorrect API key provided")
        fault = self._fault(key, state.requests)
        if fault == "drop_before":
            return self._drop(request, state)
        if fault == "429":
            return self._rate_limit(state)
        behaviour = next((what for text, what in script.behaviours.items() if text.encode() in body), "")
        if fault.isdigit() or behaviour.isdigit():
            await self._sleep(key)
            return self._refuse(state, int(fault or behaviour), "scripted")
        if behaviour == "hang":
            await asyncio.sleep(3600)
        return await self._complete(request, state, key, body, behaviour, fault)

    async def _complete(
        self, request: web.BaseRequest, state: KeyState, key: str, body: bytes, behaviour: str, fault: str
    ) -> web.StreamResponse:
        if state.work is None:
            state.work = asyncio.create_task(self._work(state, key, body, behaviour))
        else:
            self.totals["replayed"] += 1
        # A caller that hangs up does not stop the work: it is billed all the same, as the real ones do.
        answer = await asyncio.shield(state.work)
        if fault == "drop_after":
            return self._drop(request, state)
        state.statuses.append(200)
        state.delivered += 1
        headers = {"x-request-id": f"req-{self.totals['requests']}"}
        return web.Response(body=answer, content_type="application/json", headers=headers)

    async def _work(self, state: KeyState, key: str, body: bytes, behaviour: str) -> bytes:
        await self._sleep(key)
        text = next((a for t, a in self.script.answers.items() if t.encode() in body), "") or _text(key)
        cut = behaviour == "truncated" or (
            behaviour == "truncated_once" and orjson.loads(body)["max_tokens"] < 1100
        )
        text = {"invalid": '{"action": "dance"}', "refused": ""}.get(behaviour, text)
        text = text[: len(text) // 2] if cut else text
        tokens = (len(body) // 4, len(text) // 4 + 1)
        state.billed += 1
        self.totals["billed"] += 1
        self.tokens_in += tokens[0]
        self.tokens_out += tokens[1]
        return _completion(text, "length" if cut else "stop", tokens if self.script.usage else None)

    def _fault(self, key: str, ordinal: int) -> str:
        script, total = self.script, self.totals["requests"]
        if script.status:
            return str(script.status)
        if script.storm[0] < total <= script.storm[1] or 0 < script.capacity < self.in_flight:
            return "429"
        draw = _uniform(script.seed, key, ordinal)
        for name, share in (("429", script.rate_limited), ("500", script.errors)):
            if draw < share:
                return name
            draw -= share
        half = script.drops / 2
        return "drop_before" if draw < half else "drop_after" if draw < 2 * half else ""

    def _rate_limit(self, state: KeyState) -> web.Response:
        self.totals["rate_limited"] += 1
        state.statuses.append(429)
        headers = self.script.retry_after
        wait = float(headers.get("retry-after", 0)) + float(headers.get("retry-after-ms", 0)) / 1000
        now = time.monotonic()
        if now > self.closed_until[1]:
            # What was under way when the first 429 left cannot know of it: half of the wait is grace.
            self.closed_until = (now + wait / 2, now + wait * 0.98)
        return _json({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429, headers)

    def _refuse(self, state: KeyState, status: int, message: str) -> web.Response:
        self.totals["errors"] += 1
        state.statuses.append(status)
        return _json({"error": {"message": message, "code": None}}, status)

    def _drop(self, request: web.BaseRequest, state: KeyState) -> web.StreamResponse:
        self.totals["dropped"] += 1
        state.statuses.append(0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _sleep(self, key: str) -> None:
        script = self.script
        await asyncio.sleep(script.latency_s + script.jitter_s * (2 * _uniform(script.seed, key, 0) - 1))

    def stats(self) -> dict[str, Any]:
        shown = ("requests", "delivered", "billed", "statuses")
        keys = {key: {name: getattr(state, name) for name in shown} for key, state in self.keys.items()}
        return {
            **self.totals,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "max_in_flight": self.max_in_flight,
            "keys": keys,
        }


def _uniform(*parts: object) -> float:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _text(key: str) -> str:
    message = f"Keep the load, leave two reps in reserve and sleep seven hours. ({key[:12]})"
    return orjson.dumps({"action": "answer", "message": message, "plan": None, "rules": []}).decode()


def _completion(text: str, reason: str, tokens: tuple[int, int] | None) -> bytes:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    usage = (
        {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        if tokens
        else None
    )
    return orjson.dumps(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [choice],
            "usage": usage,
        }
    )


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


class ScriptedEndpoint:
    """The endpoint as a child process: ``with ScriptedEndpoint(tmp_path, script) as endpoint: ...``."""

    def __init__(self, folder: Path, script: Script | None = None) -> None:
        self.folder = folder
        self.script = script or Script()
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ScriptedEndpoint:
        self.folder.mkdir(parents=True, exist_ok=True)
        ready, script = self.folder / "ready", self.folder / "script.json"
        ready.unlink(missing_ok=True)
        script.write_bytes(orjson.dumps(dataclasses.asdict(self.script)))
        command = [sys.executable, "-m", "tests.scripted_endpoint", str(script), str(ready)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 30
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the scripted endpoint did not start")
            time.sleep(0.01)
        self.url = ready.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(15)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = requests.get(f"{self.url}/_stats", timeout=30).json()
        return stats


async def serve(script: Script, ready: Path) -> None:
    """Until SIGTERM; ``ready`` then holds the URL."""
    runner = web.ServerRunner(web.Server(Endpoint(script).handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024, shutdown_timeout=0.1)
    await site.start()
    partial = ready.with_suffix(".partial")
    partial.write_text(f"http://127.0.0.1:{runner.addresses[0][1]}")
    partial.rename(ready)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("ready", type=Path)
    arguments = parser.parse_args()
    asyncio.run(serve(Script(**orjson.loads(arguments.script.read_bytes())), arguments.ready))


if __name__ == "__main__":
    main()
