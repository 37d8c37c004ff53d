"""What a model is asked, and what it replied. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fitsense.config import canonical_json
from fitsense.prompting import Message

Kind = Literal["test", "slice", "safety", "lookalike"]
Mode = Literal["free", "constrained"]


@dataclass(frozen=True)
class Case:
    """One prompt. ``query`` is a ``records.Query`` as a dict; ``teacher`` the answer's text, if there is one.

    Cases of one ``cluster`` (a person) are no independent evidence. ``slice`` cases are held-out records that
    fill small slices; they count there alone.
    """

    id: str
    kind: Kind
    query: Mapping[str, Any]
    messages: tuple[Message, ...]
    slices: Mapping[str, str]
    cluster: str
    accepted: tuple[str, ...]
    teacher: str | None = None
    rule: str = ""


@dataclass(frozen=True)
class Ask:
    """A case as it is sent: freely, or bound to a form; ``timed`` ones are streamed."""

    case: Case
    mode: Mode
    max_tokens: int
    response_format: Mapping[str, Any] | None = None
    timed: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The request without its model: greedy, so that there is one answer."""
        body: dict[str, Any] = {
            "messages": [dict(message) for message in self.case.messages],
            "max_tokens": self.max_tokens,
            "temperature": 0.0,
            "seed": 0,
        }
        if self.response_format is not None:
            body["response_format"] = self.response_format
        return body

    @property
    def sha256(self) -> str:
        """Identity of what is asked, whoever answers."""
        return hashlib.sha256(canonical_json(self.body)).hexdigest()


@dataclass(frozen=True)
class Timing:
    """Milliseconds from sending to the first token and to the last."""

    ttft_ms: float
    total_ms: float


@dataclass(frozen=True)
class Reply:
    """What came back. ``error`` says why there is no text: the engine refused the request."""

    text: str = ""
    finish_reason: str = ""
    tokens: int = 0
    error: str = ""
    timing: Timing | None = None


@dataclass
class Answers:
    """Replies of one model by (case id, mode)."""

    model: str
    replies: dict[tuple[str, Mode], Reply] = field(default_factory=dict)

    def of(self, case: Case, mode: Mode = "free") -> Reply | None:
        return self.replies.get((case.id, mode))


def test_sha256(asks: list[Ask]) -> str:
    """Identity of a whole test: the prompts, how they are asked, and what the teacher said to them."""
    rows = sorted([ask.case.id, ask.case.kind, ask.mode, ask.sha256, ask.case.teacher or ""] for ask in asks)
    return hashlib.sha256(canonical_json(rows)).hexdigest()
