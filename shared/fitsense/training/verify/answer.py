"""A whole answer of the coach: its action, its plan and its words, for one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fitsense.safety.reply_check import check_reply
from fitsense.training.request import request_of, tag_values
from fitsense.training.verify.plan import verify_request
from fitsense.training.verify.violation import Violation

_NO_PLAN = frozenset({"escalate", "refuse"})
_ACCEPTED = {
    "answer": {"answer", "conservative_answer"},
    "conservative_answer": {"conservative_answer"},
    "escalate": {"escalate"},
    "refuse": {"refuse"},
}


def verify_answer(query: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Violation]:
    """All that forbids to show a CoachAnswer as a dict for a Query as a dict; empty when it may be shown."""
    found = list(_action(query, answer))
    plan = answer.get("plan")
    if plan is not None and answer["action"] in _NO_PLAN:
        rule = _first(query["safety"])
        found.append(Violation(rule, "verify.plan_beside", "plan", numbers={"action": answer["action"]}))
    elif plan is not None:
        found += verify_request(request_of(query), plan)
    found += _text(query, str(answer["message"]))
    return found


def _first(rules: Iterable[str]) -> str:
    return next(iter(rules), "Q-01")


def _action(query: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[Violation]:
    expected, action = query["expected_action"], answer["action"]
    if action not in _ACCEPTED[expected]:
        numbers = {"found": action, "allowed": expected}
        yield Violation(_first(query["safety"]), "verify.action", "action", numbers=numbers)


def _text(query: Mapping[str, Any], message: str) -> Iterator[Violation]:
    """What no answer may say, in the light of what the prompt raised."""
    raised = tag_values(query["tags"]).get("red_flag")
    flags = {raised} if raised else frozenset()
    for fault in check_reply(message, query["context"], query["language"], flags=flags):
        yield Violation(fault.rule_id, fault.key, "message", numbers=fault.numbers)
