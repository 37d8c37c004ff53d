"""How many calls may be in flight: bounded, adaptive to overload, paused by Retry-After.

``Aimd`` is the pure rule, ``Gate`` waits by it. Additive increase, multiplicative decrease, as TCP does
(Chiu and Jain 1989), but a few stray 429s in a round of calls are noise and change nothing: a rule that
halves on each would hold 64 calls down to 12 at 1 % of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

DECREASE = 0.7
TOLERANCE = 0.05
"""Share of overload signals in a round below which they are noise."""
STEPS = 32
"""Rounds from nothing to the cap."""
SHORTEST_ROUND = 8


class Halted(Exception):
    """No further call may be sent; the record is left for another attempt."""


class Aimd:
    """The limit of calls in flight. A round is as many finished calls as the limit allows at once."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.limit = float(cap)
        self.epoch = 0
        self._finished = self._congested = 0

    def finished(self, epoch: int, congested: bool) -> None:
        """A call that was sent in ``epoch`` came back; those sent before the last decrease do not count."""
        if epoch != self.epoch:
            return
        self._finished += 1
        self._congested += congested
        a_round = max(SHORTEST_ROUND, int(self.limit))
        if self._congested > max(1.0, TOLERANCE * a_round):
            self.limit = max(1.0, self.limit * DECREASE)
            self.epoch += 1
            self._finished = self._congested = 0
        elif self._finished >= a_round:
            self.limit = min(float(self.cap), self.limit + max(1.0, self.cap / STEPS))
            self._finished = self._congested = 0


class Gate:
    """Slots for calls. Waiting retries go before first tries; while paused nothing goes."""

    def __init__(self, cap: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.aimd = Aimd(cap)
        self.in_flight = 0
        self.peak = 0
        self._clock = clock
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._closed_until = 0.0
        self._halted = asyncio.Event()

    async def enter(self, *, retry: bool = False) -> int:
        """Wait for a slot; the epoch to hand to ``leave``. Raises Halted."""
        self.check()
        if not self._waiting and self._free():
            return self._take()
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if retry:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        return await waiter

    def leave(self, epoch: int, *, congested: bool) -> None:
        self.in_flight -= 1
        self.aimd.finished(epoch, congested)
        self._wake()

    def pause(self, seconds: float) -> None:
        """The endpoint asked the whole client to come back in ``seconds``."""
        until = self._clock() + seconds
        if seconds > 0 and until > self._closed_until:
            self._closed_until = until
            self._reopen()

    def check(self) -> None:
        """Raises Halted once no further call may be sent."""
        if self._halted.is_set():
            raise Halted

    def halt(self) -> None:
        """Whoever waits, or comes from now on, gets Halted; calls in flight go on."""
        self._halted.set()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(Halted())

    async def sleep(self, seconds: float) -> None:
        """Wait before a retry. Raises Halted as soon as there is no point in waiting."""
        try:
            await asyncio.wait_for(self._halted.wait(), seconds)
        except TimeoutError:
            return
        raise Halted

    def _free(self) -> bool:
        return self.in_flight < int(self.aimd.limit) and self._clock() >= self._closed_until

    def _take(self) -> int:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        return self.aimd.epoch

    def _reopen(self) -> None:
        remaining = self._closed_until - self._clock()
        if remaining > 0:
            asyncio.get_running_loop().call_later(remaining, self._reopen)
        else:
            self._wake()

    def _wake(self) -> None:
        while self._waiting and self._free():
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(self._take())
