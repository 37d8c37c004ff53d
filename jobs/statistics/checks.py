"""The judgements of the statistics report."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from fitsense.config import QueryType, Statistics
from fitsense.manifest import Check, Report
from fitsense.reporting.checks import at_least, at_most, report, share
from fitsense.reporting.text import count, percent, words
from jobs import histograms as bins
from jobs.statistics import measure
from jobs.statistics.population import DIMENSIONS
from jobs.statistics.texts import Sample, distinct

MIN_CONTEXT_SHARE = 0.9
"""Of prompts asked after the first week: that many must carry sleep, energy and body weight."""
CARRIED = {"sleep": "has_sleep", "kcal": "has_kcal", "weight": "has_weight"}
DRIFT_CATEGORIES = (*DIMENSIONS, "action", "has_plan")


def judge(
    index: pl.DataFrame,
    population: pl.DataFrame,
    sample: Sample,
    reference: pl.DataFrame | None,
    params: Statistics,
) -> Report:
    """``index``: a row a record; ``population``: a row a prompt; ``reference``: another run's index."""
    index = measure.plans_alone(index)
    reference = None if reference is None else measure.plans_alone(reference)
    facts = {
        "records": index.height,
        "asked": population.height,
        "categories": {c: measure.shares(index, c) for c in DRIFT_CATEGORIES},
        "population": {c: measure.shares(population, c) for c in DIMENSIONS},
        "population_psi": _population_psi(index, population),
        "actions_by_type": _actions_by_type(index),
        "tags": _tags(index),
        "lengths": measure.lengths(index),
        "histograms": {c: bins.split_by(index, c, "split", measure.SPLITS) for c in measure.NUMERIC},
        "uniqueness": uniqueness(index, population),
        "diversity": _diversity(sample),
        "context": context_coverage(index, population),
        "slice_records": _slice_records(index, population),
        "reference_run": params.reference_run,
        "drift": _drift(index, reference) if reference is not None else None,
        "reference": _beside(index, reference) if reference is not None else None,
    }
    return report("statistics", _checks(facts, params), facts)


def _checks(facts: dict[str, Any], params: Statistics) -> list[Check]:
    unique = [
        at_least(
            f"unique_responses_{kind}",
            told["responses"],
            params.min_unique_response_share,
            f"{percent(told['responses'])} of {count(told['records'])} answers to {words(kind)} differ",
        )
        for kind, told in facts["uniqueness"].items()
    ]
    context = [
        at_least(
            f"context_{name}",
            told["share"],
            MIN_CONTEXT_SHARE,
            f"{percent(told['share'])} of {count(told['of'])} records after week 0 carry {name}",
        )
        for name, told in facts["context"].items()
    ]
    slices = [_slice_check(name, values, params) for name, values in facts["slice_records"].items()]
    return [*unique, *context, *slices, *_stability_checks(facts, params)]


def _slice_check(name: str, records: dict[str, int], params: Statistics) -> Check:
    fewest = min(records, key=lambda value: (records[value], value), default="")
    found = f"people have {len(records)} values; the rarest in the dataset is {words(fewest)}"
    return at_least(f"slice_{name}", records.get(fewest, 0), params.min_slice_records, found)


def _stability_checks(facts: dict[str, Any], params: Statistics) -> list[Check]:
    told = {"representation": facts["population_psi"], "drift": facts["drift"]}
    against = {"representation": "all prompts asked", "drift": f"run {params.reference_run}"}
    checks = []
    for name, index in told.items():
        if index:
            worst = max(index, key=index.__getitem__)
            found = f"stability index of {words(worst)}, the furthest from {against[name]}"
            checks.append(at_most(name, index[worst], params.max_psi, found))
    return checks


def uniqueness(index: pl.DataFrame, population: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Type → records, share of different responses, share of different prompts."""
    prompts = index.select("id", "type", "response_hash").join(
        population.select("id", "prompt"), on="id", how="left"
    )
    grouped = prompts.group_by("type").agg(
        pl.len(), pl.col("response_hash").n_unique(), pl.col("prompt").n_unique()
    )
    told = {row[0]: row[1:] for row in grouped.iter_rows()}
    return {
        kind: {"records": rows, "responses": share(responses, rows), "prompts": share(asked, rows)}
        for kind in get_args(QueryType)
        if kind in told
        for rows, responses, asked in [told[kind]]
    }


def context_coverage(index: pl.DataFrame, population: pl.DataFrame) -> dict[str, dict[str, float]]:
    """What of sleep, energy and weight stands in the contexts of records asked after week 0."""
    later = index.join(population.filter(pl.col("week") > 0).select("id"), on="id", how="semi")
    return {
        name: {"of": later.height, "share": share(int(later[column].sum()), later.height)}
        for name, column in CARRIED.items()
    }


def _slice_records(index: pl.DataFrame, population: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Dimension → each value that people have → records in the dataset, 0 included."""
    found = {}
    for name in DIMENSIONS:
        present = measure.counts(index, name)
        found[name] = {value: present.get(value, 0) for value in measure.counts(population, name)}
    return found


def _population_psi(index: pl.DataFrame, population: pl.DataFrame) -> dict[str, float]:
    return {
        name: measure.psi(measure.shares(index, name), measure.shares(population, name))
        for name in DIMENSIONS
    }


def _actions_by_type(index: pl.DataFrame) -> dict[str, dict[str, float]]:
    groups = index.sort("type").group_by("type", maintain_order=True)
    return {str(kind): measure.shares(frame, "action") for (kind,), frame in groups}


def _tags(index: pl.DataFrame) -> dict[str, float]:
    """Share of records that carry a tag; red flags by their family, without the rule."""
    tags = index.select(
        pl.col("tags").list.eval(pl.element().str.split(":").list.first()).list.unique().list.sort()
    )
    counted = measure.counts(tags.explode("tags").drop_nulls(), "tags")
    return {
        tag: share(rows, index.height)
        for tag, rows in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    }


def _diversity(sample: Sample) -> dict[str, Any]:
    def told(tokens: list[str]) -> dict[str, float]:
        return {
            "words": len(tokens),
            "vocabulary": len(set(tokens)),
            **{f"distinct_{n}": distinct(tokens, n) for n in (1, 2, 3)},
        }

    return {
        "records": sample.records,
        "prompts": {kind: told(tokens) for kind, tokens in sorted(sample.prompts.items())},
        "messages": {kind: told(tokens) for kind, tokens in sorted(sample.messages.items())},
    }


def _beside(index: pl.DataFrame, reference: pl.DataFrame) -> dict[str, Any]:
    """What the drift charts show: the reference's shares, and both runs' numbers over common bins."""
    named = {"this run": index, "reference": reference}
    both = pl.concat(
        [f.select(*measure.NUMERIC, source=pl.lit(n)) for n, f in named.items()], how="vertical_relaxed"
    )
    return {
        "records": reference.height,
        "categories": {c: measure.shares(reference, c) for c in DRIFT_CATEGORIES},
        "histograms": {c: bins.split_by(both, c, "source", list(named)) for c in measure.NUMERIC},
    }


def _drift(index: pl.DataFrame, reference: pl.DataFrame) -> dict[str, float]:
    """Feature → stability index against the reference run's dataset."""
    categories = {
        c: measure.psi(measure.shares(index, c), measure.shares(reference, c)) for c in DRIFT_CATEGORIES
    }
    return categories | {c: measure.numeric_psi(index[c], reference[c]) for c in measure.NUMERIC}
