"""The gates: evaluation reports in, a decision with its reasons out. Pure.

Everything is judged by confidence intervals. A finding fails when the evidence shows that it is bad, holds
when the evidence shows that it is good, and is open in between: too few records leave it open, never good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fitsense.config import Gate, Registration
from fitsense.models.evaluation import Comparison, Estimate, EvaluationReport, Metric, Metrics
from fitsense.models.intervals import difference, trusted, upward
from fitsense.models.registration import Decision, Finding, Outcome


@dataclass(frozen=True)
class Champion:
    """Whom to measure up to; ``report`` is None for one that was never evaluated."""

    version: str
    report: EvaluationReport | None


def judge(report: EvaluationReport | None, champion: Champion | None, gates: Registration) -> list[Finding]:
    """All findings about a model, safety first."""
    if report is None:
        return [Finding(check="evaluated", outcome="fails", reason="it was not evaluated")]
    findings = [*_safety(report, gates), *_absolute(report, gates), *_slices(report, gates)]
    findings += _latency(report, gates)
    if champion:
        findings += _against(report, champion, gates)
    if gates.promote == "by_hand":
        findings.append(_finding("promotion", "open", "the config leaves promotions to people"))
    return findings


def decide(findings: Sequence[Finding]) -> Decision:
    """Any failure rejects; any open question keeps it a challenger."""
    outcomes = {finding.outcome for finding in findings}
    if "fails" in outcomes or not findings:
        return "rejected"
    return "challenger" if "open" in outcomes else "champion"


def _finding(check: str, outcome: Outcome, reason: str) -> Finding:
    return Finding(check=check, outcome=outcome, reason=reason)


def _safety(report: EvaluationReport, gates: Registration) -> Iterator[Finding]:
    """The veto: nothing else can make up for it."""
    safety = report.safety
    if safety.prompts < gates.min_safety_prompts:
        told = f"only {safety.prompts} safety prompts were tried; {gates.min_safety_prompts} are needed"
        yield Finding(check="safety", outcome="fails", reason=told, safety=True)
        return
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(safety.violations.items()) if count)
    allowed = f"{gates.max_safety_violation_share:.1%} allowed"
    if safety.total > gates.max_safety_violation_share * safety.prompts:
        told = f"unsafe in {safety.total} of {safety.prompts} safety prompts ({kinds}); {allowed}"
        yield Finding(check="safety", outcome="fails", reason=told, safety=True)
    else:
        told = f"unsafe in {safety.total} of {safety.prompts} safety prompts; {allowed}"
        yield Finding(check="safety", outcome="holds", reason=told, safety=True)


def _absolute(report: EvaluationReport, gates: Registration) -> Iterator[Finding]:
    for name, gate in gates.gates.items():
        metric = report.metrics.get(name)
        if metric is None:
            yield _finding(name, "fails", f"{name} was not measured")
        elif metric.n < gates.min_records:
            told = f"{name} rests on {metric.n} records; {gates.min_records} are needed"
            yield _finding(name, "open", told)
        elif gate.minimum is not None or gate.maximum is not None:
            yield _bound(name, trusted(metric, report.level), gate)


def _bound(name: str, estimate: Estimate, gate: Gate) -> Finding:
    """The interval against a minimum or a maximum."""
    low, high = gate.minimum, gate.maximum
    words = f"at least {low:g}" if low is not None else f"at most {high:g}"
    bad = (low is not None and estimate.high < low) or (high is not None and estimate.low > high)
    good = (low is None or estimate.low >= low) and (high is None or estimate.high <= high)
    outcome: Outcome = "fails" if bad else "holds" if good else "open"
    verdict = {"fails": "it is not", "holds": "it is", "open": "not shown"}[outcome]
    return _finding(name, outcome, f"{name} {shown(estimate)} should be {words}: {verdict}")


def _slices(report: EvaluationReport, gates: Registration) -> Iterator[Finding]:
    judged = 0
    for where, name, metric, gate in _judged(report.slices, gates):
        if gate.slice_floor is None:
            continue
        judged += 1
        estimate, floor = trusted(metric, report.level), gate.slice_floor
        if _below(estimate, metric, floor):
            told = f"{name} of {where} {shown(estimate)} lies beyond its floor {floor:g}"
            yield _finding(f"{name} of {where}", "fails", told)
    if judged:
        yield _finding("slices", "holds", f"floors judged in {judged} slices of {gates.min_slice} or more")


def _below(estimate: Estimate, metric: Metric, floor: float) -> bool:
    return estimate.high < floor if metric.better == "higher" else estimate.low > floor


def _judged(slices: dict[str, Metrics], gates: Registration) -> Iterator[tuple[str, str, Metric, Gate]]:
    """Gated metrics of slices that are large enough."""
    for where, metrics in sorted(slices.items()):
        for name, gate in gates.gates.items():
            metric = metrics.get(name)
            if metric is not None and metric.n >= gates.min_slice:
                yield where, name, metric, gate


def _latency(report: EvaluationReport, gates: Registration) -> Iterator[Finding]:
    limit = gates.max_ttft_ms_p95
    if limit is not None:
        slow = report.latency.ttft_ms_p95
        told = f"95 % of first tokens within {slow:.0f} ms; at most {limit:.0f} ms allowed"
        yield _finding("latency", "fails" if slow > limit else "holds", told)


def _against(report: EvaluationReport, champion: Champion, gates: Registration) -> Iterator[Finding]:
    other, who = champion.report, champion.version
    paired = report.comparison(who)
    if paired is None and (other is None or other.test.sha256 != report.test.sha256):
        why = "has no evaluation" if other is None else "was measured on other records"
        yield _finding("champion", "open", f"the champion {who} {why}, and nothing compares the two")
        return
    for name, gate in gates.gates.items():
        metric = report.metrics.get(name)
        gap = metric and _gap(name, metric, report, paired, other)
        if metric is None or gap is None:
            yield _finding(f"{name} against {who}", "open", f"{name} cannot be compared with {who}'s")
            continue
        yield _not_worse(f"{name} against {who}", gap, gate.margin)
        if name == gates.primary and gates.promote == "superior":
            yield _better(name, who, gap)
    yield from _slices_against(report, champion, paired, gates)


def _gap(
    name: str,
    metric: Metric,
    report: EvaluationReport,
    paired: Comparison | None,
    other: EvaluationReport | None,
) -> Estimate | None:
    """How much better than the champion: the paired difference where there is one."""
    if paired and name in paired.metrics:
        return upward(paired.metrics[name], metric)
    theirs = other.metrics.get(name) if other and other.test.sha256 == report.test.sha256 else None
    if other is None or theirs is None:
        return None
    return upward(difference(trusted(metric, report.level), trusted(theirs, other.level)), metric)


def _not_worse(check: str, gap: Estimate, margin: float) -> Finding:
    outcome: Outcome = "fails" if gap.high < -margin else "holds" if gap.low >= -margin else "open"
    verdict = {"fails": "it is worse", "holds": "it is not worse", "open": "not shown"}[outcome]
    return _finding(check, outcome, f"{check}: {signed(gap)}, at most {margin:g} worse: {verdict}")


def _better(name: str, who: str, gap: Estimate) -> Finding:
    good = gap.low > 0
    told = f"{name} must be better than {who}'s: {signed(gap)}: {'it is' if good else 'not shown'}"
    return _finding(f"{name} better than {who}", "holds" if good else "open", told)


def _slices_against(
    report: EvaluationReport, champion: Champion, paired: Comparison | None, gates: Registration
) -> Iterator[Finding]:
    """Only what is known to be worse in a slice is told: many slices, few records each."""
    other = champion.report
    same = other is not None and other.test.sha256 == report.test.sha256
    for where, name, metric, gate in _judged(report.slices, gates):
        gap = paired.slices.get(where, {}).get(name) if paired else None
        theirs = other.slices.get(where, {}).get(name) if other and same else None
        if gap is None and other and theirs and theirs.n >= gates.min_slice:
            gap = difference(trusted(metric, report.level), trusted(theirs, other.level))
        better = upward(gap, metric) if gap else None
        if better and better.high < -gate.slice_margin:
            check = f"{name} of {where} against {champion.version}"
            told = f"{check}: {signed(better)}, at most {gate.slice_margin:g} worse: it is worse"
            yield _finding(check, "fails", told)


def shown(estimate: Estimate) -> str:
    """``0.812 [0.760, 0.851]``."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"
