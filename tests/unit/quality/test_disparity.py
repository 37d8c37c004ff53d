"""Intervals against what others compute, and flips that change nothing but what they say."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest

from jobs.bias.disparity import (
    bootstrap_mean,
    difference_of_shares,
    means_by_slice,
    relative_means,
    shares_by_slice,
    wilson,
)
from jobs.bias.flips import compare, other_age, other_sex
from tests.factories import queries


def test_wilson_gives_published_values() -> None:
    """Newcombe 1998, table I: 81/263 and 0/20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


def test_difference_of_shares_gives_published_values() -> None:
    """Newcombe 1998 (differences), table II, method 10: 56/70 against 48/80."""
    assert difference_of_shares(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_relative_means_agree_with_a_bootstrap() -> None:
    rng = np.random.default_rng(5)
    one, two = rng.normal(24, 6, 300), rng.normal(20, 6, 900)
    told = relative_means(300, one.mean(), one.var(ddof=1), 900, two.mean(), two.var(ddof=1))
    draws = [rng.choice(one, 300).mean() / rng.choice(two, 900).mean() - 1 for _ in range(2_000)]
    assert told[1:] == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.01)


def test_bootstrap_is_seeded_and_covers_the_mean() -> None:
    values = np.random.default_rng(1).normal(3, 1, 400).tolist()
    mean, low, high = bootstrap_mean(values, 7)
    assert (mean, low, high) == bootstrap_mean(values, 7)
    assert low < mean < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.2)
    assert bootstrap_mean([], 7) == (0, 0, 0)


def test_shares_per_slice_are_those_of_fairlearn() -> None:
    from fairlearn.metrics import MetricFrame, count, selection_rate

    rng = np.random.default_rng(2)
    slices = rng.choice(["F", "M", "X"], 3_000, p=[0.5, 0.45, 0.05])
    hit = rng.random(3_000) < np.where(slices == "F", 0.3, 0.1)
    frame = pl.DataFrame({"sex": slices, "hit": hit})
    ours = {d.slice: d for d in shares_by_slice(frame, "sex", pl.col("hit"), 30)}
    theirs = MetricFrame(
        metrics={"n": count, "rate": selection_rate}, y_true=hit, y_pred=hit, sensitive_features=slices
    )
    for name, row in theirs.by_group.iterrows():
        assert ours[str(name)].n == row["n"]
        assert ours[str(name)].value == pytest.approx(row["rate"])
    spread = max(d.value for d in ours.values()) - min(d.value for d in ours.values())
    assert spread == pytest.approx(theirs.difference()["rate"])


def test_many_answers_of_one_person_are_one_person() -> None:
    frame = pl.DataFrame(
        {"user_id": ["a"] * 90 + ["b", "c"], "sex": ["F"] * 91 + ["M"], "x": [10.0] * 90 + [20.0, 15.0]}
    )
    women = next(d for d in means_by_slice(frame, "sex", "x", 1) if d.slice == "F")
    assert (women.n, women.value, women.rest) == (2, 15.0, 15.0)


def person(**context: Any) -> dict[str, Any]:
    query = queries(1)[0]
    return {**query, "context": {**query["context"], "sex": "F", "age": 34, "conditions": [], **context}}


def test_sex_is_all_that_changes() -> None:
    query = person()
    twin = other_sex(query)
    assert twin is not None
    assert (twin["context"].pop("sex"), twin["slices"].pop("sex")) == ("M", "M")
    original = {**query, "context": dict(query["context"]), "slices": dict(query["slices"])}
    del original["context"]["sex"], original["slices"]["sex"]
    assert twin == original


@pytest.mark.parametrize(
    "context",
    [{"sex": "X"}, {"gestation_weeks": 20}, {"postpartum_weeks": 5}, {"conditions": ["pregnant"]}],
)
def test_who_has_no_counterpart_is_left_out(context: dict[str, Any]) -> None:
    assert other_sex(person(**context)) is None


@pytest.mark.parametrize("age", range(18, 65))
def test_age_moves_by_decades_within_bounds(age: int) -> None:
    twin = other_age(person(age=age), Random(age))
    assert twin is not None
    other = twin["context"]["age"]
    assert 18 <= other <= 64
    assert (other - age) % 10 == 0
    assert other != age
    low, high = twin["slices"]["age_band"].split("-")
    assert int(low) <= other <= int(high)


def test_the_old_are_left_out_of_age_flips() -> None:
    assert other_age(person(age=65), Random(1)) is None


def plan(sets: int, kg: float | None = 50.0, rir: float = 2.0) -> dict[str, Any]:
    exercise = {"id": "sq01", "sets": sets, "reps": [6, 10], "rir": rir, "kg": kg, "rest_s": 90}
    return {"action": "answer", "plan": {"days": [{"exercises": [exercise]}] * 2}}


def test_changes_are_relative_to_the_plan_before() -> None:
    told = compare(plan(4), plan(5, kg=40.0, rir=3.0))
    assert told["sets"] == pytest.approx(0.25)
    assert told["load"] == pytest.approx(5 * 40 / (4 * 50) - 1)
    assert told["rir"] == 1
    assert (told["sets_before"], told["sets_after"]) == (8, 10)


def test_plans_without_loads_have_no_change_of_load() -> None:
    assert compare(plan(4, kg=None), plan(4, kg=None))["load"] is None
