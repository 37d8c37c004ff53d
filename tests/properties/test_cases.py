"""Any case is answered: with a plan that fits, or with the reason why there is none. Garbage is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fitsense.training.case import Case
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.coach import plan_case
from tests.properties.budget import tried, widely
from tests.properties.corrupt import GARBAGE, JSON
from tests.properties.people import case_documents

LEVELS = {"none", "advise_clearance", "urgent", "emergency", "crisis"}


def _answered(document: dict[str, Any]) -> dict[str, Any]:
    answer = plan_case(Case.model_validate(document))
    json.dumps(answer, allow_nan=False)
    assert answer["escalate"] in LEVELS
    assert answer["today_session_allowed"] in (True, False, "easy_only")
    for reason in answer["reasons"]:
        assert reason["rule_id"]
        assert reason["text"]
    return answer


def _fits(document: dict[str, Any]) -> None:
    answer, profile = _answered(document), document["profile"]
    if not answer["plan_allowed"]:
        assert answer["days"] == []
        assert answer["reasons"]
        return
    for day in answer["days"]:
        assert day["minutes"] <= profile["minutes_per_session"] + 1e-6
        for planned in day["exercises"]:
            assert planned["exercise_id"] in load_catalog()
            assert all(1 <= one["reps_min"] <= one["reps_max"] for one in planned["sets"])
            assert all(one["weight_kg"] is None or one["weight_kg"] > 0 for one in planned["sets"])
    assert len(answer["days"]) <= profile["days_per_week"]


@tried(120)
@given(case_documents())
def test_a_case_is_answered(document: dict[str, Any]) -> None:
    _fits(document)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@widely(3_000)
@given(case_documents())
def test_thousands_of_cases_are_answered(document: dict[str, Any]) -> None:
    _fits(document)


@tried(60)
@given(case_documents(), st.data())
def test_garbage_in_a_case_is_refused_or_answered(document: dict[str, Any], data: st.DataObject) -> None:
    parts = [document["profile"], document["history"], document]
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(parts))
        part[data.draw(st.sampled_from(sorted(part)) | st.text(max_size=6))] = data.draw(GARBAGE)
    try:
        Case.model_validate(document)
    except ValidationError:
        return
    _answered(document)


@tried(150)
@given(JSON)
def test_anything_at_all_is_a_case_or_an_error_that_says_so(document: Any) -> None:
    try:
        case = Case.model_validate(document)
    except ValidationError:
        return
    plan_case(case)
