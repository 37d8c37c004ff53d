"""What the student reads and writes: the chat of ``fitsense.prompting``, and the answer's canonical form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from fitsense.errors import BadArtifact
from fitsense.prompting import BadAnswer, Message, chat, parse_answer
from fitsense.records import DatasetRecord

Style = Callable[[list[Message], dict[str, Any]], str]
"""The text of an answer, given its prompt's messages and the answer as a dict."""


def conversations(records: Iterable[DatasetRecord], style: Style) -> list[list[Message]]:
    """System, user and assistant message of each record. Raises BadArtifact for an answer that is none."""
    return [_conversation(record, style) for record in records]


def _conversation(record: DatasetRecord, style: Style) -> list[Message]:
    prompt = chat(record.instruction, record.context)
    try:
        value = parse_answer(record.response).model_dump(mode="json")
    except BadAnswer as error:
        raise BadArtifact(f"record {record.id}: {error.message}") from error
    return [*prompt, Message(role="assistant", content=style(prompt, value))]


def whole(_: list[Message], answer: dict[str, Any]) -> str:
    """Compact JSON in the schema's own order, the one that constrained decoding imposes.

    Whole numbers have no ``.0``: one token less, and how the context says them.
    """
    return dumps(answer)


def dumps(value: Any) -> str:
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


_MESSAGE = '"message":"'
_PLAN = '","plan":'


def message_span(answer: str) -> tuple[int, int]:
    """Where in a canonical answer its message stands: ``(start, end)`` in characters, without the quotes."""
    start = answer.index(_MESSAGE) + len(_MESSAGE)
    # The first such sequence ends the message: inside of it each quote is escaped.
    return start, answer.index(_PLAN, start)


def without_message(answer: str) -> str:
    start, end = message_span(answer)
    return answer[:start] + answer[end:]


def without_exercises(answer: str) -> str:
    """A canonical answer up to its first exercise; whole where there is none."""
    return answer.split('{"id":', 1)[0].rstrip(" ")


NUMBER = re.compile(r"(?<![\w-])\d+(?:[.,]\d+)?(?!\w)")
"""A number in a sentence; what belongs to a rule's or an exercise's id is none."""
