"""The trial of plans: the engine's caps hold all the way, the arms are comparable, the scores are right."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from fitsense.training.request import Request
from fitsense.training.verify import verify_request
from tests.bench.__main__ import chosen
from tests.bench.trial.arms import ADAPTED, STATIC
from tests.bench.trial.page import checks_of, facts_of
from tests.bench.trial.people import draw_cast
from tests.bench.trial.running import RUN_IN, Trial, run_trial
from tests.bench.trial.scoring import MEASURES, differences, estimate, measures_of

ATHLETES, WEEKS = 40, 6
Shown = list[tuple[Request, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def watched() -> tuple[Trial, Shown]:
    """A small trial with every request of the adapted arm and the plan made from it."""
    shown: Shown = []
    trial = run_trial(
        ATHLETES, 3, WEEKS, arms=(ADAPTED, STATIC), watch=lambda request, plan: shown.append((request, plan))
    )
    return trial, shown


def test_every_plan_of_every_week_verifies_against_the_log_it_was_made_from(
    watched: tuple[Trial, Shown],
) -> None:
    _, shown = watched
    # The plan after the run-in is made twice: as the reference of all arms, and as the first of the adapted.
    assert len(shown) == ATHLETES * (RUN_IN + 1 + WEEKS)
    broken = [(one.rule_id, one.where, one.numbers) for pair in shown for one in verify_request(*pair)]
    assert not broken
    assert {request.context["week"] for request, _ in shown} == set(range(RUN_IN + WEEKS))


def test_the_trial_is_the_same_each_time_and_leaves_its_people_alone() -> None:
    cast = draw_cast(12, 5)
    rows = copy.deepcopy(cast.rows)
    one, other = (
        run_trial(12, 5, 3, arms=arms, cast=cast) for arms in ((ADAPTED, STATIC), (STATIC, ADAPTED))
    )
    assert cast.rows == rows
    for arm in (ADAPTED, STATIC):
        for name, values in measures_of(one.courses[arm]).items():
            assert values.tobytes() == measures_of(other.courses[arm])[name].tobytes(), (arm, name)


def test_the_arms_begin_alike_and_life_treats_them_alike(watched: tuple[Trial, Shown]) -> None:
    adapted, static = (watched[0].courses[arm] for arm in (ADAPTED, STATIC))
    assert (adapted.strength[0] == 1).all()
    assert (static.strength[0] == 1).all()
    assert (adapted.planned[0] == static.planned[0]).all()
    # The first week is the same plan, so everything that comes of it is.
    assert (adapted.size[0] == static.size[0]).all()
    assert not all((one == other).all() for one, other in zip(adapted.size, static.size, strict=True))


def test_static_stays_and_linear_rises() -> None:
    trial = run_trial(20, 3, WEEKS, arms=(STATIC, "linear"))
    rir = {arm: np.nanmean(course.rir[-1]) for arm, course in trial.courses.items()}
    assert rir["linear"] < rir[STATIC] - 0.3
    failed = {arm: measures_of(course)["failed"].mean() for arm, course in trial.courses.items()}
    assert failed["linear"] > failed[STATIC]
    assert not np.any(trial.courses[STATIC].deload)


def test_estimates_hold_the_mean_and_are_as_wide_as_they_should_be() -> None:
    values = np.random.default_rng(1).normal(2.0, 1.0, 400)
    found = estimate(values)
    assert found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert found == estimate(values)
    assert estimate(np.full(9, 3.0)).low == 3


def test_differences_are_of_the_same_athlete(watched: tuple[Trial, Shown]) -> None:
    trial, _ = watched
    less = differences(trial, ADAPTED, STATIC)
    assert set(less) == set(MEASURES)
    own, other = (measures_of(trial.courses[arm])["strength_pct"] for arm in (ADAPTED, STATIC))
    assert (less["strength_pct"] == own - other).all()


def test_the_verdict_is_that_of_the_intervals(watched: tuple[Trial, Shown]) -> None:
    facts = facts_of(watched[0], [])
    assert sum(one["n"] for one in facts["slices"]["sex"].values()) == ATHLETES
    less = facts["adapted_less"][STATIC]
    for low, passed in ((0.1, True), (-0.1, False)):
        less["strength_pct"]["low"] = low
        assert checks_of(facts)[0].passed == passed
        less["overload_weeks"]["high"] = -low
        assert checks_of(facts)[1].passed == passed


def test_a_number_goes_to_the_benchmark_before_it() -> None:
    assert chosen(["hops", "athletes", "200", "teacher"]) == [
        ("hops", []),
        ("athletes", [200]),
        ("teacher", []),
    ]
