"""One record's call until there is an answer: admission, reservation, retries, trace."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Protocol

from fitsense.artifacts import dumps_line
from fitsense.config import EndpointTeacher
from fitsense.errors import Misconfigured
from jobs.teacher.admission import Gate
from jobs.teacher.budget import Ledger, Price, usd
from jobs.teacher.completion import Completion, Trace
from jobs.teacher.failures import CallFailed, backoff
from jobs.teacher.requests import TeacherRequest

THROTTLED_TRIES = 8
"""A 429 is no failure of the record: it may meet this many times ``max_attempts`` of them."""

_COUNTED_AS = {
    "rate_limited": "rate_limited",
    "overloaded": "overloaded",
    "timeout": "timeouts",
    "server": "server_errors",
    "connection": "dropped",
    "bad_response": "bad_responses",
    "rejected": "refused",
    "fatal": "refused",
}


class Sender(Protocol):
    """Sends once: ``jobs.teacher.endpoint.Endpoint``."""

    async def complete(self, request: TeacherRequest) -> tuple[Completion, Trace]: ...


class Journal(Protocol):
    """Keeps lines: ``jobs.teacher.checkpoint.Checkpoint``."""

    def note(self, line: bytes) -> None: ...

    async def append(self, line: bytes) -> None: ...


class Caller:
    """Calls of one part. ``counts`` are of requests and what became of them."""

    def __init__(
        self,
        sender: Sender,
        gate: Gate,
        ledger: Ledger,
        journal: Journal,
        params: EndpointTeacher,
        *,
        seed: int,
        counts: Counter[str],
    ) -> None:
        self.counts = counts
        self._sender = sender
        self._gate = gate
        self._ledger = ledger
        self._journal = journal
        self._price = Price.of(params)
        self._attempts = params.max_attempts
        self._seed = seed
        self._settled = asyncio.Event()

    async def call(self, request: TeacherRequest) -> tuple[Completion, Trace]:
        """The answer, or a completion that says why there is none.

        Raises Halted, BudgetExceeded, and Misconfigured for what would fail every record.
        """
        rng = Random(f"{self._seed}/{request.sha256}")
        kinds: Counter[bool] = Counter()
        while True:
            tries = kinds.total() + 1
            try:
                completion, trace = await self._try(request, tries)
            except CallFailed as failure:
                kinds[failure.kind == "rate_limited"] += 1
                if rejected := self._rejected(request, failure, kinds):
                    return rejected, Trace(tries=tries, request_id=failure.request_id)
                await self._gate.sleep(backoff(kinds.total(), rng))
            else:
                return completion, replace(trace, tries=tries)

    def _rejected(
        self, request: TeacherRequest, failure: CallFailed, kinds: Counter[bool]
    ) -> Completion | None:
        """The record's end, if this failure is one. Raises Misconfigured when it is everybody's."""
        if failure.kind == "fatal":
            raise Misconfigured(
                f"the teacher's endpoint refuses all calls: {failure.error}",
                hint="check base_url, model, the key in api_key_secret, and its quota",
            )
        if not failure.retryable:
            return Completion(request.sha256, failed="permanent_error", error=failure.error)
        if kinds[False] >= self._attempts or kinds[True] >= THROTTLED_TRIES * self._attempts:
            return Completion(request.sha256, failed="attempts_exhausted", error=failure.error)
        return None

    async def _try(self, request: TeacherRequest, number: int) -> tuple[Completion, Trace]:
        epoch = await self._gate.enter(retry=number > 1)
        congested = False
        try:
            reserved = await self._reserve(request)
            try:
                return await self._send(request, reserved, number)
            except CallFailed as failure:
                congested = failure.congested
                self._gate.pause(failure.retry_after_s)
                if failure.kind == "fatal":
                    # Before the slot is free again: not one more call than those in flight.
                    self._gate.halt()
                raise
        finally:
            self._gate.leave(epoch, congested=congested)

    async def _send(self, request: TeacherRequest, reserved: int, number: int) -> tuple[Completion, Trace]:
        self.counts["requests"] += 1
        self.counts["retries"] += number > 1
        begun = time.monotonic()
        spent, lost = 0, True
        try:
            completion, trace = await self._sender.complete(request)
            spent, lost = self._price.cost(completion.tokens_in, completion.tokens_out), False
        except CallFailed as failure:
            lost = failure.maybe_charged
            await self._trace(request, failure, number, time.monotonic() - begun, reserved if lost else 0)
            raise
        finally:
            # A call that is cancelled is as lost as one whose connection dropped.
            if lost:
                self._ledger.lose(reserved)
            else:
                self._ledger.settle(reserved, spent)
            self._settled.set()
        return completion, replace(trace, cost_usd=usd(spent))

    async def _reserve(self, request: TeacherRequest) -> int:
        """Hold what the call can cost; wait for calls in flight to give some back. Raises BudgetExceeded."""
        worst = self._price.worst(request.sketch)
        self._gate.check()
        while not self._ledger.reserve(worst):
            if not self._ledger.reserved:
                raise self._ledger.exceeded(worst)
            self._settled.clear()
            await self._settled.wait()
            self._gate.check()
        return worst

    async def _trace(
        self, request: TeacherRequest, failure: CallFailed, number: int, latency_s: float, at_risk: int
    ) -> None:
        """Put a failed try on record; durably, if money may have gone with it."""
        self.counts[_COUNTED_AS[failure.kind]] += 1
        row = {
            "kind": "try",
            "sha256": request.sha256,
            "try": number,
            "failure": failure.kind,
            "error": failure.error,
            "request_id": failure.request_id,
            "latency_s": round(latency_s, 4),
            "at_risk_pico": at_risk,
        }
        if at_risk:
            await self._journal.append(dumps_line(row))
        else:
            self._journal.note(dumps_line(row))
