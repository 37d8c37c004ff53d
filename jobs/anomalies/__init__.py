"""Stage ``anomalies``: values that cannot be, and values that hardly can, in people, logs and dataset."""

from __future__ import annotations

import io

import polars as pl

from fitsense.config import Anomalies
from jobs.anomalies.checks import judge
from jobs.anomalies.page import build
from jobs.anomalies.rules import TABLES
from jobs.anomalies.tally import Tally, reference_parts, thinned
from jobs.publishing import publish
from jobs.stage import Input, Job


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    params = job.params(Anomalies)
    profiles = _profiles(job.inputs["profiles"])
    tally = Tally(params.outlier_mads, profiles)
    tally.add_whole("profiles", profiles)
    tally.add_whole("dataset", job.inputs["dataset"].parquet("index.parquet"))
    for table in ("sets", "days", "weeks"):
        _add_parts(job, tally, table)
    report, worst = judge(tally, params)
    publish(job, build(report, worst), rows=sum(tally.rows.values()))


def _profiles(profiles: Input) -> pl.DataFrame:
    names = [file.name for file in profiles.files(".parquet")]
    return pl.concat([_read(profiles, name, "profiles") for name in names])


def _add_parts(job: Job, tally: Tally, table: str) -> None:
    workouts = job.inputs["workouts"]
    names = [file.name for file in workouts.files(f".{table}.parquet")]
    sample = [names[number] for number in reference_parts(len(names), job.seed)]
    tally.learn(table, pl.concat([thinned(_read(workouts, name, table)) for name in sample]))
    for done, name in enumerate(names):
        tally.add(table, _read(workouts, name, table))
        job.progress(done, len(names), f"parts of {table}")


def _read(source: Input, name: str, table: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(source.read(name)), columns=list(TABLES[table].columns))
