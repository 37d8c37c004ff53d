"""Durable answers of a part: each is in the bucket before it counts.

``teacher_checkpoints/<run_id>/<part>/<attempt>-<seq>.jsonl``, create-only, written by group commit: what
came while one object was being written goes into the next. A killed task's answers are read back; the same
objects are the trace of all calls, with their latency, request id, tokens and cost. Lines, by ``kind``:

- ``opened``: an attempt is about to send; ``at_risk_pico`` is what its calls in flight can cost if it dies
- ``call``: a completion (``completion.encode``), or a record's final failure
- ``try``: a failed try, with what it may have cost
- ``closed``: the attempt ended with nothing in flight
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore, dumps_line
from fitsense.errors import Unavailable
from jobs.teacher.budget import Price
from jobs.teacher.completion import Completion, decode

LINGER_S = 0.1
"""Between commits, so that a fast bucket is not asked a thousand times a second. A kill loses at most the
answers of this time and of one write; they are asked again under the same idempotency keys."""
READERS = 8


@dataclass
class History:
    """What earlier attempts at the part left: answers by request hash, and money in picodollars."""

    known: dict[str, Completion] = field(default_factory=dict)
    spent: int = 0
    at_risk: int = 0
    attempts: int = 0


def folder(run_id: str, part: int) -> str:
    return f"teacher_checkpoints/{run_id}/{part:05d}/"


def load(store: ArtifactStore, prefix: str, price: Price) -> History:
    """Read all of a part's checkpoints."""
    names = sorted(store.names(prefix))
    with ThreadPoolExecutor(READERS) as pool:
        objects = [
            (_attempt(name), stored) for name, stored in zip(names, pool.map(store.read, names), strict=True)
        ]
    rows = (
        (attempt, orjson.loads(line))
        for attempt, stored in objects
        if stored is not None
        for line in stored.data.splitlines()
    )
    return recall(rows, price)


def _attempt(name: str) -> int:
    return int(name.rsplit("/", 1)[-1].split("-")[0])


def recall(rows: Iterable[tuple[int, dict[str, Any]]], price: Price) -> History:
    """Checkpoint rows with their attempts, in order → what is known and what was spent. Pure."""
    history = History()
    open_risk: dict[int, int] = {}
    for attempt, row in rows:
        history.attempts = max(history.attempts, attempt + 1)
        if row["kind"] == "call":
            completion = decode(row)
            if completion.sha256 not in history.known:
                history.known[completion.sha256] = completion
                history.spent += price.cost(completion.tokens_in, completion.tokens_out)
        elif row["kind"] == "try":
            history.at_risk += row["at_risk_pico"]
        elif row["kind"] == "opened":
            open_risk[attempt] = row["at_risk_pico"]
        else:
            open_risk.pop(attempt, None)
    # An attempt that never closed was killed; nobody knows what its last calls cost.
    history.at_risk += sum(open_risk.values())
    return history


class Checkpoint:
    """The log of one attempt. Everything but ``load`` happens in one event loop."""

    def __init__(self, store: ArtifactStore, prefix: str, attempt: int, linger_s: float = LINGER_S) -> None:
        self.commits = 0
        self._store = store
        self._prefix = f"{prefix}{attempt:03d}-"
        self._linger_s = linger_s
        self._lines: list[bytes] = []
        self._batch: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")

    async def open(self, at_risk: int) -> None:
        """Say, before the first call, what a kill would leave unknown."""
        await self.append(dumps_line({"kind": "opened", "at_risk_pico": at_risk}))

    def note(self, line: bytes) -> None:
        """Keep a line with the next commit; nobody waits for it."""
        self._lines.append(line)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())

    async def append(self, line: bytes) -> None:
        """Returns once the line is in the bucket; raises what the write raised."""
        self.note(line)
        if self._batch is None:
            self._batch = asyncio.get_running_loop().create_future()
        # Shielded: one record that is cancelled must not take the others' commit with it.
        await asyncio.shield(self._batch)

    async def close(self, *, clean: bool) -> None:
        """Flush; ``clean`` says that nothing is in flight any more."""
        try:
            if clean and self.commits:
                self.note(dumps_line({"kind": "closed"}))
            if self._writer is not None:
                await self._writer
        finally:
            self._executor.shutdown(wait=False)

    async def _write_all(self) -> None:
        while self._lines:
            await asyncio.sleep(self._linger_s if self.commits else 0)
            lines, self._lines = self._lines, []
            batch, self._batch = self._batch, None
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, self._create, lines)
            except BaseException as error:
                if batch is not None and not batch.done():
                    batch.set_exception(error)
                raise
            if batch is not None and not batch.done():
                batch.set_result(None)

    def _create(self, lines: list[bytes]) -> None:
        name, data = f"{self._prefix}{self.commits:06d}.jsonl", b"".join(lines)
        if not self._store.create(name, data, "application/x-ndjson"):
            # A retried upload finds its own first try; anything else is another task at the same part.
            stored = self._store.read(name)
            if stored is None or stored.data != data:
                raise Unavailable(f"another task writes {name}", hint="one of the two ends; the run goes on")
        self.commits += 1
