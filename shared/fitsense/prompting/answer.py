"""The output contract: the JSON Schema of an answer, and reading one back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from fitsense.errors import Permanent
from fitsense.records import CoachAnswer

_CODE_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_DROPPED = frozenset({"title", "default", "description", "minLength", "maxLength"})
"""Keywords that say nothing to a decoder, or that strict mode rejects; ``parse_answer`` still checks them."""


MESSAGE_CHARACTERS, MOST_RULES = 2000, 24
"""More than any answer of the teacher has."""


class BadAnswer(Permanent):
    """A model's text that is not a CoachAnswer; the message says where and why."""

    status = 422


def parse_answer(text: str) -> CoachAnswer:
    """The answer that ``text`` holds: one JSON object, at most inside a Markdown code fence.

    Raises BadAnswer, naming each field that is wrong.
    """
    stripped = text.strip()
    if fenced := _CODE_FENCE.match(stripped):
        stripped = fenced[1]
    if not stripped:
        raise BadAnswer("the answer is empty")
    try:
        return CoachAnswer.model_validate_json(stripped)
    except ValidationError as error:
        raise BadAnswer("; ".join(_problem(one) for one in error.errors()[:5])) from error


def _problem(error: Mapping[str, Any]) -> str:
    path = ".".join(str(step) for step in error["loc"]) or "answer"
    return f"{path}: {error['msg']}"


def answer_schema(exercise_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """JSON Schema of CoachAnswer in the strict subset that OpenAI and vLLM accept.

    No ``$ref``, every property required, no further ones, ``null`` as a type of its own, arrays for tuples.
    With ``exercise_ids``, a plan can name no other exercise; with none of them there can be no plan.
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    source = CoachAnswer.model_json_schema()
    schema: dict[str, Any] = _strict(source, source.get("$defs", {}))
    if exercise_ids is not None:
        day = schema["properties"]["plan"]["anyOf"][0]["properties"]["days"]["items"]["properties"]
        day["exercises"]["items"]["properties"]["id"]["enum"] = list(exercise_ids)
    if exercise_ids is not None and not exercise_ids:
        schema["properties"]["plan"] = {"type": "null"}
    return schema


def served_format(exercise_ids: Sequence[str]) -> dict[str, Any]:
    """The ``response_format`` by which the student is asked for one person, who may do these exercises.

    Every list and text has an end, too: a small model, decoded greedily, may love one item for ever, and
    what is cut off at the limit of tokens is no answer.
    """
    schema = answer_schema(exercise_ids)
    schema["properties"]["message"]["maxLength"] = MESSAGE_CHARACTERS
    schema["properties"]["rules"]["maxItems"] = MOST_RULES
    return {"type": "json_schema", "json_schema": {"name": "coach_answer", "strict": True, "schema": schema}}


@cache
def response_format(kind: str) -> dict[str, Any] | None:
    """The request's ``response_format`` for a config's ``structured_output``; None leaves it out."""
    if kind == "json_schema":
        schema = {"name": "coach_answer", "strict": True, "schema": answer_schema()}
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if kind == "json_object" else None


def _strict(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    if "properties" in node:
        properties = {name: _strict(value, definitions) for name, value in node["properties"].items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    kept = {
        key: _strict(value, definitions) for key, value in node.items() if key not in _DROPPED | {"$defs"}
    }
    if "prefixItems" in kept:
        kept["items"] = kept.pop("prefixItems")[0]
    return kept
