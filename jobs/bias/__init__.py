"""Stage ``bias``: does the dataset treat people of different slices alike, and the engine their twins?"""

from __future__ import annotations

import polars as pl

from fitsense.config import Bias
from jobs.bias.checks import judge
from jobs.bias.flips import SCHEMA, Flips, engine_answer
from jobs.bias.outcomes import TeacherRows, choose, follow, read_rejected
from jobs.bias.page import build
from jobs.publishing import publish
from jobs.stage import Job


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    params, teacher, dataset = job.params(Bias), job.inputs["teacher"], job.inputs["dataset"]
    index = dataset.parquet("index.parquet")
    rows = TeacherRows(wanted=choose(index, params.counterfactuals, job.seed))
    files = teacher.files(".jsonl")
    for done, file in enumerate(files):
        rows.add(teacher.read(file.name))
        job.progress(done, len(files), "parts of answers")
    frame = follow(rows.frame(), index, read_rejected(dataset.read("rejected.jsonl")))
    kind = str(teacher.manifest.params.get("kind", "rules"))
    report = judge(frame, _flipped(job, rows.queries), params, kind, job.seed)
    publish(job, build(report), rows=frame.height)


def _flipped(job: Job, queries: list[dict[str, object]]) -> pl.DataFrame:
    if not queries:
        return pl.DataFrame(schema=SCHEMA)
    flips = Flips(engine_answer(), job.seed)
    for done, query in enumerate(queries):
        flips.add(query)
        job.progress(done, len(queries), "people flipped")
    return flips.frame()
