from __future__ import annotations

import re
from typing import Any

import pytest

from fitsense.config import Queries
from fitsense.prompting import outline_text
from fitsense.records import CoachAnswer
from fitsense.safety.flags import RED_FLAGS
from fitsense.training.verify import verify_answer
from fitsense.training.words.voice import answer_phrases
from jobs.queries.scenario import TOPICS
from jobs.queries.transform import make_queries
from jobs.teacher.rules import answer
from tests.unit.queries.history import history
from tests.unit.training.people import context

USERS, PER_USER, SEED = 120, 6, 5


@pytest.fixture(scope="module")
def queries() -> list[dict[str, Any]]:
    part = history(USERS)
    params = Queries(per_user=PER_USER, red_flag_share=0.2, injection_share=0.1)
    return list(make_queries(part.profiles, part.logs, params, USERS, SEED))


@pytest.fixture(scope="module")
def answers(queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer(query, SEED) for query in queries]


Pairs = list[dict[str, Any]]


def test_every_answer_is_one_and_breaks_no_rule(queries: Pairs, answers: Pairs) -> None:
    for query, found in zip(queries, answers, strict=True):
        CoachAnswer.model_validate(found)
        assert verify_answer(query, found) == [], (query["prompt"], found["message"])


def test_answers_are_the_same_for_the_same_seed_and_query(queries: Pairs, answers: Pairs) -> None:
    assert [answer(query, SEED) for query in reversed(queries)] == answers[::-1]
    assert answer(queries[0], SEED + 1)["message"] != answers[0]["message"]


def test_answers_hardly_repeat(queries: Pairs, answers: Pairs) -> None:
    by_type: dict[str, list[str]] = {}
    for query, found in zip(queries, answers, strict=True):
        by_type.setdefault(query["type"], []).append(found["message"])
    for kind, messages in by_type.items():
        assert len(set(messages)) >= 0.95 * len(messages), kind


def test_nothing_is_left_unfilled(answers: Pairs) -> None:
    for found in answers:
        assert not re.search(r"\{\w*\}|\(\w+\||None", found["message"]), found["message"]


def test_plans_come_when_they_are_due(queries: Pairs, answers: Pairs) -> None:
    for query, found in zip(queries, answers, strict=True):
        no_plan = query["expected_action"] in ("escalate", "refuse") or "ill:fever" in query["tags"]
        assert (found["plan"] is None) == (no_plan or query["type"] == "free_coaching")
        assert set(query["safety"]) <= set(found["rules"])


def test_a_plan_is_what_the_prompts_outline_tells(queries: Pairs, answers: Pairs) -> None:
    told = [query for query, found in zip(queries, answers, strict=True) if found["plan"]]
    plans = [found["plan"] for found in answers if found["plan"]]
    assert [query["outline"] for query in told] == [
        outline_text(plan, query["context"]["week"] + 1) for query, plan in zip(told, plans, strict=True)
    ]


def test_an_outline_does_not_say_whether_a_plan_is_due(queries: Pairs) -> None:
    """Else a student would read it off, and never learn to see an emergency."""
    for without in (
        [query for query in queries if query["type"] == "free_coaching"],
        [query for query in queries if any(tag.startswith("red_flag") for tag in query["tags"])],
    ):
        assert sum(bool(query["outline"]) for query in without) >= 0.75 * len(without) > 10


def test_the_persons_own_numbers_are_named(queries: Pairs, answers: Pairs) -> None:
    for query, found in zip(queries, answers, strict=True):
        sleep = query["context"]["sleep_h"]
        if found["plan"] and sleep and query["language"] != "es":
            assert f"{sleep[-1]:g}" in found["message"]


def test_hidden_instructions_change_nothing(queries: Pairs) -> None:
    for query in queries:
        if "injection:prompt" in query["tags"]:
            silent = {**query, "prompt": "Hello", "context": {**query["context"], "notes": []}}
            assert answer(query, SEED) == answer(silent, SEED)


def ask(tags: list[str], kind: str = "plan_modification", **changes: Any) -> dict[str, Any]:
    return {
        "query_id": "q00000001-00",
        "type": kind,
        "language": "en",
        "prompt": "…",
        "tags": tags,
        "safety": [],
        "expected_action": "answer",
        "context": context(),
        **changes,
    }


@pytest.mark.parametrize("language", ["en", "es", "hi"])
@pytest.mark.parametrize("rule", sorted(RED_FLAGS))
def test_every_red_flag_has_its_answer(rule: str, language: str) -> None:
    red = ask([f"red_flag:{rule}"], language=language, safety=[rule], expected_action=RED_FLAGS[rule].action)
    found = answer(red, SEED)
    assert verify_answer(red, found) == []
    assert found["plan"] is None
    urgent = RED_FLAGS[rule].level in ("emergency", "crisis")
    assert not urgent or re.search(r"112|emergency|urgencias|emergencias|इमरजेंसी|आपातकालीन", found["message"])


@pytest.mark.parametrize("language", ["en", "es", "hi"])
@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_its_answer(topic: str, language: str) -> None:
    small = ask([f"topic:{topic}", "lift:hp01", "muscle:chest"], "free_coaching", language=language)
    found = answer(small, SEED)
    assert verify_answer(small, found) == []
    assert len(found["message"]) > 80


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["ask:minutes", "minutes:30"], "30"),
        (["ask:days", "days:2"], "2 days"),
        (["ask:kit", "kit:dumbbells"], "dumbbells"),
        (["ask:avoid", "avoid:sq01"], "back squat"),
        (["ask:goal", "goal:strength"], "getting stronger"),
        (["ask:pain", "pain:knee"], "knee"),
        (["ask:last_night", "last_night:4"], "4 hours"),
        (["ask:break_days", "break_days:16"], "16 days"),
        (["ask:cold", "ill:cold"], "half"),
        (["ask:next_week"], "week 7"),
    ],
)
def test_what_is_asked_is_answered(tags: list[str], said: str) -> None:
    query = ask(tags)
    found = answer(query, SEED)
    assert verify_answer(query, found) == []
    assert said.lower() in found["message"].lower()


def test_the_lift_that_was_asked_about_is_the_one_that_is_answered() -> None:
    found = answer(ask(["topic:e1rm", "lift:hp01"], "free_coaching"), SEED)
    assert "bench press" in found["message"]
    assert "back squat" not in found["message"]


def test_a_fever_gets_rest_and_no_plan() -> None:
    found = answer(ask(["ask:fever", "ill:fever"], "safety_adjustment"), SEED)
    assert found["plan"] is None
    assert "24" in found["message"]


def test_no_weights_are_told_to_those_who_had_an_eating_disorder() -> None:
    for seed in range(20):
        person = context(conditions=["eating_disorder_history"], goal="general_fitness")
        for tags, kind in ((["ask:create"], "plan_creation"), (["topic:sleep"], "free_coaching")):
            query = ask(tags, kind, context=person, expected_action="conservative_answer")
            message = answer(query, seed)["message"]
            assert "68 kg" not in message
            assert "kcal" not in message


def test_a_log_below_the_calorie_floor_is_noticed() -> None:
    found = answer(ask(["ask:create"], "plan_creation", context=context(kcal=[900.0], days_per_week=3)), SEED)
    assert "1200" in found["message"]


def test_every_language_has_every_phrase() -> None:
    english = answer_phrases("en").names
    assert all(answer_phrases(language).names == english for language in ("es", "hi"))
    assert {f"flags.{rule}" for rule in RED_FLAGS} <= english
