"""A quality report's two files."""

from __future__ import annotations

from fitsense.artifacts import to_json
from fitsense.reporting.elements import Page
from fitsense.reporting.render import crossed, html
from jobs.stage import Job


def publish(job: Job, page: Page, rows: int) -> None:
    """Write ``report.json`` and ``report.html``; a red report lands too, and the gate judges it."""
    job.write("report.json", to_json(page.report), rows=len(page.report.checks))
    job.write("report.html", html(page).encode(), rows=len(page.sections))
    job.count(rows_in=rows, rows_out=len(page.report.checks), extra={"crossed": float(len(crossed(page)))})
