"""One pass over the JSONL: what each line breaks, and the few columns that checks across lines need."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from jobs.validation.schema import Wrong, parse

SPLITS = ("train", "val", "test")
CHUNK = 10_000
"""Lines whose texts are held at once, to be hashed."""
EXAMPLES = 20

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "split": pl.String(),
    "user_id": pl.String(),
    "cluster": pl.String(),
    "type": pl.String(),
    "language": pl.String(),
    "action": pl.String(),
    "said_action": pl.String(),
    "prompt_chars": pl.UInt32(),
    "context_chars": pl.UInt32(),
    "response_chars": pl.UInt32(),
    "prompt": pl.String(),
    "context": pl.String(),
    "response": pl.String(),
}
_HASHED = ("prompt", "context", "response")


@dataclass(frozen=True)
class Example:
    """A line that breaks the contract."""

    split: str
    line: int
    kind: str
    where: str
    what: str


@dataclass
class Scanned:
    """``keys``: a row per sound line, texts as 64-bit hashes. ``broken``: lines per kind of problem."""

    keys: pl.DataFrame
    rows: dict[str, int]
    broken: Counter[str]
    fields: Counter[tuple[str, str]]
    examples: list[Example]


@dataclass
class Scanner:
    """Feed it lines; memory grows by some hundred bytes a line."""

    rows: int = 0
    _rows: Counter[str] = field(default_factory=Counter)
    _broken: Counter[str] = field(default_factory=Counter)
    _fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    _examples: list[Example] = field(default_factory=list)
    _pending: list[tuple[object, ...]] = field(default_factory=list)
    _frames: list[pl.DataFrame] = field(default_factory=list)

    def add(self, split: str, line: bytes) -> None:
        self.rows += 1
        self._rows[split] += 1
        try:
            self._pending.append(_columns(split, line))
        except Wrong as wrong:
            self._note(split, wrong)
        if len(self._pending) >= CHUNK:
            self._flush()

    def result(self) -> Scanned:
        self._flush()
        keys = pl.concat(self._frames) if self._frames else _hashed(pl.DataFrame(schema=SCHEMA))
        rows = {split: self._rows[split] for split in SPLITS}
        return Scanned(keys, rows, self._broken, self._fields, self._examples)

    def _note(self, split: str, wrong: Wrong) -> None:
        self._broken.update({kind for kind, _, _ in wrong.problems})
        self._fields.update({(kind, where) for kind, where, _ in wrong.problems})
        for kind, where, what in wrong.problems:
            if len(self._examples) < EXAMPLES:
                self._examples.append(Example(split, self._rows[split], kind, where, what[:160]))

    def _flush(self) -> None:
        if self._pending:
            self._frames.append(_hashed(pl.DataFrame(self._pending, schema=SCHEMA, orient="row")))
            self._pending = []


def _columns(split: str, line: bytes) -> tuple[object, ...]:
    """The row of ``SCHEMA`` of a line. Raises Wrong."""
    record, answer = parse(line)
    meta = record.metadata
    return (
        record.id,
        split,
        meta.user_id,
        str(meta.cluster),
        meta.type,
        meta.language,
        meta.action,
        answer.action,
        len(record.instruction),
        len(record.context),
        len(record.response),
        record.instruction,
        record.context,
        record.response,
    )


def _hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts to 64-bit hashes: two of a million records meet by chance once in 37 million datasets."""
    return frame.with_columns(
        pl.struct(_HASHED).hash().alias("content"), *(pl.col(c).hash() for c in _HASHED)
    )
