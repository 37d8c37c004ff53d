"""What a completion is worth: an answer, one more request, or a rejection. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fitsense import prompting
from fitsense.errors import TooManyErrors
from fitsense.records import CoachAnswer
from fitsense.training.verify import verify_answer
from jobs.teacher.completion import Completion
from jobs.teacher.requests import TeacherRequest, with_correction, with_more_room

WINDOW = 100
SMALLEST_WINDOW = 50


@dataclass(frozen=True)
class Verdict:
    """A record's end. ``rejected`` is None for a good answer; ``detail`` says more, for logs.

    ``answer`` is a ``records.CoachAnswer`` as a dict: what was verified is what will be written.
    """

    answer: dict[str, Any] | None = None
    rejected: str | None = None
    violations: tuple[str, ...] = ()
    detail: str = ""


def follow_up(request: TeacherRequest, completion: Completion) -> TeacherRequest | None:
    """The one second chance of a record: more room for a cut answer, a correction of a malformed one."""
    problem = shortcoming(completion)
    if problem is None:
        return None
    return with_correction(request, completion.text, problem) if problem else with_more_room(request)


def shortcoming(completion: Completion) -> str | None:
    """What a second request may mend: a malformed answer (in words) or a cut one (no words); or nothing."""
    if completion.failed or completion.finish_reason == "content_filter":
        return None
    if completion.finish_reason != "stop":
        return ""
    try:
        prompting.parse_answer(completion.text)
    except prompting.BadAnswer as error:
        return error.message
    return None


def judge(query: Mapping[str, Any], completion: Completion) -> Verdict:
    """The last completion of a query: parsed, then verified by the rule engine."""
    if completion.failed:
        return Verdict(rejected=completion.failed, detail=completion.error)
    if completion.finish_reason != "stop":
        reason = "filtered" if completion.finish_reason == "content_filter" else "truncated"
        return Verdict(rejected=reason, detail=f"finish_reason {completion.finish_reason}")
    try:
        answer = prompting.parse_answer(completion.text)
    except prompting.BadAnswer as error:
        return Verdict(rejected="schema_invalid", detail=error.message)
    return verify(query, answer)


def verify(query: Mapping[str, Any], answer: CoachAnswer) -> Verdict:
    """The engine's word on an answer; ``violations`` are the ids of the rules it broke, each once."""
    written = answer.model_dump(mode="json")
    broken = tuple(dict.fromkeys(one.rule_id for one in verify_answer(query, written)))
    if broken:
        return Verdict(rejected="unverified", violations=broken, detail=", ".join(broken))
    return Verdict(answer=written)


class ErrorWatch:
    """Stops a stage that mostly fails. The window holds the last 100 finished records."""

    def __init__(self, max_error_rate: float) -> None:
        self._max = max_error_rate
        self._window: deque[str | None] = deque(maxlen=WINDOW)

    def finished(self, verdict: Verdict) -> None:
        """Raises TooManyErrors, naming the commonest error, when 50 records or more show too high a rate."""
        error = f"{verdict.rejected}: {verdict.detail}" if verdict.rejected else None
        self._window.append(error)
        failed = Counter(one for one in self._window if one is not None)
        seen = len(self._window)
        if seen < SMALLEST_WINDOW or failed.total() <= self._max * seen:
            return
        commonest, times = failed.most_common(1)[0]
        raise TooManyErrors(
            f"{failed.total()} of the last {seen} records failed, more than teacher.max_error_rate "
            f"{self._max:g}; {times} times {commonest}",
            hint="look at the commonest error; paid answers are cached, so that a new run goes on from here",
        )
