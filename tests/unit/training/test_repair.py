"""The smallest edit that makes a plan keep the rules, and what it says about it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.findings import LANGUAGES
from fitsense.training.repair import Edit, Repair, repair
from fitsense.training.request import Request
from fitsense.training.verify import verify_request
from fitsense.training.week.plan import build_plan
from tests.unit.training.people import GYM, context

REQUEST = Request(context())
PLAN = build_plan(REQUEST).plan


def repaired(plan: Any, request: Request = REQUEST) -> Repair:
    """The repair, once it is shown to keep every rule and to be its own repair."""
    found = repair(request, plan)
    assert verify_request(request, found.plan) == []
    again = repair(request, found.plan)
    assert again.plan is found.plan
    assert again.edits == ()
    return found


def spoilt(day: int = 0, item: int = 0, **changes: Any) -> dict[str, Any]:
    plan = deepcopy(PLAN)
    plan["days"][day]["exercises"][item].update(changes)
    return plan


def said(edits: tuple[Edit, ...]) -> list[tuple[Any, ...]]:
    return [(edit.op, edit.where, edit.before, edit.after, edit.rule_id) for edit in edits]


def test_a_plan_that_keeps_the_rules_is_left_alone() -> None:
    found = repair(REQUEST, PLAN)
    assert found.plan is PLAN
    assert (found.edits, found.problem) == ((), None)


@pytest.mark.parametrize(
    ("changes", "after", "rule"),
    [
        ({"rir": 0}, 1.0, "G-02"),
        ({"rir": 17}, 2, "G-02"),
        ({"rest_s": 20}, 60, "I-01"),
        ({"reps": [6, 45]}, [6, 10], "G-01"),
        ({"reps": [0, 10]}, [6, 10], "G-01"),
        ({"reps": "6-10"}, [6, 10], "G-01"),
        ({"sets": "3"}, 3, "V-06"),
        ({"sets": -4}, 3, "V-06"),
        ({"kg": 83.0}, 82.5, "R-01"),
        ({"kg": 250.0}, 87.5, "P-02"),
        ({"kg": "82.5 kg"}, 82.5, "R-01"),
        ({"kg": -20}, 80.0, "R-01"),
        ({"kg": "a lot"}, 80.0, "R-01"),
    ],
)
def test_one_number_is_broken_and_one_number_is_changed(
    changes: dict[str, Any], after: Any, rule: str
) -> None:
    request = Request(context(weekly_sets={}))
    plan = build_plan(request).plan
    day, item = next(
        (d, i)
        for d, one in enumerate(plan["days"])
        for i, planned in enumerate(one["exercises"])
        if planned["id"] == "sq01"
    )
    broken = deepcopy(plan)
    broken["days"][day]["exercises"][item].update(changes)
    (part,) = changes
    found = repaired(broken, request)
    path = f"days[{day}].exercises[{item}].{part}"
    assert said(found.edits)[0][:2] == ("set", path)
    assert [(edit.after, edit.rule_id) for edit in found.edits] == [(after, rule)]
    expected = deepcopy(plan)
    expected["days"][day]["exercises"][item][part] = after
    assert found.plan == expected


def test_the_plan_that_is_repaired_is_not_changed() -> None:
    plan = spoilt(rir=0, sets=99)
    before = deepcopy(plan)
    repair(REQUEST, plan)
    assert plan == before


def test_an_exercise_without_its_equipment_is_swapped_for_its_neighbour() -> None:
    request = Request(context(equipment=[one for one in GYM if one not in ("rack", "barbell")], lifts=[]))
    plan = deepcopy(build_plan(request).plan)
    spot = next(
        (day, item)
        for day, one in enumerate(plan["days"])
        for item, planned in enumerate(one["exercises"])
        if load_catalog()[planned["id"]].pattern == "squat"
    )
    planned = plan["days"][spot[0]]["exercises"][spot[1]]
    planned.update(id="sq01", kg=None)
    (edit,) = repaired(plan, request).edits
    assert (edit.op, edit.where) == ("swap", f"days[{spot[0]}].exercises[{spot[1]}].id")
    assert (edit.before, edit.rule_id) == ("sq01", "E-01")
    assert load_catalog()[edit.after].pattern == "squat"


def test_a_painful_pattern_is_swapped_and_the_rule_is_named() -> None:
    request = Request(context(lifts=[], weekly_sets={}), pain=frozenset({"knee"}))
    plan = deepcopy(build_plan(request).plan)
    plan["days"][0]["exercises"][0].update(id="sq07", kg=None)
    edits = repaired(plan, request).edits
    assert (edits[0].op, edits[0].rule_id) == ("swap", "C-KNEE")


def test_a_name_instead_of_an_id_is_understood() -> None:
    index = next(i for i, one in enumerate(PLAN["days"][0]["exercises"]) if one["kg"] is None)
    planned = PLAN["days"][0]["exercises"][index]
    name = load_catalog().name(planned["id"], "es")
    (edit,) = repaired(spoilt(item=index, id=name)).edits
    assert (edit.op, edit.after) == ("swap", planned["id"])


def test_what_nobody_knows_is_taken_out() -> None:
    plan = deepcopy(PLAN)
    plan["days"][1]["exercises"].insert(1, {"id": "nonsense", "sets": None})
    found = repaired(plan)
    assert said(found.edits) == [("drop_exercise", "days[1].exercises[1]", None, None, "E-01")]
    assert found.plan == PLAN


def test_more_days_than_allowed_and_days_without_anything() -> None:
    plan = deepcopy(PLAN)
    plan["days"].insert(1, {"exercises": []})
    plan["days"].append(None)
    found = repaired(plan)
    assert [edit.op for edit in found.edits] == ["drop_day", "drop_day"]
    assert [edit.where for edit in found.edits] == ["days[1]", f"days[{len(PLAN['days']) + 1}]"]
    assert found.plan == PLAN


def test_of_too_many_days_the_one_with_most_at_fault_goes() -> None:
    plan = deepcopy(PLAN)
    extra = deepcopy(PLAN["days"][0])
    for planned in extra["exercises"]:
        planned["rir"] = -3
    plan["days"].insert(2, extra)
    found = repaired(plan)
    assert said(found.edits) == [("drop_day", "days[2]", 2, None, "F-01")]
    assert found.plan == PLAN


def test_a_session_that_is_too_long_loses_what_stands_out_first() -> None:
    catalog = load_catalog()
    index = next(i for i, one in enumerate(PLAN["days"][0]["exercises"]) if not catalog[one["id"]].compound)
    usual = PLAN["days"][0]["exercises"][index]["sets"]
    (edit,) = repaired(spoilt(item=index, sets=usual + 6)).edits
    assert (edit.op, edit.where, edit.before) == ("set", f"days[0].exercises[{index}].sets", usual + 6)
    assert usual <= edit.after < usual + 6


def test_a_deload_that_was_left_out_is_put_in() -> None:
    request = Request(context(weeks_since_deload=9))
    edits = repaired(PLAN, request).edits
    assert said(edits)[0] == ("set", "deload", False, True, "D-01")
    assert {edit.op for edit in edits} <= {"set", "drop_exercise"}
    assert any(edit.where.endswith(".rir") and edit.rule_id == "D-02" for edit in edits)


def test_days_are_moved_before_anything_is_taken_out() -> None:
    catalog, days = load_catalog(), PLAN["days"]
    lower = [
        number
        for number, day in enumerate(days)
        if catalog[day["exercises"][0]["id"]].pattern == "squat"
        or catalog[day["exercises"][0]["id"]].pattern == "hinge"
    ]
    if len(days) != 4 or len(lower) != 2:
        pytest.skip("the week is laid out in another way")
    order = [*lower, *(number for number in range(4) if number not in lower)]
    found = repaired({**PLAN, "days": [days[number] for number in order]})
    assert [edit.op for edit in found.edits] == ["move_days"]
    assert sorted(map(str, found.plan["days"])) == sorted(map(str, days))


def test_another_goal_is_set_right() -> None:
    assert said(repaired({**PLAN, "goal": "strenth"}).edits) == [
        ("set", "goal", "strenth", "muscle_gain", "G-01")
    ]


@pytest.mark.parametrize("plan", [None, "rest", [], {}, {"days": []}, {"days": [{"exercises": [1, 2]}]}])
def test_where_nothing_can_be_kept_there_is_a_new_plan(plan: Any) -> None:
    found = repaired(plan)
    assert [edit.op for edit in found.edits] == ["new_plan"]
    assert found.plan == build_plan(REQUEST).plan


def test_no_repair_for_somebody_who_may_have_no_plan() -> None:
    found = repair(Request(context(conditions=["cardiac"])), PLAN)
    assert found.plan is None
    assert found.problem is not None
    assert found.problem.rule_id == "C-CARD"


def test_no_repair_where_nothing_is_allowed() -> None:
    found = repair(Request(context(), avoid=frozenset(load_catalog().by_id)), PLAN)
    assert (found.plan, found.problem and found.problem.key) == (None, "repair.nothing_left")


def test_every_edit_says_why_and_what_in_three_languages() -> None:
    plan = spoilt(rir=0, id="sq10", kg=900.0)
    plan["days"].append({"exercises": [{"id": "x"}]})
    for edit in repaired(plan).edits:
        texts = [edit.text(language) for language in LANGUAGES]
        assert len(set(texts)) == len(LANGUAGES)
        assert all("{" not in text and "None" not in text for text in texts)
        assert set(edit.as_dict("hi")) == {"op", "where", "before", "after", "rule_id", "text"}
