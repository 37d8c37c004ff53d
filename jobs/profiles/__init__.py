"""Stage ``profiles``: config → synthetic people, ``part_users`` to a part."""

from __future__ import annotations

from fitsense.config import Profiles
from jobs.profiles.table import to_parquet, transform
from jobs.stage import Job, part_file

__all__ = ["parts", "run_part", "transform"]


def parts(job: Job) -> int:
    params = job.params(Profiles)
    return -(-params.users // params.part_users)


def run_part(job: Job, part: int) -> None:
    params = job.params(Profiles)
    people = transform(params, job.seed, part)
    job.write(part_file(part, "parquet"), to_parquet(people), rows=people.height)
    job.count(rows_out=people.height)
    job.progress(min((part + 1) * params.part_users, params.users), params.users, "people")
