"""A repaired plan keeps every rule, is its own repair, and the plan before is left as it was."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.records import Plan
from fitsense.training.findings import LANGUAGES
from fitsense.training.repair import Repair, repair
from fitsense.training.request import Request
from fitsense.training.verify import review, verify_request
from tests.properties.budget import tried, widely
from tests.properties.corrupt import FIELDS, JSON, KINDS, corrupted
from tests.properties.people import requests
from tests.properties.test_plans import planned_for
from tests.unit.training.people import context


def _repaired(request: Request, plan: Any) -> Repair:
    before = repr(plan)
    found = repair(request, plan)
    assert repr(plan) == before
    if found.problem is not None:
        assert (found.plan, found.edits) == (None, ())
        assert found.problem.rule_id
        return found
    assert verify_request(request, found.plan) == []
    Plan.model_validate(_contract(found.plan))
    again = repair(request, found.plan)
    assert again.plan is found.plan
    assert again.edits == ()
    return found


def _contract(plan: dict[str, Any]) -> dict[str, Any]:
    """Without words that are not part of a plan: they are ignored, wherever it goes."""
    days = [
        {"exercises": [{key: one[key] for key in FIELDS} for one in day["exercises"]]} for day in plan["days"]
    ]
    return {key: plan[key] for key in ("goal", "deload") if key in plan} | {"days": days}


def _mended(request: Request, data: st.DataObject) -> None:
    plan = planned_for(request)
    if plan is None:
        return
    found = _repaired(request, data.draw(corrupted(dict(plan))))
    assert found.problem is None  # there is a plan for this person: the engine's own
    for edit in found.edits:
        assert all(edit.text(language).endswith(("।", ".")) for language in LANGUAGES)
        json.dumps(edit.as_dict(), allow_nan=False)


@tried(200)
@given(requests(), st.data())
def test_what_was_corrupted_is_mended(request: Request, data: st.DataObject) -> None:
    _mended(request, data)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_corruption_is_mended(kind: str) -> None:
    @tried(12)
    @given(requests(), st.data())
    def mended(request: Request, data: st.DataObject) -> None:
        if (plan := planned_for(request)) is not None:
            broken = deepcopy(dict(plan))
            KINDS[kind](data.draw, broken)
            assert _repaired(request, broken).problem is None

    mended()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@widely(10_000)
@given(requests(), st.data())
def test_thousands_that_were_corrupted_are_mended(request: Request, data: st.DataObject) -> None:
    _mended(request, data)


@tried(100)
@given(requests(), JSON)
def test_anything_at_all_becomes_a_plan_or_a_reason(request: Request, plan: Any) -> None:
    _repaired(request, plan)


@tried(150)
@given(JSON)
def test_anything_at_all_is_judged_in_a_fixed_order(plan: Any) -> None:
    request = Request(context())
    found = review(request, plan)
    assert repr(found) == repr(review(request, plan))
    assert [one for one in found if one.severity == "block"] or isinstance(plan, dict)
    assert all(one.text(language) for one in found for language in LANGUAGES)


@tried(80)
@given(requests(), st.data())
def test_only_what_is_broken_is_touched(request: Request, data: st.DataObject) -> None:
    """One bad number in one exercise changes that exercise and nothing else."""
    plan = planned_for(request)
    if plan is None:
        return
    day = data.draw(st.integers(0, len(plan["days"]) - 1))
    item = data.draw(st.integers(0, len(plan["days"][day]["exercises"]) - 1))
    part, value = data.draw(
        st.sampled_from([("rir", -1), ("rir", None), ("rest_s", 5), ("reps", "x"), ("sets", 0), ("kg", "?")])
    )
    broken = json.loads(json.dumps(plan))
    broken["days"][day]["exercises"][item][part] = value
    (edit,) = _repaired(request, broken).edits
    assert (edit.op, edit.where) == ("set", f"days[{day}].exercises[{item}].{part}")
