"""Stage ``quality_gate``: nothing is trained on a dataset whose reports crossed a threshold."""

from __future__ import annotations

from fitsense.config import QualityGate
from fitsense.errors import GateFailed
from fitsense.manifest import Report
from jobs.publishing import publish
from jobs.quality_gate.gate import Verdict, judge, weigh
from jobs.quality_gate.page import build
from jobs.stage import Job

REPORTS = ("validation", "statistics", "anomalies", "bias")


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    reports = [Report.model_validate_json(job.inputs[name].read("report.json")) for name in REPORTS]
    verdict = weigh(reports, job.params(QualityGate).waive)
    # The page lands either way, for whoever reads why; the manifest, and so training, only when it passed.
    publish(job, build(judge(verdict), verdict), rows=len(verdict.checks))
    if verdict.crossed:
        raise GateFailed(verdict.message, hint=_hint(verdict))


def _hint(verdict: Verdict) -> str:
    names = ", ".join(sorted({name.split(".")[0] for name, _ in verdict.crossed}))
    told = f"read report.html of {names}; mend the data, or waive a check by name in quality_gate.waive"
    return told + (f"; these waivers name no check: {', '.join(verdict.unknown)}" if verdict.unknown else "")
