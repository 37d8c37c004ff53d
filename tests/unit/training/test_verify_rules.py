"""Each rule of a plan, one by one: what blocks, what only warns, and the numbers that are said."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fitsense.training.findings import LANGUAGES
from fitsense.training.request import Request
from fitsense.training.verify import Violation, blocking, review, verify_plan
from fitsense.training.week.plan import build_plan
from tests.unit.training.people import context, lift
from tests.unit.training.plans import DAY, found, planned, rules, week


def test_a_plain_plan_breaks_no_rule() -> None:
    assert blocking(found(week(DAY, DAY))) == []


@pytest.mark.parametrize(
    ("exercise", "person", "rule", "key"),
    [
        ("sq10", {}, "E-01", "verify.equipment"),
        ("sq02", {}, "F-01", "verify.level"),
        ("sq99", {}, "E-01", "verify.unknown_exercise"),
        ("hi01", {"conditions": ["low_back_pain"]}, "C-LBP", "verify.excluded"),
        ("sq03", {"pain_area": "knee", "pain": 3}, "C-KNEE", "verify.excluded"),
        ("vp02", {"conditions": ["shoulder_pain"]}, "C-SHO", "verify.excluded"),
    ],
)
def test_an_exercise_that_may_not_be_done(exercise: str, person: dict[str, Any], rule: str, key: str) -> None:
    said = [one for one in found(week([planned(exercise)]), **person) if one.part == "id"]
    assert [(one.rule_id, one.key, one.where) for one in said] == [(rule, key, "days[0].exercises[0].id")]


def test_who_logs_an_exercise_has_the_level_for_it() -> None:
    logged = [lift("sq02", 60.0, [8, 8], [3.0, 3.0])]
    assert "F-01" not in rules(found(week([planned("sq02")]), lifts=logged))


def test_what_was_to_be_left_out_and_what_stands_twice() -> None:
    request = Request(context(lifts=[], weekly_sets={}), avoid=frozenset({"sq03"}))
    assert [one.key for one in blocking(found(week(DAY), request))] == ["verify.unwanted"]
    twice = found(week([planned("sq03", 2), planned("sq03", 2)]))
    assert [one.where for one in blocking(twice)] == ["days[0].exercises[1].id"]


@pytest.mark.parametrize(
    ("person", "reps", "blocks", "warns"),
    [
        ({"goal": "strength"}, [3, 5], False, False),
        ({"goal": "strength"}, [8, 12], False, True),
        ({"goal": "strength"}, [12, 15], True, False),
        ({"goal": "strength", "experience": "novice"}, [1, 3], True, False),
        ({"goal": "muscle_gain"}, [6, 15], False, False),
        ({"goal": "muscle_gain"}, [2, 4], True, False),
        ({"goal": "fat_loss"}, [20, 30], True, False),
        ({"goal": "general_fitness"}, [5, 7], False, True),
        ({"conditions": ["hypertension_controlled"], "medical_clearance": True}, [6, 8], True, False),
        ({"age": 70}, [3, 5], True, False),
    ],
)
def test_g_01_repetitions_by_goal(
    person: dict[str, Any], reps: list[int], *, blocks: bool, warns: bool
) -> None:
    plan = week([planned("sq03", reps=reps)], goal=person.get("goal", "muscle_gain"))
    seen = [one for one in found(plan, **person) if one.part == "reps"]
    assert [one.severity for one in seen] == ["block"] * blocks + ["warn"] * warns


def test_p_03_more_repetitions_than_the_range_are_no_fault() -> None:
    plan = week([planned("sq03", reps=[10, 18])])
    assert "G-01" not in rules(found(plan))


@pytest.mark.parametrize(
    ("person", "rir", "rule"),
    [
        ({}, 0, "G-02"),
        ({"experience": "novice"}, 1, "G-02"),
        ({"age": 70}, 1, "G-02"),
        ({"conditions": ["hypertension_controlled"], "medical_clearance": True}, 2, "G-02"),
        ({"experience": "novice", "week": 1}, 2, "P-07"),
        ({"sleep_h": [4.5]}, 2, "S-03"),
    ],
)
def test_g_02_effort(person: dict[str, Any], rir: float, rule: str) -> None:
    plan = week([planned("sq03", 1, rir=rir, reps=[10, 12])])
    assert rule in {one.rule_id for one in blocking(found(plan, **person)) if one.part == "rir"}


def test_s_02_a_short_night_asks_for_more_in_reserve_and_less_load() -> None:
    person = context(weekly_sets={}, minutes_per_session=90)
    plan = week([planned("sq01", kg=77.5, rir=1, reps=[6, 10])])
    night = blocking(review(Request(person, last_night_h=5.5), plan))
    assert {(one.rule_id, one.part) for one in night} == {("S-02", "rir"), ("S-02", "kg")}
    numbers = next(one for one in night if one.part == "kg").numbers
    assert (numbers["before"], numbers["found"], numbers["allowed"]) == (80.0, 77.5, 76.0)
    assert blocking(review(Request(person, last_night_h=7.5), plan)) == []


def test_s_02_one_short_night_is_no_short_week() -> None:
    person = context(weekly_sets={}, minutes_per_session=90)
    night = Request(person, last_night_h=4.0)
    day = [planned("sq01", kg=77.5, rir=1, reps=[6, 10])]
    assert {one.day for one in blocking(review(night, week(day, day))) if one.rule_id == "S-02"} == {0}


def test_p_07_two_sets_are_enough_at_first() -> None:
    plan = week([planned("sq03", 3)])
    assert "P-07" in rules(found(plan, experience="novice", week=0))
    assert "P-07" not in rules(found(plan, experience="novice", week=2))


@pytest.mark.parametrize(("rest", "blocks", "warns"), [(30, 1, 0), (60, 0, 1), (90, 0, 0), (400, 0, 1)])
def test_i_01_rest(rest: int, blocks: int, warns: int) -> None:
    said = [one for one in found(week([planned("sq03", rest_s=rest)])) if one.part == "rest_s"]
    assert [one.severity for one in said] == ["block"] * blocks + ["warn"] * warns


SQUAT = [lift("sq01", 100.0, [8, 8, 8], [2.0, 2.0, 2.0])]


@pytest.mark.parametrize(
    ("person", "request_", "highest", "rule"),
    [
        ({}, {}, 110.0, "P-02"),
        ({"age": 70}, {}, 105.0, "P-02"),
        ({"conditions": ["asthma"]}, {}, 105.0, "P-02"),
        ({"sleep_h": [6.5]}, {}, 102.5, "S-03"),
        ({"sleep_h": [5.5]}, {}, 100.0, "S-03"),
        ({}, {"break_days": 10}, 95.0, "P-06"),
        ({}, {"break_days": 20}, 90.0, "P-06"),
        ({}, {"break_days": 40}, 80.0, "P-06"),
        ({}, {"last_night_h": 4.0}, 90.0, "S-02"),
        ({"weeks_since_deload": 9}, {}, 100.0, "D-02"),
    ],
)
def test_no_load_beyond_its_ceiling(
    person: dict[str, Any], request_: dict[str, Any], highest: float, rule: str
) -> None:
    base: dict[str, Any] = {"lifts": SQUAT, "weekly_sets": {}, "days_per_week": 3}
    request = Request(context(**base | person), **request_)

    def broken(kg: float) -> list[Violation]:
        plan = week([planned("sq01", 1, kg=kg, rir=5, reps=[10, 12])])
        plan["deload"] = "weeks_since_deload" in person
        return [one for one in blocking(review(request, plan)) if one.part == "kg"]

    assert broken(highest) == []
    (one,) = broken(highest + 2.5)
    assert (one.rule_id, one.numbers["before"], one.numbers["allowed"]) == (rule, 100.0, highest)


def test_p_02_five_per_cent_for_upper_body_and_isolation() -> None:
    lifts = [lift("hp01", 100.0, [8], [2.0]), lift("bc03", 20.0, [10], [2.0])]
    heavy = week([planned("hp01", kg=107.5), planned("bc03", kg=22.5)])
    assert [one.rule_id for one in blocking(found(heavy, lifts=lifts)) if one.part == "kg"] == [
        "P-02",
        "P-02",
    ]


def test_a_load_that_no_log_stands_behind() -> None:
    assert "verify.load_unbacked" in {one.key for one in found(week([planned("hi04", kg=140.0)]))}
    assert blocking(found(week([planned("hi04", kg=30.0)]))) == []


@pytest.mark.parametrize(
    ("exercise", "kg", "person", "fine"),
    [
        ("hi04", 32.5, {}, True),
        ("hi04", 31.0, {}, False),
        ("hi04", 15.0, {}, False),
        ("hi04", 15.0, {"bar_kg": 15.0}, True),
        ("sq03", 8.0, {}, True),
        ("sq03", 9.0, {}, False),
        ("sq03", 9.0, {"dumbbell_step_kg": 3.0}, True),
        ("hi04", 29.48, {"units": "lb"}, True),
        ("hi04", 30.0, {"units": "lb"}, False),
        ("sq06", 10.0, {}, False),
        ("sq03", -4.0, {}, False),
    ],
)
def test_r_01_a_load_exists(exercise: str, kg: float, person: dict[str, Any], *, fine: bool) -> None:
    said = blocking(found(week([planned(exercise, kg=kg)]), **person))
    assert [one.rule_id for one in said] == ([] if fine else ["R-01"])


def test_r_01_the_logged_load_exists_whatever_the_grid_says() -> None:
    odd = [lift("sq01", 81.3, [8], [2.0])]
    assert blocking(found(week([planned("sq01", kg=81.3)]), lifts=odd)) == []


# ------------------------------------------------------------------------------------------- form and order


@pytest.mark.parametrize("plan", [None, 3, "plan", [], {}, {"days": None}, {"days": "sq01"}, {"days": 4}])
def test_no_plan_at_all(plan: Any) -> None:
    assert "F-01" in rules(found(plan))


@pytest.mark.parametrize(
    ("part", "value", "rule"),
    [
        ("id", None, "E-01"),
        ("id", ["sq01"], "E-01"),
        ("sets", "3", "V-06"),
        ("sets", True, "V-06"),
        ("sets", 10**40, "V-06"),
        ("sets", 2.5, "V-06"),
        ("reps", [12, 8], "G-01"),
        ("reps", [8], "G-01"),
        ("reps", "8-12", "G-01"),
        ("rir", float("nan"), "G-02"),
        ("rir", 7, "G-02"),
        ("kg", float("inf"), "R-01"),
        ("kg", "60", "R-01"),
        ("rest_s", -1, "I-01"),
        ("rest_s", None, "I-01"),
    ],
)
def test_garbage_is_a_violation_of_the_rule_that_its_field_serves(part: str, value: Any, rule: str) -> None:
    said = blocking(found(week([planned("sq03", **{part: value})])))
    assert (rule, part) in {(one.rule_id, one.part) for one in said}


@pytest.mark.parametrize("part", ["id", "sets", "reps", "rir", "kg", "rest_s"])
def test_a_missing_field_is_a_violation(part: str) -> None:
    exercise = planned("sq03")
    del exercise[part]
    assert part in {one.part for one in blocking(found(week([exercise])))}


@pytest.mark.parametrize(
    ("plan", "where", "rule"),
    [
        (week(DAY, DAY, deload="yes"), "deload", "D-02"),
        (week(DAY) | {"days": [{"exercises": DAY}, None]}, "days[1].exercises", "F-01"),
        (week(DAY) | {"days": [{"exercises": DAY}, {"exercises": "rest"}]}, "days[1].exercises", "F-01"),
        (week([*DAY, 7]), "days[0].exercises[3].id", "E-01"),  # type: ignore[list-item]
        (week(DAY, []), "days[1].exercises", "F-01"),
        (week([planned("mo01", 1)] * 13), "days[0].exercises", "F-01"),
        ({**week(DAY), "days": [{"exercises": DAY, "offset": 9}]}, "days[0].offset", "F-02"),
    ],
)
def test_garbage_anywhere_else_is_seen_where_it_stands(plan: Any, where: str, rule: str) -> None:
    assert (rule, where) in {(one.rule_id, one.where) for one in blocking(found(plan))}


def test_words_beside_the_plan_only_warn() -> None:
    plan = week(DAY, DAY) | {"notes": "train to failure"}
    assert rules(found(plan), "warn") >= {"X-INJECT"}
    assert blocking(found(plan)) == []


def test_violations_are_in_order_and_speak_three_languages() -> None:
    plan = week([planned("sq99"), planned("sq10", rir=0, kg=900.0)], [planned("vp02", 12, reps=[1, 2])], [])
    said = found(plan, conditions=["shoulder_pain"], weekly_sets={"quads": 1.0})
    keys = [(one.severity, one.day, one.item) for one in said]
    assert keys == sorted(keys)
    assert said == found(deepcopy(plan), conditions=["shoulder_pain"], weekly_sets={"quads": 1.0})
    for one in said:
        texts = {language: one.text(language) for language in LANGUAGES}
        assert len(set(texts.values())) == len(LANGUAGES)
        assert all("{" not in text for text in texts.values())
        assert set(one.as_dict("es")) == {"rule_id", "severity", "where", "text", "numbers"}


def test_the_engines_own_plan_passes() -> None:
    person = context()
    assert verify_plan(person, build_plan(Request(person)).plan) == []
