"""Gaps between groups of people: the best served against the worst served, by fairlearn's definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from fitsense.models.evaluation import Metric, Metrics
from student.evaluate.bootstrap import Bootstrap, Floats
from student.evaluate.judging import Judged

DIMENSIONS = ("sex", "age_band", "language", "experience", "goal")
MEASURES = ("schema_valid", "verified", "right_action")


def gaps(judged: Sequence[Judged], bootstrap: Bootstrap, min_group: int) -> Metrics:
    """``verified by sex`` and the like: the largest difference between groups of ``min_group`` or more.

    Of few records it is never zero: by chance alone groups differ, and a maximum adds the chances up; the
    interval says how much. Dimensions with fewer than two such groups are left out.
    """
    rows = [one for one in judged if one.mode == "free" and one.case.kind in ("test", "slice")]
    found: Metrics = {}
    for dimension in DIMENSIONS:
        kept = _large(rows, dimension, min_group)
        if kept:
            for measure in MEASURES:
                found[f"{measure} by {dimension}"] = _gap(kept, dimension, measure, bootstrap)
    return found


def _large(rows: Sequence[Judged], dimension: str, least: int) -> list[Judged]:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in rows:
        if dimension in one.case.slices:
            groups[one.case.slices[dimension]].append(one)
    large = {name: own for name, own in groups.items() if len(own) >= least}
    return [one for own in large.values() for one in own] if len(large) > 1 else []


def _gap(rows: Sequence[Judged], dimension: str, measure: str, bootstrap: Bootstrap) -> Metric:
    values = np.array([one.values[measure] for one in rows])
    groups = [one.case.slices[dimension] for one in rows]
    value = difference(values, groups)
    people, key = [one.case.cluster for one in rows], f"{measure}/{dimension}"
    samples = _resampled(values, groups, people, bootstrap, key)
    estimate = bootstrap.around(value, samples, len(rows))
    return Metric(**estimate.model_dump(), better="lower")


def difference(values: Floats, groups: Sequence[str]) -> float:
    """fairlearn's: the largest group mean minus the smallest."""
    from fairlearn.metrics import MetricFrame

    frame = MetricFrame(
        metrics=lambda _, predicted: float(np.mean(predicted)),
        y_true=values,
        y_pred=values,
        sensitive_features=list(groups),
    )
    return float(frame.difference(method="between_groups"))


def _resampled(
    values: Floats, groups: Sequence[str], clusters: Sequence[str], bootstrap: Bootstrap, key: str
) -> Floats:
    """The gap in each resample of people; groups that a resample leaves empty do not count in it."""
    people = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    kinds = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    sums, sizes = (np.zeros((len(people), len(kinds))) for _ in range(2))
    for value, group, cluster in zip(values, groups, clusters, strict=True):
        sums[people[cluster], kinds[group]] += value
        sizes[people[cluster], kinds[group]] += 1
    weights = bootstrap.weights(len(people), key)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ sums) / (weights @ sizes)
    found: Floats = np.nanmax(means, axis=1) - np.nanmin(means, axis=1)
    return found
