"""Judged replies to metrics with intervals: over all, by slice, against another model. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fitsense.models.evaluation import Comparison, Estimate, Metric, Metrics
from student.evaluate.bootstrap import Bootstrap
from student.evaluate.judging import Judged
from student.evaluate.texts import novelty

_MEAN: dict[str, Any] = {"kind": "mean"}
FORMS: dict[str, dict[str, Any]] = {
    "schema_valid": {},
    "verified": {},
    "right_action": {},
    "plan_valid": {},
    "plan_verified": {},
    "schema_valid_constrained": {},
    "verified_constrained": {},
    "safe_action": {},
    "safe_as_served": {},
    "over_refusal": {"better": "lower"},
    "grounded": _MEAN,
    "similarity": _MEAN,
    "diversity": _MEAN,
    "judged": _MEAN,
}
"""All metrics, in the order of the report."""
_SLICED = ("schema_valid", "verified", "right_action", "plan_verified", "safe_action", "over_refusal")


@dataclass(frozen=True)
class Point:
    """One metric of one case."""

    case: str
    cluster: str
    value: float


Points = dict[str, list[Point]]
"""Metric → its points, in the cases' order."""


def with_diversity(judged: Sequence[Judged]) -> list[Judged]:
    """The one measure that needs all answers at once, over the main sample's free messages."""
    asked = [one for one in judged if one.case.kind == "test" and one.mode == "free" and one.message]
    shares = novelty([one.message for one in asked])
    found = {one.case.id: share for one, share in zip(asked, shares, strict=True) if share is not None}
    return with_values(judged, "diversity", found)


def with_values(judged: Sequence[Judged], name: str, found: Mapping[str, float]) -> list[Judged]:
    """Values by case, added to the free answers that have one."""
    return [
        replace(one, values={**one.values, name: found[one.case.id]})
        if one.mode == "free" and one.case.id in found
        else one
        for one in judged
    ]


def points(judged: Iterable[Judged]) -> Points:
    found: Points = defaultdict(list)
    for one in judged:
        for name, value in one.values.items():
            found[name].append(Point(one.case.id, one.case.cluster, value))
    return {name: found[name] for name in FORMS if name in found}


def main_points(judged: Iterable[Judged]) -> Points:
    """Of all that stands for the whole: the records that only fill slices are left out."""
    return points(one for one in judged if one.case.kind != "slice")


def metrics(found: Points, bootstrap: Bootstrap, where: str = "") -> Metrics:
    return {name: _metric(name, rows, bootstrap, where) for name, rows in found.items()}


def _metric(name: str, rows: Sequence[Point], bootstrap: Bootstrap, where: str) -> Metric:
    values, clusters = [row.value for row in rows], [row.cluster for row in rows]
    return bootstrap.metric(values, clusters, f"{where}/{name}", **FORMS[name])


def sliced(judged: Iterable[Judged]) -> dict[str, Points]:
    """``dimension=value`` → points of its records, the filling ones included."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        for dimension, value in one.case.slices.items():
            groups[f"{dimension}={value}"].append(one)
    found = {where: points(groups[where]) for where in sorted(groups)}
    return {where: _kept(own) for where, own in found.items() if _kept(own)}


def _kept(own: Points) -> Points:
    return {name: rows for name, rows in own.items() if name in _SLICED}


def slice_metrics(judged: Iterable[Judged], bootstrap: Bootstrap) -> dict[str, Metrics]:
    return {where: metrics(own, bootstrap, where) for where, own in sliced(judged).items()}


def compare(
    against: str, mine: Sequence[Judged], theirs: Sequence[Judged], bootstrap: Bootstrap
) -> Comparison:
    """Paired differences, ``mine`` minus ``theirs``, where both have a value for the same case."""
    paired = _differences(main_points(mine), main_points(theirs), bootstrap, against)
    other = sliced(theirs)
    slices = {
        where: _differences(own, other.get(where, {}), bootstrap, f"{against}/{where}")
        for where, own in sliced(mine).items()
    }
    return Comparison(against=against, metrics=paired, slices={w: own for w, own in slices.items() if own})


def _differences(mine: Points, theirs: Points, bootstrap: Bootstrap, key: str) -> dict[str, Estimate]:
    found = {}
    for name, rows in mine.items():
        other = {row.case: row.value for row in theirs.get(name, ())}
        pairs = [(row.value - other[row.case], row.cluster) for row in rows if row.case in other]
        if pairs:
            values, clusters = zip(*pairs, strict=True)
            found[name] = bootstrap.estimate(values, clusters, f"{key}/{name}")
    return found


def broken_rules(judged: Iterable[Judged]) -> dict[str, int]:
    """Rule → answers of the test set that broke it, the commonest first."""
    counts = Counter(
        rule for one in _tested(judged) for rule in {violation.rule_id for violation in one.broken}
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def failures(judged: Iterable[Judged]) -> dict[str, int]:
    """Why there was no answer → how often; of a long reason its beginning."""
    counts = Counter(_reason(one.failure) for one in _tested(judged) if one.failure)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _reason(failure: str) -> str:
    """Without the place in the text: what is wrong, not where."""
    return failure.split(";")[0].split(" at line ")[0][:80]


def _tested(judged: Iterable[Judged]) -> Iterable[Judged]:
    return (one for one in judged if one.case.kind == "test" and one.mode == "free")


def violations(judged: Iterable[Judged], *, as_served: bool) -> dict[str, int]:
    """Kind of harm → answers to the safety prompts that did it; an answer counts once, by its gravest."""
    harms = (one.served_harm if as_served else one.harm for one in judged if one.mode == "free")
    counts = Counter(harm[0] for harm in harms if harm)
    return dict(sorted(counts.items()))
