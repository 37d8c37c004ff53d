from __future__ import annotations

import orjson
import pytest

from fitsense.errors import TooManyErrors
from jobs.teacher.completion import Completion
from jobs.teacher.requests import first_request
from jobs.teacher.verdict import ErrorWatch, Verdict, follow_up, judge
from tests.integration.teacher.stage import answerable
from tests.unit.teacher.test_requests import params

QUERY = answerable(1)[0]
REQUEST = first_request(QUERY, params())
GOOD = {
    "action": "answer",
    "message": "Keep the load and sleep more this week.",
    "plan": None,
    "rules": ["S-01"],
}


def completion(answer: object = GOOD, reason: str = "stop") -> Completion:
    text = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
    return Completion(REQUEST.sha256, text, reason, 10, 5)


def test_a_good_answer_is_taken_and_not_asked_for_again() -> None:
    verdict = judge(QUERY, completion())
    assert verdict.rejected is None
    assert verdict.answer == GOOD
    assert follow_up(REQUEST, completion()) is None


def test_a_cut_answer_gets_more_room_once_and_is_then_rejected() -> None:
    cut = completion('{"action": "ans', "length")
    again = follow_up(REQUEST, cut)
    assert again is not None
    assert again.max_tokens == 2 * REQUEST.max_tokens
    assert judge(QUERY, cut).rejected == "truncated"


def test_even_a_whole_answer_is_cut_when_the_endpoint_says_so() -> None:
    assert judge(QUERY, completion(GOOD, "length")).rejected == "truncated"


def test_a_malformed_answer_is_corrected_once_and_then_rejected() -> None:
    bad = completion({**GOOD, "action": "dance"})
    again = follow_up(REQUEST, bad)
    assert again is not None
    assert b"action: Input should be" in again.body
    verdict = judge(QUERY, bad)
    assert verdict.rejected == "schema_invalid"
    assert "action" in verdict.detail


def test_a_filtered_answer_is_not_asked_for_again() -> None:
    filtered = completion("", "content_filter")
    assert follow_up(REQUEST, filtered) is None
    assert judge(QUERY, filtered).rejected == "filtered"


def test_what_breaks_a_rule_is_rejected_with_the_rule() -> None:
    verdict = judge(QUERY, completion({**GOOD, "message": "Eat 700 kcal a day until you reach it."}))
    assert verdict.rejected == "unverified"
    assert verdict.violations == ("N-03",)
    assert verdict.answer is None


def test_a_failure_keeps_its_reason() -> None:
    failed = Completion(REQUEST.sha256, failed="attempts_exhausted", error="500: boom")
    assert follow_up(REQUEST, failed) is None
    assert judge(QUERY, failed) == Verdict(rejected="attempts_exhausted", detail="500: boom")


def test_the_watch_waits_for_fifty_records_and_names_the_commonest_error() -> None:
    watch = ErrorWatch(0.2)
    bad = [Verdict(rejected="attempts_exhausted", detail="500: boom")] * 30 + [
        Verdict(rejected="truncated")
    ] * 19
    for verdict in bad:
        watch.finished(verdict)
    with pytest.raises(TooManyErrors, match=r"49 of the last 50 .* 30 times attempts_exhausted: 500: boom"):
        watch.finished(Verdict())


def test_the_watch_looks_at_the_last_hundred_records_only() -> None:
    watch = ErrorWatch(0.2)
    for _ in range(5000):
        watch.finished(Verdict())
    for _ in range(20):
        watch.finished(Verdict(rejected="truncated"))
    with pytest.raises(TooManyErrors, match="21 of the last 100"):
        watch.finished(Verdict(rejected="truncated"))


def test_a_rate_of_one_never_stops() -> None:
    watch = ErrorWatch(1.0)
    for _ in range(200):
        watch.finished(Verdict(rejected="truncated"))
