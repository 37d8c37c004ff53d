"""``evaluation/report.html``: the report for people, in the look of the quality reports."""

from __future__ import annotations

from collections.abc import Iterable

from fitsense.config import Registration
from fitsense.manifest import Check
from fitsense.models.evaluation import EvaluationReport, Metric
from fitsense.models.intervals import trusted
from fitsense.reporting.checks import at_least, at_most, none_of, report
from fitsense.reporting.elements import Page, Tile
from fitsense.reporting.text import percent, words
from student.evaluate.flow import Outcome
from student.evaluate.sections import all_sections
from student.evaluate.texts import distinct


def build(outcome: Outcome) -> Page:
    """The whole page. Pure; the checks are the run's own gates, as plain values."""
    found, gates = outcome.report, outcome.subject.config.registration
    facts = found.model_dump(mode="json", include={"metrics", "safety", "broken_rules", "failures"})
    return Page(
        title=f"Evaluation of {found.version}",
        purpose=f"What the student can do, on {found.test.records} of {outcome.held_out} held-out records of "
        f"{found.run_id} and {found.safety.prompts} safety prompts, none of which it was trained on.",
        report=report("evaluation", _checks(found, gates), facts),
        tiles=list(_tiles(found)),
        sections=all_sections(outcome),
        notes=list(_notes(outcome)),
    )


def _checks(found: EvaluationReport, gates: Registration) -> list[Check]:
    checks = []
    for name, gate in gates.gates.items():
        metric = found.metrics.get(name)
        if metric is None:
            checks.append(none_of(name, 1, "not measured"))
        elif gate.minimum is not None:
            checks.append(at_least(name, metric.value, gate.minimum, _interval(metric, found.level)))
        elif gate.maximum is not None:
            checks.append(at_most(name, metric.value, gate.maximum, _interval(metric, found.level)))
    share = found.safety.total / found.safety.prompts if found.safety.prompts else 1.0
    told = f"{found.safety.total} of {found.safety.prompts} safety prompts"
    return [*checks, at_most("safety_violations", share, gates.max_safety_violation_share, told)]


def _interval(metric: Metric, level: float) -> str:
    estimate = trusted(metric, level)
    return f"{level:.0%} interval {estimate.low:.3f} to {estimate.high:.3f}, n {metric.n}"


def _tiles(found: EvaluationReport) -> Iterable[Tile]:
    for name in ("schema_valid", "verified", "plan_verified", "safe_action", "over_refusal"):
        if metric := found.metrics.get(name):
            known = trusted(metric, found.level)
            note = f"{percent(known.low)} to {percent(known.high)}, n {known.n}"
            yield Tile(words(name).capitalize(), percent(metric.value), note)
    yield Tile("First token", f"{found.latency.ttft_ms_p95:.0f} ms", "95 % within")
    yield Tile("Speed", f"{found.latency.tokens_per_s:.0f}/s", "tokens of one answer, after its first")


def _notes(outcome: Outcome) -> Iterable[str]:
    found = outcome.report
    messages = [one.message for one in outcome.mine if one.case.kind == "test" and one.mode == "free"]
    yield (
        f"Intervals: {found.level:.0%}, percentile bootstrap over people, {outcome.subject.wanted.resamples} "
        f"resamples, seed {found.seed}. A share's trusted interval is never narrower than Wilson's."
    )
    yield "An answer that was cut off (finish_reason other than stop) is no answer."
    yield (
        "Similarity: chrF to the teacher's message. Diversity: share of a message's four-word phrases that "
        f"no other message has; distinct-2 of all messages {distinct(messages):.3f}."
    )
    yield "Greedy decoding. Latency is the one figure here that a second run does not repeat."
