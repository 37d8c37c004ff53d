"""Bias: clean data are green, each check has data that turn it red, and small slices are not judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from fitsense.records import Query
from fitsense.reporting.render import html
from jobs.bias.checks import VOLUME_JUDGED
from jobs.bias.flips import Flips, engine_answer
from jobs.bias.outcomes import DIMENSIONS, choose
from jobs.bias.page import build
from tests.factories import queries
from tests.unit.quality.judging import SEED, bias, engine, names, red
from tests.unit.quality.samples import Run, clean_run

VALUES = {
    "sex": "F",
    "age_band": "35-44",
    "goal": "strength",
    "activity": "light",
    "condition": "none",
    "language": "es",
}


def lose_most_of(dimension: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Three of four records of one slice are gone."""
    gone = (pl.col(dimension) == VALUES[dimension]) & (pl.int_range(pl.len()) % 4 != 0)
    return lambda index: index.filter(~gone)


def double_sets_of(dimension: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    doubled = (
        pl.when(pl.col(dimension) == VALUES[dimension]).then(pl.col("plan_sets") * 3).otherwise("plan_sets")
    )
    return lambda index: index.with_columns(doubled.alias("plan_sets"))


INDEX_BREAKS = {
    **{f"rejected_{name}": lose_most_of(name) for name in DIMENSIONS},
    **{f"volume_{name}": double_sets_of(name) for name in VOLUME_JUDGED},
}
ENGINE_BREAKS: dict[str, Callable[[dict[str, Any]], int]] = {
    "counterfactual_sex": lambda context: 2 if context["sex"] == "F" else 4,
    "counterfactual_age": lambda context: 2 if context["age"] > 40 else 4,
}


def test_clean_data_are_green(run: Run) -> None:
    report = bias(run)
    assert report.passed
    assert names(report) == {*INDEX_BREAKS, *ENGINE_BREAKS}


@pytest.mark.parametrize("name", INDEX_BREAKS)
def test_a_disparity_turns_its_check_red(run: Run, name: str) -> None:
    assert name in red(bias(run, INDEX_BREAKS[name](run.index())))


@pytest.mark.parametrize("name", ENGINE_BREAKS)
def test_an_engine_that_looks_at_sex_or_age_turns_its_check_red(run: Run, name: str) -> None:
    assert red(bias(run, answer=engine(ENGINE_BREAKS[name]))) == {name}


def test_opposite_changes_do_not_cancel_out(run: Run) -> None:
    """Women a third more in one half, a third less in the other: the mean is fair, no plan is."""

    def unfair(context: dict[str, Any]) -> int:
        odd = int(context["user_id"][1:]) % 2
        return 4 if (context["sex"] == "F") == bool(odd) else 3

    report = bias(run, answer=engine(unfair))
    told = report.facts["counterfactuals"]["sex"]
    assert abs(told["sets_change"]["mean"]) < told["size_of_sets_change"]["low"] / 2
    assert "counterfactual_sex" in red(report)


def test_a_plan_that_is_gone_counts_as_all_its_sets(run: Run) -> None:
    def answer(query: dict[str, Any], seed: int) -> dict[str, Any]:
        told = engine()(query, seed)
        refused = query["context"]["sex"] == "M"
        return {**told, "action": "refuse", "plan": None} if refused else told

    told = bias(run, answer=answer).facts["counterfactuals"]["sex"]
    assert told["sets_change"]["mean"] == -1
    assert told["other_action"] == 1


def test_small_slices_are_shown_not_judged() -> None:
    few = clean_run(400)
    report = bias(few, few.index().filter(pl.col("sex") != "X"))
    told = next(s for s in report.facts["disparities"]["rejected"]["sex"] if s["slice"] == "X")
    assert told["n"] < report.facts["min_slice"]
    assert told["value"] == 1
    assert told["state"] == "shown"
    assert "rejected_sex" not in red(report)


def test_a_difference_within_its_interval_does_not_fail(run: Run) -> None:
    """Forty records, a third more rejected: the point estimate crosses, what is sure does not."""
    few = run.index().filter(pl.col("condition") == "asthma")["id"].sort().head(9)
    report = bias(run, run.index().filter(~pl.col("id").is_in(few.to_list())))
    told = next(s for s in report.facts["disparities"]["rejected"]["condition"] if s["slice"] == "asthma")
    assert told["difference"] > report.facts["limits"]["rejected"] > told["low"]
    assert "rejected_condition" not in red(report)


def test_chosen_prompts_have_plans_and_can_be_flipped(run: Run) -> None:
    index = run.index()
    chosen = choose(index, 50, 1)
    assert len(chosen) == 50
    assert chosen == choose(index, 50, 1) != choose(index, 50, 2)
    picked = index.filter(pl.col("id").is_in(list(chosen)))
    assert picked["has_plan"].all()
    assert set(picked["sex"]) == {"F", "M"}
    assert "65+" not in set(picked["age_band"])


def test_reasons_are_counted(run: Run) -> None:
    report = bias(run)
    assert sum(report.facts["reasons"].values()) == len(run.rejected)


def test_the_page_says_whose_counterfactuals_they_are(run: Run) -> None:
    ours, model = bias(run), bias(run, teacher="openai_compatible")
    assert "come from a model" not in html(build(ours))
    assert "come from a model; these are the rule engine" in html(build(model))


def test_without_counterfactuals_the_page_says_why(run: Run) -> None:
    report = bias(run, counterfactuals=0)
    assert not {name for name in names(report) if name.startswith("counterfactual")}
    assert "None were asked for" in html(build(report))


def test_a_twin_for_whom_the_engine_finds_nothing_has_no_plan(run: Run) -> None:
    def answer(query: dict[str, Any], seed: int) -> dict[str, Any]:
        if query["context"]["sex"] == "M":
            raise ValueError("no exercise")
        return engine()(query, seed)

    told = bias(run, answer=answer).facts["counterfactuals"]["sex"]
    assert told["sets_change"]["mean"] == -1


def test_the_rules_teacher_is_the_engine() -> None:
    """The real one: the same plan for a woman and for the man that she is not."""
    query = queries(1, per_user=1)[0]
    query = {
        **query,
        "type": "plan_creation",
        "tags": ["ask:create_terse"],
        "expected_action": "answer",
        "safety": [],
    }
    well = {"conditions": [], "equipment": [], "notes": [], "pain": 0, "pain_area": None}
    query["context"] = {**query["context"], **well, "sex": "F", "age": 34}
    flips = Flips(engine_answer(), SEED)
    flips.add(Query.model_validate(query).model_dump(mode="json"))
    assert flips.frame()["sets"].to_list() == [0, 0]
