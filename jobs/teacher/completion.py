"""One paid answer, or a record's final failure, as the checkpoint and the cache keep it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from fitsense.artifacts import dumps_line

Rejection = Literal["permanent_error", "attempts_exhausted"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What the endpoint made of the request ``sha256``. Tokens are as it counted them.

    ``failed`` is set when there is no text: the record's rejection code, with ``error`` saying why.
    """

    sha256: str
    text: str = ""
    finish_reason: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    failed: Rejection | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """How a call went: for people and bills; never in an artifact. ``tries`` counts the sent requests."""

    cost_usd: float = 0.0
    latency_s: float = 0.0
    request_id: str = ""
    model: str = ""
    tries: int = 1


def encode(completion: Completion, trace: Trace) -> bytes:
    """A checkpoint line. Dictionaries keep their order, so that people find the hash first."""
    return dumps_line({"kind": "call", **asdict(completion), **asdict(trace)})


def decode(row: dict[str, Any]) -> Completion:
    return Completion(**{name: row[name] for name in Completion.__slots__})


def encode_cached(completion: Completion) -> bytes:
    """A cache line: what depends on the request alone."""
    return dumps_line(asdict(completion))


def parse(body: bytes, sha256: str, bounds: tuple[int, int]) -> tuple[Completion, str]:
    """A chat completion's JSON → the completion and the model that answered.

    An endpoint that does not count is taken to have used ``bounds`` (prompt and answer tokens at most).
    Raises ValueError for what is no chat completion.
    """
    try:
        payload = orjson.loads(body)
        choice = payload["choices"][0]
        message = choice["message"]
        text, reason = message.get("content") or "", choice.get("finish_reason") or "stop"
        if not isinstance(text, str):
            raise TypeError("content is no text")
        usage = payload.get("usage") or {}
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        tokens_in, tokens_out = (
            bound if count is None else int(count) for count, bound in zip(counts, bounds, strict=True)
        )
        model, refused = str(payload.get("model", "")), bool(message.get("refusal"))
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"no chat completion: {type(error).__name__} {error}") from error
    reason = "content_filter" if refused else str(reason)
    return Completion(sha256, text, reason, tokens_in, tokens_out), model
