"""``evaluation/samples.jsonl``: every prompt with what was answered and how it was judged, a line each.

For people to read, and for later evaluations: a champion whose samples hold the same prompts is not asked
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore, dumps_line
from student.evaluate.cases import Ask, Reply
from student.evaluate.journal import decode
from student.evaluate.judging import Judged

SAMPLES = "evaluation/samples.jsonl"
"""Of a version's own evaluation."""


def sample_lines(asks: Mapping[tuple[str, str], Ask], judged: Iterable[Judged]) -> bytes:
    """Times are left out: but for them the same model gives the same bytes."""
    return b"".join(dumps_line(_row(asks[one.case.id, one.mode], one)) for one in judged)


def _row(ask: Ask, one: Judged) -> dict[str, Any]:
    case = one.case
    return {
        "id": case.id,
        "kind": case.kind,
        "mode": one.mode,
        "sha256": ask.sha256,
        "slices": dict(case.slices),
        "prompt": case.query["prompt"],
        "context": _context(case.messages),
        "accepted": list(case.accepted),
        "teacher": case.teacher,
        "reply": asdict(one.reply) | {"timing": None},
        "failure": one.failure,
        "values": dict(one.values),
        "broken": [f"{v.rule_id} {v.where}: {v.message}" for v in one.broken],
        "harm": list(one.harm),
    }


def _context(messages: Iterable[Mapping[str, Any]]) -> str:
    user = next(str(message["content"]) for message in messages if message["role"] == "user")
    return user.split("</context>")[0].removeprefix("<context>\n").strip()


def stored_replies(store: ArtifactStore, folder: str) -> dict[str, Reply]:
    """Replies of an earlier evaluation by what was asked; empty where there is none."""
    stored = store.read(f"{folder}/{SAMPLES}")
    rows = [orjson.loads(line) for line in stored.data.splitlines()] if stored else []
    return {row["sha256"]: decode(row["reply"]) for row in rows}
