"""The decision as a page: why, and the numbers beside the champion's."""

from __future__ import annotations

from fitsense.manifest import Check
from fitsense.models.evaluation import EvaluationReport, Metrics
from fitsense.models.intervals import trusted
from fitsense.models.registration import Finding, Registration
from fitsense.reporting.checks import none_of, report
from fitsense.reporting.elements import Page, Section, Table, Tile
from jobs.registration.gates import Champion, shown

_RANK = {"fails": 0, "open": 1, "holds": 2}


def build(record: Registration, evaluation: EvaluationReport | None, champion: Champion | None) -> Page:
    checks = [_check(finding) for finding in record.findings]
    facts = {"decision": record.decision, "version": record.version, "against": record.against}
    return Page(
        title="Registration",
        purpose=f"May {record.version} serve? Every finding is judged by confidence intervals: it fails when "
        "they show that it is bad, holds when they show that it is good, and is open in between.",
        report=report("registration", checks, facts),
        tiles=[
            Tile("Decision", record.decision),
            Tile("Compared with", record.against or "nobody", "the champion at that moment"),
            Tile("Safety prompts", str(evaluation.safety.prompts) if evaluation else "none"),
        ],
        sections=[_findings(record), *_numbers(evaluation, champion)],
        notes=["A failed finding rejects a model; an open one keeps it a challenger until a person decides."],
    )


def _check(finding: Finding) -> Check:
    return none_of(finding.check, int(finding.outcome == "fails"), finding.reason)


def _findings(record: Registration) -> Section:
    ordered = sorted(record.findings, key=lambda finding: _RANK[finding.outcome])
    rows = [[f.outcome, f.check, f.reason] for f in ordered]
    return Section("Why", tables=[Table("Findings", ["Outcome", "Check", "Reason"], rows)])


def _numbers(evaluation: EvaluationReport | None, champion: Champion | None) -> list[Section]:
    if evaluation is None:
        return []
    other = champion.report if champion else None
    groups = {"all records": evaluation.metrics} | evaluation.slices
    theirs = {"all records": other.metrics} | other.slices if other else {}
    rows = [
        [
            where,
            name,
            metrics[name].n,
            _shown(metrics, name, evaluation),
            _shown(theirs.get(where), name, other),
        ]
        for where, metrics in groups.items()
        for name in metrics
    ]
    columns = ["Where", "Metric", "Records", "This model", champion.version if champion else "No champion"]
    return [Section("Numbers", "With their confidence intervals.", tables=[Table("Metrics", columns, rows)])]


def _shown(metrics: Metrics | None, name: str, evaluation: EvaluationReport | None) -> str:
    if not metrics or name not in metrics or evaluation is None:
        return "not measured"
    return shown(trusted(metrics[name], evaluation.level))
