"""The student as its clients see it: who answers, whether it is well, and one question put to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from fitsense import prompting
from fitsense.errors import Permanent, Unavailable
from fitsense.records import CoachAnswer
from fitsense.training.catalog.exercises import LEVELS, exercises_for
from fitsense.training.people.conditions import limits_for
from fitsense.training.request import request_of

if TYPE_CHECKING:
    from fitsense.training.verify import Violation

ALIAS = "student"
"""The model's name in a request: whoever is champion, or the challenger for its share of the traffic."""
POLL_S = 0.25
PLANS = ("plan_creation", "plan_modification")
"""Types of prompts that ask for a plan."""
SERVER_LOG = "its log is student.log, in the folder that fitsense up names"
ANSWER_TIMEOUT_S = 60.0
MAX_TOKENS = 1024
_ID = re.compile(r"\b[a-z]{2}\d{2}\b")


class NotServed(Unavailable):
    """The student does not answer, or not yet with the version that should."""


class TakenBack(Permanent):
    """The version that should serve does not: the node refused it, or somebody rolled it back."""

    status = 409
    exit_code = 1


@dataclass(frozen=True)
class Health:
    """``/healthz``: the version behind the alias (None for none), how the node is, and why it is not well.

    ``refused`` are versions that failed their probe, or that no engine starts with, and why.
    """

    ok: bool = False
    version: str | None = None
    status: str = "not reachable"
    reason: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


@dataclass(frozen=True)
class Reply:
    """What a request came to. ``answer`` is None for a text that is no CoachAnswer: ``problem`` says why."""

    version: str
    seconds: float
    tokens: int
    answer: CoachAnswer | None
    problem: str
    violations: tuple[Violation, ...]
    planless: bool
    """A plan was asked for, and the answer neither gives one nor says why not."""

    @property
    def objections(self) -> list[str]:
        """Why the answer may not be shown as it is, in sentences; empty for one that may."""
        said = [f"{violation.rule_id}: {violation.text()}" for violation in self.violations]
        return [*said, *(["no plan, though one was asked for"] if self.planless else [])]


class Student:
    """``url`` is the OpenAI API's base, ending in ``/v1``: ``FITSENSE_STUDENT_URL``."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def health(self) -> Health:
        """As it is now; never raises."""
        try:
            answered = requests.get(f"{self.url.removesuffix('/v1')}/healthz", timeout=5)
            told = answered.json()
        except (requests.RequestException, ValueError) as error:
            return Health(reason=type(error).__name__)
        if not isinstance(told, dict) or "refused" not in told:  # the front door's own words
            return Health(reason=str(told.get("detail")) if isinstance(told, dict) else "")
        status, reason = str(told.get("status")), str(told.get("reason") or "")
        return Health(answered.ok, told.get("version"), status, reason, dict(told["refused"]))

    def wait_for(self, version: str, timeout_s: float, look: Callable[[Health], None]) -> None:
        """Until ``version`` answers to the alias; ``look`` sees each state and may raise.

        Raises NotServed on timeout, and TakenBack when the node has refused the version.
        """
        deadline = time.monotonic() + timeout_s
        while not (health := self.health()).ok or health.version != version:
            look(health)
            if version in health.refused:
                raise TakenBack(f"the node refuses {version}: {health.refused[version]}", hint=SERVER_LOG)
            if time.monotonic() > deadline:
                raise NotServed(f"the student does not serve {version}: {health.words}", hint=SERVER_LOG)
            time.sleep(POLL_S)

    def ask(self, query: Mapping[str, Any], model: str = ALIAS) -> Reply:
        """One ``records.Query`` as a dict, under the schema with this person's own exercises.

        Raises NotServed.
        """
        import openai  # takes a while, which most commands need not spend

        client = openai.OpenAI(base_url=self.url, api_key="none", timeout=ANSWER_TIMEOUT_S)
        begun = time.monotonic()
        try:
            made = client.chat.completions.create(**request(query, model))
        except openai.OpenAIError as error:
            raise NotServed(f"the student does not answer: {error}") from error
        return _reply(query, made, time.monotonic() - begun)


def request(query: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The chat completion that asks for an answer to ``query``, with what it asks for itself in mind."""
    return {
        "model": model,
        "messages": prompting.messages(query),
        "response_format": prompting.served_format(allowed_ids(query)),
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "user": query["user_id"],
    }


def allowed_ids(query: Mapping[str, Any]) -> list[str]:
    """Exercises that an answer to ``query`` may name: what the person may do under this request, in the
    order of the catalogue, and then what else the outline proposes.
    """
    wanted = request_of(query)
    limits = limits_for(wanted.context, wanted.pain)
    rank = LEVELS[wanted.context["experience"]]
    found = exercises_for(frozenset(wanted.context["equipment"]), limits.tags, limits.patterns, rank)
    ids = [exercise.id for exercise in found if exercise.id not in wanted.avoid]
    return list(dict.fromkeys([*ids, *_ID.findall(query.get("outline") or "")]))


def _reply(query: Mapping[str, Any], made: Any, seconds: float) -> Reply:
    """``made`` is OpenAI's ChatCompletion."""
    from fitsense.training.verify import verify_answer  # with the engine's words half a second

    choice, tokens = made.choices[0], made.usage.completion_tokens if made.usage else 0
    answer, problem = _read(choice.message.content or "", str(choice.finish_reason))
    broken = verify_answer(query, answer.model_dump(mode="json")) if answer else []
    wanted = query["type"] in PLANS and query["expected_action"] == "answer"
    planless = wanted and answer is not None and answer.plan is None
    return Reply(made.model, seconds, tokens, answer, problem, tuple(broken), planless)


def _read(text: str, finish: str) -> tuple[CoachAnswer | None, str]:
    if finish != "stop":
        return None, f"the answer was cut off: finish_reason {finish}"
    try:
        return prompting.parse_answer(text), ""
    except prompting.BadAnswer as error:
        return None, error.message
