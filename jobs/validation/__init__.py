"""Stage ``validation``: is the dataset what the training contract promises? Reads the JSONL itself."""

from __future__ import annotations

from fitsense.config import Validation
from jobs.publishing import publish
from jobs.stage import Job
from jobs.validation.checks import Declared, judge
from jobs.validation.page import build
from jobs.validation.scan import SPLITS, Scanner


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    dataset = job.inputs["dataset"]
    declared = Declared.read(dataset)
    total = sum(declared.manifest_rows.values())
    scanner = Scanner()
    for split in SPLITS:
        for line in dataset.lines(f"{split}.jsonl"):
            scanner.add(split, line)
            if scanner.rows % 5_000 == 0:
                job.progress(scanner.rows, total)
    report, tables = judge(scanner.result(), declared, job.params(Validation))
    publish(job, build(report, tables), rows=scanner.rows)
