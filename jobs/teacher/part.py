"""One part's records, all at once: fed in order, answered in any, never losing what was paid."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from fitsense.artifacts import dumps_line
from fitsense.config import EndpointTeacher
from fitsense.errors import Interrupted
from jobs.teacher.admission import Gate, Halted
from jobs.teacher.budget import Price, usd
from jobs.teacher.calls import Caller
from jobs.teacher.checkpoint import Checkpoint
from jobs.teacher.completion import Completion, encode
from jobs.teacher.requests import TeacherRequest, first_request
from jobs.teacher.verdict import ErrorWatch, Verdict, follow_up, judge

TICK_S = 0.1
GRACE_S = 3.0
"""After SIGTERM, for calls in flight: they are paid for. Cloud Run kills 10 s after it."""


@dataclass
class Results:
    """Output lines by row, and what the manifest counts. ``known`` grows by every answer that came."""

    lines: list[bytes | None]
    known: dict[str, Completion]
    new: list[Completion] = field(default_factory=list)
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def done(self) -> int:
        return self.accepted + sum(self.rejected.values())


class PartRun:
    """Asks an endpoint all queries of a part; ``results`` is complete once ``run`` returned."""

    def __init__(
        self,
        queries: list[bytes],
        params: EndpointTeacher,
        caller: Caller,
        gate: Gate,
        checkpoint: Checkpoint,
        results: Results,
        *,
        interrupted: Callable[[], bool],
        progress: Callable[[], None],
    ) -> None:
        self.results = results
        self._queries = queries
        self._params = params
        self._price = Price.of(params)
        self._caller = caller
        self._gate = gate
        self._checkpoint = checkpoint
        self._interrupted = interrupted
        self._progress = progress
        self._watch = ErrorWatch(params.max_error_rate)
        self._pending: dict[str, asyncio.Task[Completion]] = {}
        self._live: set[asyncio.Task[None]] = set()
        # Enough records that backoffs and commits leave no slot empty; not the whole part at once.
        self._room = asyncio.Semaphore(2 * params.max_in_flight + 64)
        self._stop: BaseException | None = None

    async def run(self) -> None:
        """Raises what stopped it (FitSenseError), after what was in flight is durable."""
        ticker = asyncio.create_task(self._tick())
        ticker.add_done_callback(self._ticker_ended)
        clean = False
        try:
            await self._feed()
            clean = await self._drain()
        finally:
            ticker.cancel()
            await self._checkpoint.close(clean=clean)
        if self._stop is not None:
            raise self._stop

    def halt(self, error: BaseException) -> None:
        """Send nothing more; the first reason is the one that is told."""
        if self._stop is None:
            self._stop = error
            self._gate.halt()

    async def _feed(self) -> None:
        for row in range(len(self._queries)):
            await self._room.acquire()
            if self._stop is not None:
                return
            task = asyncio.create_task(self._teach(row))
            self._live.add(task)
            task.add_done_callback(self._finished)
            # The first calls leave while the later prompts are still being built.
            await asyncio.sleep(0)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._live.discard(task)
        self._room.release()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Halted):
            self.halt(error)

    async def _drain(self) -> bool:
        """Wait for the records under way; once interrupted, for a grace only. True if all came to an end."""
        deadline, clean = float("inf"), True
        while self._live:
            if isinstance(self._stop, Interrupted):
                deadline = min(deadline, time.monotonic() + GRACE_S)
            if time.monotonic() > deadline:
                clean = False
                for task in (*self._live, *self._pending.values()):
                    task.cancel()
            await asyncio.wait(self._live, timeout=TICK_S)
        return clean

    async def _tick(self) -> None:
        """Listen for SIGTERM, and tell how far it is (in a thread: the bus may be slow)."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._interrupted():
                raise Interrupted("teacher: told to stop; what was answered is kept")
            await asyncio.to_thread(self._progress)

    def _ticker_ended(self, ticker: asyncio.Task[None]) -> None:
        if not ticker.cancelled() and (error := ticker.exception()):
            self.halt(error)

    async def _teach(self, row: int) -> None:
        query = orjson.loads(self._queries[row])
        request = first_request(query, self._params)
        asked = request.sha256 not in self.results.known
        completion = await self._complete(request)
        used = [completion]
        if again := follow_up(request, completion):
            asked = asked or again.sha256 not in self.results.known
            used.append(await self._complete(again))
        verdict = judge(query, used[-1])
        self._record(row, verdict, used)
        if asked:
            self._watch.finished(verdict)

    async def _complete(self, request: TeacherRequest) -> Completion:
        """Known, under way, or called for: identical requests are sent once."""
        if known := self.results.known.get(request.sha256):
            return known
        task = self._pending.get(request.sha256)
        if task is None:
            task = asyncio.create_task(self._call(request))
            self._pending[request.sha256] = task
            task.add_done_callback(lambda _: self._pending.pop(request.sha256, None))
        return await asyncio.shield(task)

    async def _call(self, request: TeacherRequest) -> Completion:
        completion, trace = await self._caller.call(request)
        await self._checkpoint.append(encode(completion, trace))
        self.results.known[request.sha256] = completion
        self.results.new.append(completion)
        return completion

    def _record(self, row: int, verdict: Verdict, used: list[Completion]) -> None:
        results = self.results
        tokens_in, tokens_out = sum(c.tokens_in for c in used), sum(c.tokens_out for c in used)
        results.lines[row] = response_line(
            self._queries[row],
            verdict,
            model=self._params.model,
            request_sha256=used[-1].sha256,
            tokens=(tokens_in, tokens_out),
            cost_usd=usd(self._price.cost(tokens_in, tokens_out)),
        )
        results.tokens_in += tokens_in
        results.tokens_out += tokens_out
        if verdict.rejected is None:
            results.accepted += 1
        else:
            results.rejected[verdict.rejected] = results.rejected.get(verdict.rejected, 0) + 1


def response_line(
    query: bytes,
    verdict: Verdict,
    *,
    model: str,
    request_sha256: str,
    tokens: tuple[int, int] = (0, 0),
    cost_usd: float = 0.0,
) -> bytes:
    """A ``records.TeacherResponse`` as a JSONL line; the query stands in it as it came."""
    return dumps_line(
        {
            "query": orjson.Fragment(query),
            "answer": verdict.answer,
            "rejected": verdict.rejected,
            "violations": list(verdict.violations),
            "model": model,
            "request_sha256": request_sha256,
            "tokens_in": tokens[0],
            "tokens_out": tokens[1],
            "cost_usd": cost_usd,
        }
    )
