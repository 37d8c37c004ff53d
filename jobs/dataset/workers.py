"""Batches on all cores, results in order: what comes out does not depend on how many workers there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import TypeVar

from fitsense.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_ROWS = 20_000
"""Below this, starting processes takes longer than they save."""


def worker_count(rows: int) -> int:
    """0 means: in this process, which otherwise has little to do beside them."""
    cores = len(os.sched_getaffinity(0))
    return cores if cores > 1 and rows >= WORTH_ROWS else 0


class Workers:
    """``count`` processes, started anew rather than forked: this process has threads of Google's clients.

    Each holds its end of one pipe, so that it ends when this process does, however that came.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []

    def __enter__(self) -> Workers:
        context = multiprocessing.get_context("spawn")
        for _ in range(self._count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """``function`` of each item, in order; at most one item a worker is under way.

        Raises what ``function`` raises, and Unavailable when a worker is gone.
        """
        if not self._pipes:
            yield from map(function, items)
            return
        idle, busy = deque(self._pipes), deque[Connection]()
        for item in items:
            result: tuple[Result] | None = None
            if not idle:
                idle.append(busy.popleft())
                result = _receive(idle[0])
            _send(idle[0], (function, item))
            busy.append(idle.popleft())
            if result is not None:
                yield result[0]
        while busy:
            yield _receive(busy.popleft())[0]


def _send(pipe: Connection, message: object) -> None:
    try:
        pipe.send(message)
    except OSError as error:
        raise Unavailable("a worker process of the dataset stage is gone", hint=_HINT) from error


def _receive(pipe: Connection) -> tuple[Result]:
    try:
        result, error = pipe.recv()
    except (EOFError, OSError) as gone:
        raise Unavailable("a worker process of the dataset stage is gone", hint=_HINT) from gone
    if error is not None:
        raise error
    return (result,)


_HINT = "killed, probably for memory; the next attempt starts anew"


def _serve(pipe: Connection) -> None:
    """A worker's whole life. It leaves signals to the process that holds the other end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        try:
            answer: tuple[object, Exception | None] = (function(item), None)
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised at the other end
            answer = (None, error)
        try:
            pipe.send(answer)
        except OSError:
            return
