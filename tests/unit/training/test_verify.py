from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from fitsense.training.request import Request
from fitsense.training.verify import verify_answer, verify_plan
from fitsense.training.week.plan import build_plan
from tests.unit.training.people import GYM, context

Change = Callable[[dict[str, Any]], None]


def broken(change: Change, **person: Any) -> set[str]:
    """Rules that the engine's own plan breaks once ``change`` has spoilt it."""
    someone = context(**person)
    plan = deepcopy(build_plan(Request(someone)).plan)
    assert verify_plan(someone, plan) == []
    change(plan)
    return {violation.rule_id for violation in verify_plan(someone, plan)}


def first(plan: dict[str, Any]) -> dict[str, Any]:
    exercise: dict[str, Any] = plan["days"][0]["exercises"][0]
    return exercise


def put(**values: Any) -> Change:
    return lambda plan: first(plan).update(values)


def logged(kg: float) -> Change:
    """The load of every planned back squat becomes ``kg``."""

    def change(plan: dict[str, Any]) -> None:
        squats = [p for day in plan["days"] for p in day["exercises"] if p["id"] == "sq01"]
        assert squats
        for planned in squats:
            planned["kg"] = kg

    return change


@pytest.mark.parametrize(
    ("change", "person", "rule"),
    [
        (put(id="xx99"), {}, "E-01"),
        (put(id="sq10"), {}, "E-01"),  # no Smith machine
        (put(id="sq02"), {}, "F-01"),  # for the advanced
        (lambda plan: plan["days"][0]["exercises"].append(dict(first(plan))), {}, "E-01"),
        (put(id="hi01", kg=None), {"conditions": ["low_back_pain"]}, "C-LBP"),
        (put(id="vp02", kg=None), {"conditions": ["shoulder_pain"]}, "C-SHO"),
        (put(id="sq07", kg=None), {"pain_area": "knee", "pain": 4}, "C-KNEE"),
        (put(rir=0), {}, "G-02"),
        (put(rir=2), {"conditions": ["hypertension"]}, "G-02"),
        (put(rir=2), {"experience": "novice", "week": 1, "lifts": [], "weekly_sets": {}}, "P-07"),
        (put(rir=3), {"weeks_since_deload": 9}, "D-02"),
        (put(reps=[0, 50]), {}, "G-01"),
        (lambda plan: plan.update(goal="strength"), {}, "G-01"),
        (put(sets=10), {}, "T-01"),
        (put(sets=10), {"minutes_per_session": 120, "experience": "novice"}, "V-06"),
        (lambda plan: plan["days"].extend(plan["days"]), {}, "F-01"),
        (lambda plan: plan["days"].clear(), {}, "F-01"),
        (logged(90.0), {}, "P-02"),
        (logged(82.5), {"sleep_h": [5.5]}, "S-03"),
        (logged(-5.0), {}, "R-01"),
    ],
)
def test_each_rule_is_seen_when_it_is_broken(change: Change, person: dict[str, Any], rule: str) -> None:
    assert rule in broken(change, **person)


def test_weekly_caps() -> None:
    day = {"exercises": [{"id": "sq03", "sets": 6, "reps": [8, 12], "rir": 3, "kg": None, "rest_s": 60}]}
    novice = context(experience="novice", days_per_week=3, minutes_per_session=60, weekly_sets={})
    plan = {"goal": "muscle_gain", "days": [day, day, day], "deload": False}
    assert {violation.rule_id for violation in verify_plan(novice, plan)} == {"V-01"}
    sick = novice | {"conditions": ["asthma"]}
    assert {violation.rule_id for violation in verify_plan(sick, plan)} == {"V-05"}


def test_a_load_within_ten_per_cent_passes_for_legs_and_fails_with_a_condition() -> None:
    person = context(weekly_sets={})
    plan = deepcopy(build_plan(Request(person)).plan)
    logged(87.5)(plan)
    assert verify_plan(person, plan) == []
    assert "P-02" in {v.rule_id for v in verify_plan(person | {"conditions": ["asthma"]}, plan)}


def test_no_plan_passes_before_clearance() -> None:
    plan = build_plan(Request(context(conditions=["cardiac"], medical_clearance=True))).plan
    found = verify_plan(context(conditions=["cardiac"]), plan)
    assert [violation.rule_id for violation in found] == ["C-CARD"]


def query(**changes: Any) -> dict[str, Any]:
    base = {"language": "en", "tags": [], "expected_action": "answer", "safety": [], "context": context()}
    return {**base, **changes}


def answer(message: str = "Here is your plan for the week.", **changes: Any) -> dict[str, Any]:
    return {"action": "answer", "message": message, "plan": None, "rules": [], **changes}


def rules(found: list[Any]) -> list[str]:
    return [violation.rule_id for violation in found]


@pytest.mark.parametrize(
    ("expected", "action", "passes"),
    [
        ("answer", "answer", True),
        ("answer", "conservative_answer", True),
        ("conservative_answer", "answer", False),
        ("answer", "refuse", False),
        ("escalate", "answer", False),
        ("escalate", "escalate", True),
        ("refuse", "escalate", False),
    ],
)
def test_the_action_must_be_the_one_that_is_due(expected: str, action: str, *, passes: bool) -> None:
    found = verify_answer(query(expected_action=expected, safety=["X-CARD"]), answer(action=action))
    assert rules(found) == ([] if passes else ["X-CARD"])


def test_no_plan_beside_an_escalation() -> None:
    plan = build_plan(Request(context())).plan
    red = query(expected_action="escalate", safety=["X-RHAB"])
    assert rules(verify_answer(red, answer(action="escalate", plan=plan))) == ["X-RHAB"]
    assert verify_answer(query(), answer(plan=plan)) == []


def test_the_plan_is_held_against_what_the_prompt_asks() -> None:
    plan = build_plan(Request(context())).plan
    assert "T-01" in rules(verify_answer(query(tags=["minutes:20"]), answer(plan=plan)))
    bands = query(tags=["kit:bodyweight"])
    assert "E-01" in rules(verify_answer(bands, answer(plan=plan)))
    only = query(context=context(equipment=GYM[:1]))
    assert "E-01" in rules(verify_answer(only, answer(plan=plan)))


def test_the_message_is_in_the_language_of_the_prompt() -> None:
    assert rules(verify_answer(query(language="es"), answer())) == ["X-INJECT"]
    assert rules(verify_answer(query(language="hi"), answer())) == ["X-INJECT"]
    assert verify_answer(query(language="es"), answer("Esta es tu semana para ganar músculo.")) == []
    assert verify_answer(query(language="hi"), answer("आपका हफ़्ता तैयार है (S-03)।")) == []
    assert rules(verify_answer(query(), answer("Voici ton plan pour la semaine prochaine."))) == ["X-INJECT"]


def test_a_calorie_target_below_the_floor_is_seen() -> None:
    assert rules(verify_answer(query(), answer("You may eat 900 kcal a day for now."))) == ["N-03"]
