"""Statistics: clean data are green, and each check has a dataset that turns it red."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from jobs.statistics.measure import numeric_psi, psi, shares
from jobs.statistics.population import DIMENSIONS
from jobs.statistics.texts import SAMPLE, distinct, sample_rows, words
from tests.unit.quality.judging import names, red, statistics
from tests.unit.quality.samples import Run

TYPES = ("plan_creation", "plan_modification", "safety_adjustment", "progress_adaptation", "free_coaching")
Break = Callable[[pl.DataFrame], pl.DataFrame]


def one_answer_for_all(kind: str) -> Break:
    same = pl.when(pl.col("type") == kind).then(pl.lit(1, pl.Int64)).otherwise("response_hash")
    return lambda index: index.with_columns(same.alias("response_hash"))


def lost(column: str) -> Break:
    return lambda index: index.with_columns(pl.lit(False).alias(column))


def without_the_rarest(dimension: str) -> Break:
    return lambda index: index.filter(pl.col(dimension) != list(shares(index, dimension))[-1])


BREAKS: dict[str, Break] = {
    **{f"unique_responses_{kind}": one_answer_for_all(kind) for kind in TYPES},
    **{f"context_{name}": lost(f"has_{name}") for name in ("sleep", "kcal", "weight")},
    **{f"slice_{name}": without_the_rarest(name) for name in DIMENSIONS},
    "representation": lambda index: index.filter(pl.col("sex") == "M"),
}


def test_clean_data_are_green(run: Run) -> None:
    report = statistics(run, reference=run.index())
    assert report.passed
    assert names(report) == {*BREAKS, "drift"}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_dataset_turns_its_check_red(run: Run, name: str) -> None:
    assert name in red(statistics(run, BREAKS[name](run.index())))


@pytest.mark.parametrize("column", ["response_chars", "plan_sets"])
def test_numbers_that_moved_are_a_drift(run: Run, column: str) -> None:
    reference = run.index().with_columns((pl.col(column) * 1.7).alias(column))
    report = statistics(run, reference=reference)
    assert red(report) == {"drift"}
    assert column.replace("_", " ") in next(c.detail for c in report.checks if c.name == "drift")


def test_shares_that_moved_are_a_drift(run: Run) -> None:
    assert "drift" in red(statistics(run, reference=run.index().filter(pl.col("sex") == "F")))


def test_without_a_reference_nothing_is_said_of_drift(run: Run) -> None:
    report = statistics(run)
    assert "drift" not in names(report)
    assert report.facts["drift"] is None


def test_week_zero_may_lack_logs(run: Run) -> None:
    """Whoever has not trained yet has nothing to show; everybody else must."""
    weeks = {a["query"]["query_id"]: a["query"]["context"]["week"] for a in run.answers}
    early = pl.col("id").replace_strict(weeks, return_dtype=pl.Int64) == 0
    index = run.index().with_columns((pl.col("has_sleep") & ~early).alias("has_sleep"))
    report = statistics(run, index)
    assert not index["has_sleep"].all()
    assert report.facts["context"]["sleep"]["share"] == 1
    assert red(report) == set()


def test_rejected_prompts_count_as_population(run: Run) -> None:
    report = statistics(run)
    assert report.facts["asked"] == len(run.answers) > report.facts["records"]


def test_psi_agrees_with_a_textbook_sum() -> None:
    assert psi({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}) == 0
    expected = (0.7 - 0.5) * np.log(0.7 / 0.5) + (0.3 - 0.5) * np.log(0.3 / 0.5)
    assert psi({"a": 0.7, "b": 0.3}, {"a": 0.5, "b": 0.5}) == pytest.approx(expected)


def test_psi_of_a_value_that_vanished_is_finite_and_large() -> None:
    assert 0.25 < psi({"a": 1.0}, {"a": 0.9, "b": 0.1}) < 10


def test_numeric_psi_sees_a_shift_and_only_that() -> None:
    rng = np.random.default_rng(1)
    one, two = (pl.Series(rng.normal(0, 1, 20_000)) for _ in range(2))
    assert numeric_psi(one, two) < 0.01
    assert numeric_psi(one + 1, two) > 0.25


def test_distinct_n_counts_different_ngrams() -> None:
    assert distinct(words("Rest, rest and rest!"), 1) == pytest.approx(2 / 4)
    assert distinct(words("rest rest and rest"), 2) == 1
    assert distinct([], 2) == 0


def test_sampled_lines_are_seeded_and_spread_over_the_splits() -> None:
    rows = {"train": 80_000, "val": 10_000, "test": 10_000}
    picked = sample_rows(rows, 5)
    assert picked == sample_rows(rows, 5) != sample_rows(rows, 6)
    assert sum(map(len, picked.values())) == SAMPLE
    assert all(0 <= n < rows[split] for split, numbers in picked.items() for n in numbers)
    assert len(picked["train"]) == pytest.approx(0.8 * SAMPLE, rel=0.1)
