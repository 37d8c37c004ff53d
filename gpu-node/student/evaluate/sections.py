"""The sections of the report's page. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fitsense.models.evaluation import Comparison, Estimate, EvaluationReport, Metric, Metrics
from fitsense.models.intervals import trusted, upward
from fitsense.reporting import charts
from fitsense.reporting.elements import Chart, Section, Table
from fitsense.reporting.text import DASH, count, percent, signed_percent, words
from student.evaluate.flow import TEACHER, Outcome
from student.evaluate.judging import Judged

_SHOWN = 24
_SLICES = ("type", "language", "sex", "age_band", "experience", "goal", "condition", "equipment_kit")
_HEADLINES = ("verified", "schema_valid")


def all_sections(outcome: Outcome) -> list[Section]:
    """In the order of reading: how good, against whom, for whom, how safe, what went wrong, how fast."""
    found = outcome.report
    return [
        _overview(found),
        _comparisons(found),
        _by_slice(found),
        _safety(outcome),
        _mistakes(outcome),
        _fairness(found),
        _speed(found),
        _read_them(outcome),
    ]


def _overview(found: EvaluationReport) -> Section:
    rows = [(words(name), metric.value) for name, metric in found.metrics.items()]
    held = [
        (words(name), metric.value, found.teacher[name].value)
        for name, metric in found.metrics.items()
        if name in found.teacher
    ]
    names = ("student", "teacher")
    return Section(
        "All records",
        "Each with its bootstrap interval over people.",
        charts=[
            charts.bars("Student", rows),
            charts.against("Student and teacher, same records", held, names),
        ],
        tables=[
            Table(
                "Metrics",
                _COLUMNS,
                [_row(name, found) for name in found.metrics],
            )
        ],
    )


_COLUMNS = ["Metric", "Value", "From", "To", "Records", "Better", "Teacher"]


def _row(name: str, found: EvaluationReport) -> list[object]:
    metric = found.metrics[name]
    known = trusted(metric, found.level)
    other = found.teacher[name].value if name in found.teacher else None
    return [words(name), known.value, known.low, known.high, known.n, metric.better, other]


def _comparisons(found: EvaluationReport) -> Section:
    rivals = [one for one in found.comparisons if one.against != TEACHER]
    text = (
        "Paired: the same prompts, this model minus the other."
        if rivals
        else (
            "Paired with the teacher: the same prompts, this model minus the teacher. There was no champion."
        )
    )
    drawn = [_gaps(one, found.metrics) for one in found.comparisons if one.metrics]
    return Section("Against others", text, charts=drawn)


def _gaps(one: Comparison, metrics: Metrics) -> Chart:
    rows = [
        (words(name), gap.low, gap.value, gap.high, _state(gap, metrics[name]))
        for name, gap in one.metrics.items()
    ]
    return charts.intervals(
        f"Against {one.against}",
        rows,
        None,
        signed_percent,
        "difference",
        note="red: known to be worse; blue: known to be better; grey: not known",
    )


def _state(gap: Estimate, metric: Metric) -> str:
    better = upward(gap, metric)
    return "crossed" if better.high < 0 else "judged" if better.low > 0 else "shown"


def _by_slice(found: EvaluationReport) -> Section:
    drawn = []
    for dimension in _SLICES:
        own = {where: m for where, m in found.slices.items() if where.startswith(f"{dimension}=")}
        rows = [
            (f"{where.partition('=')[2]} ({m['verified'].n})", m["verified"].value, m["schema_valid"].value)
            for where, m in own.items()
            if all(name in m for name in _HEADLINES)
        ]
        if rows:
            title = f"Verified, by {words(dimension)}"
            drawn.append(charts.against(title, rows, ("verified", "schema valid")))
    metrics = list(dict.fromkeys(name for own in found.slices.values() for name in own))
    columns = ["Slice", "Records", *map(words, metrics)]
    told = [
        [where, max(m.n for m in own.values()), *(_short(own.get(name), found.level) for name in metrics)]
        for where, own in found.slices.items()
    ]
    table = Table("By slice", columns, told, note="With their intervals; in percent.")
    return Section("Slices", "Few records each: read the intervals.", charts=drawn, tables=[table])


def _short(metric: Metric | None, level: float) -> str:
    if metric is None:
        return ""
    known = trusted(metric, level)
    return f"{100 * known.value:.0f} ({100 * known.low:.0f}{DASH}{100 * known.high:.0f})"


def _safety(outcome: Outcome) -> Section:
    found = outcome.report
    missed = [one for one in outcome.mine if one.harm or one.values.get("over_refusal")]
    rows = [[one.case.rule, one.case.query["prompt"], _action(one), _wrong(one)] for one in missed]
    drawn = [
        charts.bars(
            "Safe answers, by rule",
            [
                (where.partition("=")[2], own["safe_action"].value)
                for where, own in found.slices.items()
                if where.startswith("safety_rule=") and "safe_action" in own
            ],
        )
    ]
    if found.safety.violations:
        violations = [(words(kind), float(n)) for kind, n in found.safety.violations.items()]
        drawn.append(charts.bars("Violations", violations, count))
    columns = ["Rule", "Prompt", "Action", "What was wrong"]
    text = (
        "The model alone, without the triage and the checks that stand around it when it serves. "
        f"With the triage, {percent(found.metrics['safe_as_served'].value)} are met."
    )
    return Section("Safety", text, charts=drawn, tables=[Table("Not met", columns, rows, empty="None.")])


def _action(one: Judged) -> str:
    return str(one.answer["action"]) if one.answer else "no answer"


def _wrong(one: Judged) -> str:
    return ", ".join(map(words, one.harm)) or "harmless, and not answered"


def _mistakes(outcome: Outcome) -> Section:
    found = outcome.report
    drawn = []
    if found.broken_rules:
        rows = [(rule, float(n)) for rule, n in list(found.broken_rules.items())[:15]]
        drawn.append(charts.bars("Answers that broke a rule", rows, count))
    if found.failures:
        rows = [(reason[:40], float(n)) for reason, n in list(found.failures.items())[:10]]
        drawn.append(charts.bars("Why there was no answer", rows, count))
    told = [
        [one.case.id, violation.rule_id, violation.where, violation.message]
        for one in outcome.mine
        if one.case.kind == "test" and one.mode == "free"
        for violation in one.broken
    ]
    table = Table("Violations", ["Record", "Rule", "Where", "What"], told[:60], empty="None.")
    return Section("What it got wrong", "By the engine that verifies every plan.", drawn, [table])


def _fairness(found: EvaluationReport) -> Section:
    rows = [[name, m.value, m.low, m.high, m.n] for name, m in found.fairness.items()]
    columns = ["Gap", "Value", "From", "To", "Records"]
    drawn = [charts.bars("Largest gap between groups", [(n, m.value) for n, m in found.fairness.items()])]
    text = (
        "The best served group minus the worst served. By chance alone it is never zero; "
        "an interval that begins well above zero is worth a look."
    )
    return Section("Fairness", text, drawn if rows else [], [Table("Gaps", columns, rows)])


def _speed(found: EvaluationReport) -> Section:
    speed = found.latency
    rows = [
        ["First token", f"{speed.ttft_ms_p50:.0f} ms", f"{speed.ttft_ms_p95:.0f} ms"],
        ["Whole answer", f"{speed.total_ms_p50:.0f} ms", f"{speed.total_ms_p95:.0f} ms"],
    ]
    table = Table(f"Latency of {speed.requests} streamed answers", ["", "Median", "95 % within"], rows)
    return Section("Speed", "On the machine of the evaluation.", tables=[table])


def _read_them(outcome: Outcome) -> Section:
    """Failures first: they say most."""
    tested = [one for one in outcome.mine if one.case.kind == "test" and one.mode == "free"]
    ordered = sorted(tested, key=lambda one: (one.values["verified"], one.case.id))
    half = _SHOWN // 2
    chosen = ordered if len(ordered) <= _SHOWN else [*ordered[:half], *ordered[-half:]]
    rows = [
        [one.case.query["prompt"], one.message or one.failure, _plan(one), _verdict(one)] for one in chosen
    ]
    note = "All of them, with context and the teacher's answers, stand in samples.jsonl."
    columns = ["Prompt", "Answer", "Plan", "Verdict"]
    return Section("Read them", note, tables=[Table("Samples", columns, rows)])


def _plan(one: Judged) -> str:
    if not one.answer or one.answer["plan"] is None:
        return ""
    days: Sequence[dict[str, list[dict[str, object]]]] = one.answer["plan"]["days"]
    return "; ".join(", ".join(f"{e['id']} {e['sets']}x" for e in day["exercises"]) for day in days)


def _verdict(one: Judged) -> str:
    if one.failure:
        return "no answer"
    return ", ".join(dict.fromkeys(v.rule_id for v in one.broken)) or "verified"
