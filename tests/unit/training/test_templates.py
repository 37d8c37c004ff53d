from __future__ import annotations

from typing import Any

import pytest

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.request import Request
from fitsense.training.verify import verify_request
from fitsense.training.week.templates import build_template, load_templates, template_name, templates_for
from tests.unit.training.people import GYM, context

PEOPLE: dict[str, dict[str, Any]] = {
    "full_body_2": {"experience": "novice", "days_per_week": 2},
    "full_body_3": {"experience": "novice", "days_per_week": 3},
    "strength_3": {"goal": "strength", "days_per_week": 3},
    "upper_lower_4": {"days_per_week": 4},
    "push_pull_legs_6": {"experience": "advanced", "days_per_week": 6, "minutes_per_session": 90},
    "home_dumbbells_3": {"equipment": ["dumbbell", "bench"], "experience": "novice"},
    "bands_3": {"equipment": ["band"], "experience": "novice"},
    "bodyweight_3": {"equipment": [], "experience": "novice"},
    "seniors_2": {"age": 72, "days_per_week": 2, "experience": "novice"},
    "seniors_3": {"age": 72, "days_per_week": 3, "experience": "novice"},
    "pregnancy_2": {
        "conditions": ["pregnant"],
        "gestation_weeks": 20,
        "medical_clearance": True,
        "days_per_week": 2,
    },
    "pregnancy_3": {
        "conditions": ["pregnant"],
        "gestation_weeks": 20,
        "medical_clearance": True,
        "days_per_week": 3,
    },
}


def person(**changes: Any) -> Request:
    return Request(context(**{"lifts": [], "weekly_sets": {}, "equipment": GYM, **changes}))


@pytest.mark.parametrize("name", sorted(load_templates()))
def test_each_template_is_built_within_a_persons_bounds(name: str) -> None:
    request = person(**PEOPLE[name])
    assert name in templates_for(request)
    draft = build_template(request, name)
    assert verify_request(request, draft.plan) == []
    template = load_templates()[name]
    assert len(draft.plan["days"]) == len(template.days)
    catalog = load_catalog()
    for day, slots in zip(draft.plan["days"], template.slots, strict=True):
        allowed = {pattern for slot in slots for pattern in slot}
        first = {catalog[one["id"]].pattern for one in day["exercises"][:3]}
        assert first & allowed


@pytest.mark.parametrize("minutes", [20, 45])
@pytest.mark.parametrize("name", sorted(load_templates()))
def test_each_template_keeps_the_time(name: str, minutes: int) -> None:
    request = person(**{**PEOPLE[name], "minutes_per_session": minutes})
    draft = build_template(request, name)
    assert max(draft.minutes) <= minutes
    assert verify_request(request, draft.plan) == []


def test_a_template_that_does_not_suit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not suit"):
        build_template(person(), "seniors_3")
    with pytest.raises(KeyError):
        build_template(person(), "nonsense")


def test_only_what_suits_is_offered() -> None:
    assert templates_for(person(equipment=[], experience="novice", days_per_week=1)) == ()
    assert set(templates_for(person(**PEOPLE["pregnancy_3"]))) == {"pregnancy_2", "pregnancy_3"}
    assert "push_pull_legs_6" not in templates_for(person(days_per_week=6))


def test_names_in_every_language() -> None:
    assert template_name("bands_3", "es") == "bandas elásticas, 3 días"
