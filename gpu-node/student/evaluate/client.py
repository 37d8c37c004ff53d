"""Asking an engine through the OpenAI API: bounded, each reply to the journal, stopped by SIGTERM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from fitsense.errors import Interrupted, Unavailable
from student.evaluate.cases import Ask, Reply, Timing
from student.evaluate.journal import Keeper

POLL_S = 0.2
_SSE = b"data: "


@dataclass(frozen=True)
class Conduct:
    """How asking goes: when to stop, whom to tell (replies, tokens), how long one answer may take."""

    interrupted: Callable[[], bool]
    progress: Callable[[int, int], None]
    timeout_s: float = 600.0


def ask_all(
    url: str, model: str, asks: Sequence[Ask], in_flight: int, journal: Keeper, conduct: Conduct
) -> None:
    """Until the journal has the replies; those that it knows are not asked for again.

    Raises Interrupted after SIGTERM and Unavailable when the engine fails, with all that came kept.
    """
    todo = [ask for ask in asks if journal.reply(model, ask) is None]
    if todo:
        asyncio.run(_Asking(url, model, journal, conduct).run(todo, in_flight))


class _Asking:
    """One round of asks."""

    def __init__(self, url: str, model: str, journal: Keeper, conduct: Conduct) -> None:
        self._url = f"{url}/v1/chat/completions"
        self._model = model
        self._journal = journal
        self._conduct = conduct
        self._fresh: dict[str, Reply] = {}

    async def run(self, asks: Sequence[Ask], in_flight: int) -> None:
        queue = iter(asks)
        timeout = aiohttp.ClientTimeout(total=self._conduct.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            workers = [asyncio.create_task(self._work(session, queue)) for _ in range(in_flight)]
            try:
                await self._watch(workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
                await self._keep()

    async def _watch(self, workers: list[asyncio.Task[None]]) -> None:
        """Until all is answered; raises what a worker raised, and Interrupted."""
        pending: set[asyncio.Task[None]] = set(workers)
        while pending:
            done, pending = await asyncio.wait(pending, timeout=POLL_S, return_when=asyncio.FIRST_EXCEPTION)
            for worker in done:
                worker.result()
            await self._keep()
            if self._conduct.interrupted():
                raise Interrupted("evaluate: told to stop")

    async def _keep(self) -> None:
        fresh, self._fresh = self._fresh, {}
        if fresh:
            await asyncio.get_running_loop().run_in_executor(None, self._journal.write, self._model, fresh)

    async def _work(self, session: aiohttp.ClientSession, queue: Any) -> None:
        for ask in queue:
            reply = await self._ask(session, ask)
            self._fresh[ask.sha256] = reply
            self._conduct.progress(1, reply.tokens)

    async def _ask(self, session: aiohttp.ClientSession, ask: Ask) -> Reply:
        body: dict[str, Any] = {**ask.body, "model": self._model}
        if ask.timed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        begun = time.perf_counter()
        try:
            async with session.post(self._url, data=orjson.dumps(body), headers=_JSON) as response:
                if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise Unavailable(f"the engine answers {response.status}: {await response.text()}")
                if response.status >= HTTPStatus.BAD_REQUEST:
                    return Reply(error=_said(await response.read()))
                if ask.timed:
                    return await _streamed(response, begun)
                return _whole(orjson.loads(await response.read()))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the engine does not answer: {type(error).__name__} {error}") from error


_JSON = {"Content-Type": "application/json"}


def _said(body: bytes) -> str:
    """What an engine says against a request: one line."""
    try:
        payload = orjson.loads(body)
        return str((payload.get("error") or payload)["message"])[:300]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return body[:300].decode(errors="replace")


def _whole(payload: Mapping[str, Any]) -> Reply:
    choice = payload["choices"][0]
    return Reply(
        text=choice["message"]["content"] or "",
        finish_reason=str(choice["finish_reason"]),
        tokens=int(payload["usage"]["completion_tokens"]),
    )


async def _streamed(response: aiohttp.ClientResponse, begun: float) -> Reply:
    """Server-sent events to a reply with its times."""
    pieces: list[str] = []
    first, reason, tokens = 0.0, "", 0
    async for line in response.content:
        if not line.startswith(_SSE) or line.strip() == b"data: [DONE]":
            continue
        event = orjson.loads(line[len(_SSE) :])
        if "error" in event:
            return Reply(error=str(event["error"])[:300])
        tokens = int((event.get("usage") or {}).get("completion_tokens", tokens))
        for choice in event["choices"]:
            if piece := choice["delta"].get("content"):
                first = first or time.perf_counter()
                pieces.append(piece)
            reason = choice.get("finish_reason") or reason
    ended = time.perf_counter()
    times = [round(1000 * ((moment or ended) - begun), 2) for moment in (first, ended)]
    return Reply("".join(pieces), reason, tokens, timing=Timing(times[0], times[1]))
