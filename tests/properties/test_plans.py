"""Whoever asks gets a plan that keeps every rule and fits their life, or is told why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.records import Plan
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.people.screening import screen
from fitsense.training.request import Request
from fitsense.training.verify import session_minutes, verify_request
from fitsense.training.week.plan import build_plan
from tests.properties.budget import tried, widely
from tests.properties.people import requests


def planned_for(request: Request, seed: int = 0) -> Mapping[str, Any] | None:
    """The engine's plan; None where the person is refused one, for a reason that is said."""
    screening = screen(request.context, None, request.pain)
    if not screening.plan_allowed:
        assert screening.findings
        return None
    try:
        return build_plan(request, seed).plan
    except ValueError as error:
        assert "no exercise is left" in str(error)  # noqa: PT017 - a refusal has to be stated
        return None


def _fits(request: Request, seed: int) -> None:
    plan = planned_for(request, seed)
    if plan is None:
        return
    assert verify_request(request, plan) == []
    Plan.model_validate(plan)
    context, catalog = request.context, load_catalog()
    limits = screen(context, None, request.pain).limits
    assert 1 <= len(plan["days"]) <= context["days_per_week"]
    for day in plan["days"]:
        assert session_minutes(day) <= context["minutes_per_session"] + 1e-6
        for planned in day["exercises"]:
            exercise = catalog[planned["id"]]
            assert exercise.equipment <= {*context["equipment"], "bodyweight"}
            assert not exercise.contra_tags & limits.tags
            assert exercise.pattern not in limits.patterns
            assert exercise.id not in request.avoid


@tried(150)
@given(requests(), st.integers(0, 9))
def test_a_plan_fits_whoever_asks(request: Request, seed: int) -> None:
    _fits(request, seed)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@widely(5_000)
@given(requests(), st.integers(0, 9))
def test_a_plan_fits_thousands(request: Request, seed: int) -> None:
    _fits(request, seed)


@tried(40)
@given(requests(), st.integers(0, 9))
def test_the_same_request_gets_the_same_plan(request: Request, seed: int) -> None:
    assert planned_for(request, seed) == planned_for(request, seed)
