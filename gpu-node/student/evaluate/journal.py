"""Replies that are never asked for twice: each is in the bucket soon after it came.

``training_checkpoints/<version>/evaluation/<number>.jsonl``, create-only, a line a reply, keyed by who was
asked what. Replies that came while one object was being written go into the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

import orjson

from fitsense.artifacts import ArtifactStore, dumps_line
from student.evaluate.cases import Ask, Reply, Timing


class Keeper(Protocol):
    """Keeps replies by who was asked what."""

    def reply(self, model: str, ask: Ask) -> Reply | None: ...

    def write(self, model: str, given: Mapping[str, Reply]) -> None: ...


class Journal:
    """The replies of an evaluation, those of earlier attempts included. One thread writes at a time."""

    def __init__(self, store: ArtifactStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._names = sorted(store.names(f"{prefix}/"))
        self._next = len(self._names)
        self._known: dict[tuple[str, str], Reply] = {}
        self._recalled: dict[tuple[str, str], Reply] = {}
        for name in self._names:
            stored = store.read(name)
            for line in stored.data.splitlines() if stored else ():
                row = orjson.loads(line)
                self._known[row["model"], row["sha256"]] = decode(row["reply"])

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, model: str, replies: Mapping[str, Reply]) -> None:
        """Take replies that stand elsewhere for given, timed or not; they are not written again."""
        self._recalled |= {(model, key): reply for key, reply in replies.items()}

    def reply(self, model: str, ask: Ask) -> Reply | None:
        """The reply, if it was given. One that was not timed answers no ask that is to be."""
        key = model, ask.sha256
        known = self._known.get(key)
        if known is None or (ask.timed and known.timing is None):
            return self._recalled.get(key)
        return known

    def knows(self, model: str, asks: Iterable[Ask]) -> bool:
        return all(self.reply(model, ask) is not None for ask in asks)

    def replies(self, model: str, asks: Iterable[Ask]) -> dict[str, Reply]:
        """By ``Ask.sha256``; empty unless all are known."""
        found = {ask.sha256: self.reply(model, ask) for ask in asks}
        known = {key: reply for key, reply in found.items() if reply is not None}
        return known if len(known) == len(found) else {}

    def write(self, model: str, given: Mapping[str, Reply]) -> None:
        """Keep replies by the hash of what was asked; returns once they are in the bucket."""
        rows = [{"model": model, "sha256": key, "reply": asdict(reply)} for key, reply in given.items()]
        data = b"".join(map(dumps_line, rows))
        while not self._store.create(self._name(), data, "application/x-ndjson"):
            self._next += 1  # another attempt that is not yet dead writes here too
        self._next += 1
        self._known |= {(model, key): reply for key, reply in given.items()}

    def delete(self) -> None:
        """Once the report stands."""
        for name in list(self._store.names(f"{self._prefix}/")):
            blob = self._store.bucket.get_blob(name)
            if blob is not None:
                self._store.delete(name, int(blob.generation))

    def _name(self) -> str:
        return f"{self._prefix}/{self._next:06d}.jsonl"


class Unkept:
    """Takes the place of a journal for what nobody needs to know later."""

    def __init__(self) -> None:
        self._given: dict[str, Reply] = {}

    def reply(self, model: str, ask: Ask) -> Reply | None:
        return self._given.get(ask.sha256)

    def write(self, model: str, given: Mapping[str, Reply]) -> None:
        self._given |= given


def decode(row: Mapping[str, Any]) -> Reply:
    """A reply out of its JSON."""
    timing = row.get("timing")
    return Reply(**{**row, "timing": Timing(**timing) if timing else None})
