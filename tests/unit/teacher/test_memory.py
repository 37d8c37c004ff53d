"""What the checkpoint recalls and where the cache looks: the pure halves."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from jobs.teacher.budget import Price
from jobs.teacher.cache import Directory
from jobs.teacher.checkpoint import recall
from jobs.teacher.completion import Completion, Trace, decode, encode, parse

PRICE = Price(1, 10)


def row(completion: Completion) -> dict[str, Any]:
    decoded: dict[str, Any] = orjson.loads(encode(completion, Trace(0.5, 1.25, "req-1", "m", 2)))
    return decoded


def test_a_completion_survives_the_checkpoint_and_the_line_carries_the_trace() -> None:
    completion = Completion("ab", "text", "stop", 7, 3)
    line = row(completion)
    assert decode(line) == completion
    assert (line["latency_s"], line["request_id"], line["tries"], line["cost_usd"]) == (1.25, "req-1", 2, 0.5)


def test_recall_counts_each_answer_once() -> None:
    one, two = Completion("a", "x", "stop", 5, 2), Completion("b", "y", "stop", 1, 1)
    history = recall([(0, row(one)), (1, row(two)), (2, row(one))], PRICE)
    assert history.known == {"a": one, "b": two}
    assert history.spent == 25 + 11
    assert history.attempts == 3


def test_only_attempts_that_never_closed_leave_money_at_risk() -> None:
    opened: list[dict[str, Any]] = [{"kind": "opened", "at_risk_pico": 100}, {"kind": "closed"}]
    lost_try: dict[str, Any] = {"kind": "try", "at_risk_pico": 7}
    clean = recall([(0, opened[0]), (0, opened[1])], PRICE)
    killed = recall([(0, opened[0]), (0, lost_try), (1, opened[0]), (1, opened[1]), (2, opened[0])], PRICE)
    assert clean.at_risk == 0
    assert killed.at_risk == 100 + 7 + 100


def digest(i: int) -> str:
    return hashlib.sha256(str(i).encode()).hexdigest()


def test_the_directory_names_only_objects_that_hold_a_wanted_hash() -> None:
    groups = [[digest(i) for i in range(start, start + 40)] for start in (0, 40, 80)]
    groups.append(groups[0][:3])
    keys = [b"".join(bytes.fromhex(one[:16]) for one in group) for group in groups]
    directory = Directory(["first", "second", "third", "again"], keys)
    assert directory.objects_with([digest(5)]) == ["first"]
    assert directory.objects_with([digest(1), digest(79)]) == ["first", "second", "again"]
    assert directory.objects_with([digest(1000)]) == []


def test_an_empty_directory_finds_nothing() -> None:
    assert Directory([], []).objects_with([digest(1)]) == []


def body(**choice: Any) -> bytes:
    first = {"message": {"content": "hi"}, "finish_reason": "stop", **choice}
    return orjson.dumps(
        {"model": "m-2", "choices": [first], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    )


def test_parse_reads_text_tokens_and_model() -> None:
    assert parse(body(), "ab", (99, 99)) == (Completion("ab", "hi", "stop", 4, 2), "m-2")


def test_an_endpoint_that_does_not_count_is_charged_at_the_bounds() -> None:
    uncounted = orjson.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    completion, _ = parse(uncounted, "ab", (99, 98))
    assert (completion.tokens_in, completion.tokens_out) == (99, 98)


def test_a_refusal_counts_as_filtered() -> None:
    completion, _ = parse(body(message={"content": None, "refusal": "no"}), "ab", (1, 1))
    assert (completion.text, completion.finish_reason) == ("", "content_filter")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": [1]}}]}',
    ],
)
def test_what_is_no_chat_completion_is_told(bad: bytes) -> None:
    with pytest.raises(ValueError, match="no chat completion"):
        parse(bad, "ab", (1, 1))
