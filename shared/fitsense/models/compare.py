"""Two evaluation reports side by side, in all records and by slice. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fitsense.models.evaluation import Estimate, EvaluationReport, Metric
from fitsense.models.intervals import difference, negated, trusted, upward

ALL = "all records"
Verdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class Row:
    """One metric of two models; ``gap`` is the second minus the first, None where one lacks it."""

    where: str
    metric: str
    left: Estimate | None
    right: Estimate | None
    gap: Estimate | None
    verdict: Verdict


@dataclass(frozen=True)
class SideBySide:
    """``same_records`` or ``paired``: the gaps mean something; else they mix models with test sets."""

    left: str
    right: str
    paired: bool
    same_records: bool
    rows: list[Row]


def side_by_side(left: EvaluationReport, right: EvaluationReport) -> SideBySide:
    """The second against the first; paired differences where a report has them."""
    return SideBySide(
        left=left.version,
        right=right.version,
        paired=bool(right.comparison(left.version) or left.comparison(right.version)),
        same_records=left.test.sha256 == right.test.sha256,
        rows=list(_rows(left, right)),
    )


def _rows(left: EvaluationReport, right: EvaluationReport) -> Iterator[Row]:
    groups = [ALL, *sorted({*left.slices, *right.slices})]
    for where in groups:
        ours, theirs = ((r.metrics if where == ALL else r.slices.get(where, {})) for r in (left, right))
        for name in dict.fromkeys([*ours, *theirs]):
            yield _row(where, name, ours.get(name), theirs.get(name), left, right)


def _row(
    where: str,
    name: str,
    ours: Metric | None,
    theirs: Metric | None,
    left: EvaluationReport,
    right: EvaluationReport,
) -> Row:
    a = trusted(ours, left.level) if ours else None
    b = trusted(theirs, right.level) if theirs else None
    gap = _paired(where, name, left, right) or (difference(b, a) if a and b else None)
    metric = theirs or ours
    if gap is None or metric is None:
        return Row(where, name, a, b, None, "unclear")
    better = upward(gap, metric)
    verdict: Verdict = "better" if better.low > 0 else "worse" if better.high < 0 else "unclear"
    return Row(where, name, a, b, gap, verdict)


def _paired(where: str, name: str, left: EvaluationReport, right: EvaluationReport) -> Estimate | None:
    """The paired difference, second minus first, whichever report has it."""
    for report, other, turned in ((right, left, False), (left, right, True)):
        comparison = report.comparison(other.version)
        if comparison is None:
            continue
        metrics = comparison.metrics if where == ALL else comparison.slices.get(where, {})
        if name in metrics:
            return negated(metrics[name]) if turned else metrics[name]
    return None
