"""Every case that the published rules decide, through the engine's own entry."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fitsense.training.case import Case
from fitsense.training.coach import plan_case
from fitsense.training.rules import rules
from tests.acceptance.answer import Answer
from tests.acceptance.expectations import failures
from tests.acceptance.loading import Acceptance, acceptance_cases
from tests.acceptance.universal import broken
from tests.acceptance.verdict import violations

CASES = acceptance_cases()
THROUGH_THE_CLI = [
    "p01-novice-raises-after-one",
    "d01a-two-lifts-two-exposures",
    "n08-ed-history-wants-loss",
    "ccard-stent-not-cleared",
    "xcard-hindi",
    "language-spanish",
]


def answer_to(case: dict[str, Any]) -> dict[str, Any]:
    """The answer as JSON carries it."""
    answer: dict[str, Any] = json.loads(written(case))
    return answer


def written(case: dict[str, Any]) -> str:
    return json.dumps(plan_case(Case.model_validate(case)), ensure_ascii=False, allow_nan=False)


def numbers_of(value: Any) -> Any:
    """``value`` without what is words: texts, names, statements and questions."""
    if isinstance(value, dict):
        words = {"text", "name", "statements", "questions"}
        return {key: numbers_of(one) for key, one in value.items() if key not in words}
    return [numbers_of(one) for one in value] if isinstance(value, list) else value


def without(case: dict[str, Any], what: str) -> dict[str, Any]:
    """``case`` without its notes: ``user_notes``, or ``set_notes``."""
    other = copy.deepcopy(case)
    if what == "user_notes":
        other["history"]["user_notes"] = []
    for one in other["history"]["sets"] if what == "set_notes" else []:
        one.pop("note", None)
    return other


@pytest.mark.parametrize("one", CASES, ids=[one.id for one in CASES])
def test_answer_is_what_the_rules_ask_for(one: Acceptance) -> None:
    answer = Answer(one.case, answer_to(one.case))
    problems = [*broken(answer, frozenset(rules())), *failures(one.expect, answer)]
    if what := one.expect.get("same_days_without"):
        plain = answer_to(without(one.case, what))
        problems += [
            f"{key} differs without the note"
            for key in ("days", "kcal", "goal")
            if plain[key] != answer.out[key]
        ]
    assert not problems, "\n".join([one.id, *problems])


@pytest.mark.parametrize("language", ["es", "hi"])
@pytest.mark.parametrize("one", CASES, ids=[one.id for one in CASES])
def test_language_changes_words_alone(one: Acceptance, language: str) -> None:
    """The plan and the numbers are those of English, and the words are the language's own."""
    first = answer_to(one.case | {"profile": one.case["profile"] | {"language": "en"}})
    other = answer_to(one.case | {"profile": one.case["profile"] | {"language": language}})
    assert numbers_of(other) == numbers_of(first)
    assert failures({"language": language}, Answer(one.case, other)) == []


@pytest.mark.parametrize("one", CASES, ids=[one.id for one in CASES])
def test_engine_accepts_its_own_answer(one: Acceptance) -> None:
    assert violations(Answer(one.case, answer_to(one.case))) == []


@pytest.mark.parametrize("one", CASES, ids=[one.id for one in CASES])
def test_same_case_same_bytes(one: Acceptance) -> None:
    assert written(one.case) == written(copy.deepcopy(one.case))


@pytest.mark.parametrize("name", THROUGH_THE_CLI)
def test_cli_answers_like_the_function(name: str, tmp_path: Path) -> None:
    case = next(one.case for one in CASES if one.id == name)
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fitsense.cli", "plan", "--case", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == answer_to(case)
