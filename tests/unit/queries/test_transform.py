from __future__ import annotations

import re
from collections import Counter
from typing import Any

import orjson
import pytest

from fitsense.config import Queries
from fitsense.records import Query
from fitsense.safety.flags import RED_FLAGS
from jobs.queries.prompts import phrases_of
from jobs.queries.transform import make_queries
from tests.unit.queries.history import history

USERS = 80
PARAMS = Queries(per_user=5)


def make(first: int, count: int, seed: int = 1, params: Queries = PARAMS) -> list[dict[str, Any]]:
    part = history(count, first=first)
    return list(make_queries(part.profiles, part.logs, params, USERS, seed))


@pytest.fixture(scope="module")
def queries() -> list[dict[str, Any]]:
    return make(0, USERS)


def test_rows_are_queries(queries: list[dict[str, Any]]) -> None:
    assert len(queries) == USERS * 5
    for query in queries:
        Query.model_validate(query)
        assert list(query) == list(Query.model_fields)
        assert orjson.loads(orjson.dumps(query)) == query


def test_two_parts_make_what_one_makes(queries: list[dict[str, Any]]) -> None:
    assert make(0, 30) + make(30, USERS - 30) == queries


def test_another_seed_asks_otherwise(queries: list[dict[str, Any]]) -> None:
    other = make(0, 10, seed=2)
    same = sum(a["prompt"] == b["prompt"] for a, b in zip(other, queries, strict=False))
    assert same <= 1


def test_prompts_hardly_repeat(queries: list[dict[str, Any]]) -> None:
    assert len({query["prompt"] for query in queries}) >= 0.99 * len(queries)


def test_no_template_is_left_unfilled(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        assert not re.search(r"\{\w*\}|\(\w+\||None", query["prompt"]), query["prompt"]


def test_a_persons_prompts_stand_at_different_weeks(queries: list[dict[str, Any]]) -> None:
    weeks = Counter(query["context"]["week"] for query in queries)
    assert weeks.keys() == set(range(7))
    distinct = [len({q["context"]["week"] for q in queries[at : at + 5]}) for at in range(0, len(queries), 5)]
    assert min(distinct) >= 3
    assert sum(distinct) >= 4.5 * len(distinct)
    assert all(q["context"]["week"] >= 2 for q in queries if q["type"] == "progress_adaptation")


def test_the_language_is_the_persons(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        devanagari = bool(re.search("[\u0900-\u097f]", query["prompt"]))
        if query["language"] == "hi" and "hinglish" not in query["tags"]:
            assert devanagari
        else:
            assert not devanagari or "injection" in query["tags"]
    assert {"hinglish"} <= {tag for query in queries for tag in query["tags"]}


def test_slices_name_the_person(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        assert query["slices"]["condition"] == (query["context"]["conditions"] or ["none"])[0]
        assert query["slices"]["type"] == query["type"]
        assert set(query["slices"]) == {
            "age_band", "sex", "goal", "activity", "condition", "experience", "language", "type",
            "equipment_kit",
        }  # fmt: skip


def test_red_flags_decide_the_action(queries: list[dict[str, Any]]) -> None:
    flagged = 0
    for query in queries:
        flags = [tag.removeprefix("red_flag:") for tag in query["tags"] if tag.startswith("red_flag:")]
        if flags:
            flagged += 1
            assert query["expected_action"] == RED_FLAGS[flags[0]].action
            assert query["safety"][0] == flags[0]
    assert flagged == 20


def test_injections_change_no_expectation_but_stand_somewhere(queries: list[dict[str, Any]]) -> None:
    none = PARAMS.model_copy(update={"injection_share": 0.0})
    clean = {query["query_id"]: query for query in make(0, USERS, params=none)}
    injected = [query for query in queries if "injection" in query["tags"]]
    assert len(injected) == 12
    for query in injected:
        before = clean[query["query_id"]]
        assert query["expected_action"] == before["expected_action"]
        assert "X-INJECT" in query["safety"]
        in_prompt = "injection:prompt" in query["tags"]
        assert (query["prompt"] != before["prompt"]) == in_prompt
        assert (query["context"]["notes"] != before["context"]["notes"]) == (not in_prompt)


def test_the_uncleared_are_sent_to_a_clinician(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        context, flagged = query["context"], any(tag.startswith("red_flag") for tag in query["tags"])
        blocked = "cardiac" in context["conditions"] and not context["medical_clearance"]
        if blocked and not flagged and query["type"] != "free_coaching":
            assert query["expected_action"] == "escalate"
            assert query["safety"][:2] == ["C-CARD", "Q-01"]


def test_nobody_is_asked_into_a_forbidden_deficit(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        if "eating_disorder_history" in query["context"]["conditions"]:
            assert "goal:fat_loss" not in query["tags"]
            assert "topic:rate" not in query["tags"]


def test_every_voice_has_every_phrase() -> None:
    english = phrases_of("en").names
    assert all(phrases_of(voice).names == english for voice in ("es", "hi", "hinglish"))
    voices = ("en", "es", "hi", "hinglish")
    assert phrases_of("flags").names == {f"{flag}.{voice}" for flag in RED_FLAGS for voice in voices}
