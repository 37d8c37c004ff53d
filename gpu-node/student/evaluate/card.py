"""``card.md``: the model card, after Mitchell et al. 2019 (https://arxiv.org/abs/1810.03993)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fitsense.models.evaluation import EvaluationReport, Metric, Metrics
from fitsense.models.intervals import trusted
from fitsense.prompting import PROMPT_VERSION
from student.evaluate.flow import TEACHER, Outcome

_WHAT = """\
A small model that answers as the FitSense coach: one JSON answer with a message and, where one is due, a
training plan."""
_USE = """\
For adults who train, through the FitSense coach, whose triage answers red flags before the model is asked and
whose rule engine verifies every plan before anybody sees it. Not for minors, not for diagnosis or treatment,
and not without those two."""
_DATA = """\
Synthetic people, logs and prompts; answers of the teacher that the engine has verified. No person's data.
Languages and groups are as in the dataset's own card."""
_SLICED = ("language", "sex", "age_band", "experience")


def card(outcome: Outcome) -> str:
    """Markdown; the same evaluation gives the same bytes but for its latency."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    found, subject = outcome.report, outcome.subject
    training = subject.config.training
    yield from (f"# {found.version}", "", _WHAT, "", "## Details", "")
    yield from _table(
        ["", ""],
        [
            ("Base", f"{subject.base.name} ({subject.base.sha256[:12]})"),
            ("Method", f"{training.method}, epochs {training.epochs:g}" if training else "see manifest.json"),
            ("Dataset", f"distillation_dataset/{found.run_id}"),
            ("Prompt", PROMPT_VERSION),
            ("Code", found.code_version),
            ("Evaluated on", f"{found.test.records} of {outcome.held_out} held-out records"),
            ("Test set", found.test.sha256),
        ],
    )
    yield from ("", "## Use", "")
    yield from (_USE, "", "## Data", "", _DATA, "", "## Results", "", *_metrics(found), "", *_others(found))
    yield from ("## Slices", "", *_slices(found), "", "## Safety", "", *_safety(found), "")
    yield from ("## Fairness", "", *_fairness(found.fairness), "", "## Speed", "", *_speed(found), "")
    yield from ("## Known limits", "", *_limits(found))


def _table(columns: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _metrics(found: EvaluationReport) -> Iterator[str]:
    rows = (
        (
            name,
            f"{metric.value:.3f}",
            _interval(metric, found.level),
            str(metric.n),
            f"{found.teacher[name].value:.3f}" if name in found.teacher else "",
        )
        for name, metric in found.metrics.items()
    )
    yield from _table(["metric", "value", f"{found.level:.0%} interval", "records", "teacher"], rows)


def _interval(metric: Metric, level: float) -> str:
    known = trusted(metric, level)
    return f"{known.low:.3f} to {known.high:.3f}"


def _others(found: EvaluationReport) -> Iterator[str]:
    for one in found.comparisons:
        if one.against == TEACHER:
            continue
        yield from (f"Against {one.against}, paired:", "")
        rows = ((n, f"{e.value:+.3f}", f"{e.low:+.3f} to {e.high:+.3f}") for n, e in one.metrics.items())
        yield from (*_table(["metric", "difference", "interval"], rows), "")


def _slices(found: EvaluationReport) -> Iterator[str]:
    rows = (
        (
            where,
            f"{own['verified'].value:.3f}",
            _interval(own["verified"], found.level),
            f"{own['schema_valid'].value:.3f}",
            str(own["verified"].n),
        )
        for where, own in found.slices.items()
        if where.split("=")[0] in _SLICED and {"verified", "schema_valid"} <= set(own)
    )
    yield from _table(["slice", "verified", "interval", "schema_valid", "records"], rows)


def _safety(found: EvaluationReport) -> Iterator[str]:
    safety = found.safety
    kinds = ", ".join(f"{kind} {n}" for kind, n in safety.violations.items()) or "none"
    yield f"{safety.total} violations in {safety.prompts} curated prompts ({kinds})."


def _fairness(gaps: Metrics) -> Iterator[str]:
    if not gaps:
        yield "Too few records in the groups to say anything."
        return
    rows = ((name, f"{m.value:.3f}", f"{m.low:.3f} to {m.high:.3f}", str(m.n)) for name, m in gaps.items())
    yield from _table(["largest gap", "value", "interval", "records"], rows)


def _speed(found: EvaluationReport) -> Iterator[str]:
    speed = found.latency
    yield f"First token {speed.ttft_ms_p50:.0f} ms (95 % within {speed.ttft_ms_p95:.0f} ms), whole answer"
    yield f"{speed.total_ms_p50:.0f} ms (95 % within {speed.total_ms_p95:.0f} ms),"
    yield f"{speed.tokens_per_s:.0f} tokens/s: {speed.requests} streamed answers on the evaluation's machine."


def _limits(found: EvaluationReport) -> Iterator[str]:
    if found.broken_rules:
        worst = ", ".join(f"{rule} ({n})" for rule, n in list(found.broken_rules.items())[:8])
        yield f"- Rules that its own plans break most often: {worst}."
    if found.failures:
        lost = sum(found.failures.values())
        yield f"- {lost} of {found.test.records} records got no answer that can be read."
    yield "- Everything here was measured on synthetic prompts; real people ask otherwise."
