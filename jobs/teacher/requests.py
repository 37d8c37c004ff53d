"""What is sent: the exact bytes of each request, and their hash. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fitsense import prompting
from fitsense.config import EndpointTeacher, canonical_json
from fitsense.errors import BadArtifact

MOST_TOKENS = 8192
"""No answer gets more room than this, however often it was cut off."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A request without its body: all that planning needs, for every query of a part at once.

    ``input_bound`` is the body's size in bytes. The prompt has no more tokens than that: each token of a
    byte-level tokenizer holds a byte or more, and the body's punctuation outweighs a chat template's.
    """

    sha256: str
    input_bound: int
    max_tokens: int

    @property
    def likely_input(self) -> int:
        """Prompt tokens as they usually come out: four bytes each."""
        return self.input_bound // 4


@dataclass(frozen=True, slots=True)
class TeacherRequest:
    """A chat completion. ``sha256`` is of the body: model, messages, parameters and response format."""

    body: bytes
    sha256: str
    max_tokens: int

    @property
    def sketch(self) -> Sketch:
        return Sketch(self.sha256, len(self.body), self.max_tokens)


def first_request(query: Mapping[str, Any], params: EndpointTeacher) -> TeacherRequest:
    """The request for a ``records.Query`` as a dict. Raises BadArtifact for a query that no prompt fits."""
    try:
        reference = prompting.reference_text(query["context"], query["language"])
    except KeyError as error:
        raise BadArtifact(f"{query['query_id']}: the catalogue does not know {error}") from error
    messages = prompting.messages(query, reference=reference)
    return _request({**_parameters(params), "messages": messages})


def with_more_room(request: TeacherRequest) -> TeacherRequest | None:
    """The same with twice the tokens; None when there is no more room to give."""
    if request.max_tokens >= MOST_TOKENS:
        return None
    return _request({**orjson.loads(request.body), "max_tokens": min(2 * request.max_tokens, MOST_TOKENS)})


def with_correction(request: TeacherRequest, answer: str, problem: str) -> TeacherRequest:
    """The same conversation, going on with what was wrong about ``answer``."""
    payload = orjson.loads(request.body)
    turns: Sequence[prompting.Message] = (
        {"role": "assistant", "content": answer},
        {"role": "user", "content": f"That is not the JSON asked for ({problem}). Reply with it alone."},
    )
    return _request({**payload, "messages": [*payload["messages"], *turns]})


def cache_key(params: EndpointTeacher) -> str:
    """Names the folder of answers that this endpoint gave under these parameters, 32 hex digits."""
    identity = {"base_url": params.base_url, "prompt": prompting.PROMPT_VERSION, **_parameters(params)}
    return hashlib.sha256(canonical_json(identity)).hexdigest()[:32]


def _parameters(params: EndpointTeacher) -> dict[str, Any]:
    chosen = {
        "model": params.model,
        "temperature": params.temperature,
        "max_tokens": params.max_tokens,
        "response_format": prompting.response_format(params.structured_output),
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _request(payload: Mapping[str, Any]) -> TeacherRequest:
    body = canonical_json(payload)
    return TeacherRequest(body, hashlib.sha256(body).hexdigest(), payload["max_tokens"])
