"""The verdict over four reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitsense.manifest import Check, Report
from fitsense.reporting.checks import none_of, report
from fitsense.reporting.text import named, number

Named = tuple[str, Check]
"""``report.check`` and the check."""


@dataclass(frozen=True)
class Verdict:
    """All checks of all reports; those crossed, those waived, and waivers that name nothing."""

    reports: list[Report]
    checks: list[Named]
    crossed: list[Named]
    waived: list[Named]
    unknown: list[str]

    @property
    def message(self) -> str:
        """Each crossed threshold by name."""
        return "; ".join(described(name, check) for name, check in self.crossed)


def weigh(reports: Sequence[Report], waive: Sequence[str]) -> Verdict:
    """A report without checks counts as crossed: it judged nothing."""
    checks = [(f"{r.stage}.{check.name}", check) for r in reports for check in _checks(r)]
    failed = [(name, check) for name, check in checks if not check.passed]
    known = {name for name, _ in checks}
    return Verdict(
        reports=list(reports),
        checks=checks,
        crossed=[(name, check) for name, check in failed if name not in waive],
        waived=[(name, check) for name, check in failed if name in waive],
        unknown=[name for name in waive if name not in known],
    )


def judge(verdict: Verdict) -> Report:
    """A check per report: how many of its thresholds were crossed and not waived."""
    checks = [_report_check(one.stage, verdict) for one in verdict.reports]
    facts = {
        "checks": len(verdict.checks),
        "crossed": [described(name, check) for name, check in verdict.crossed],
        "waived": [described(name, check) for name, check in verdict.waived],
        "unknown_waivers": verdict.unknown,
    }
    return report("quality_gate", checks, facts)


def described(name: str, check: Check) -> str:
    """``report.check: value op threshold``, where op is what should have held."""
    return f"{name}: {number(check.value)} {check.op} {number(check.threshold)} does not hold"


def _report_check(stage: str, verdict: Verdict) -> Check:
    mine, waived = (
        [name.split(".", 1)[1] for name, _ in group if name.startswith(f"{stage}.")]
        for group in (verdict.crossed, verdict.waived)
    )
    total = sum(name.startswith(f"{stage}.") for name, _ in verdict.checks)
    told = f"crossed: {named(mine, 20)}" if mine else f"{total - len(waived)} of {total} checks hold"
    return none_of(stage, len(mine), told + (f"; waived: {named(waived, 20)}" if waived else ""))


def _checks(one: Report) -> list[Check]:
    return one.checks or [none_of("checks", 1, "the report holds no check")]
