"""Rows per second and peak memory of the data stages, over growing numbers of people.

The project that this one replaces made 2.2 million rows of 5,000 people in 246 s (8,943 rows/s) with a peak
of 903 MB, worse than linear. Ratios below are against that figure.
"""

from __future__ import annotations

import os
import shutil

from tests.bench.measure import Target, cpu_s, heading, peak_mib, scratch
from tests.factory import Factory, running

SIZES = (1_000, 10_000, 100_000)
SOURCE_ROWS_PER_S = 2_200_000 / 246
DATA_STAGES = ("profiles", "workouts", "queries", "teacher", "dataset")
CONFIG = """\
version: 1
pipeline: coaching
seed: 21
profiles: {{users: {users}, part_users: 500}}
workouts: {{weeks: 12}}
queries: {{per_user: 4}}
execution: {{tasks: {{profiles: 2, workouts: 2, queries: 2, teacher: 2}}}}
"""


def measure(factory: Factory, users: int) -> tuple[float, float]:
    """Print a line a stage; rows per CPU-second of the whole, and the largest task's MiB."""
    run_id = factory.submit(CONFIG.format(users=users), f"users-{users}")
    view = factory.wait(run_id, timeout_s=3600)
    assert view.state == "completed", view.summary()
    rows_all, cpu_all, peak_all = 0, 0.0, 0
    for stage in DATA_STAGES:
        manifest = view.stages[stage].manifest
        assert manifest is not None
        rows, cpu, peak = (
            manifest.counters.rows_out,
            cpu_s(factory, run_id, stage),
            peak_mib(factory, run_id, stage),
        )
        print(
            f"  {users:>8,} people  {stage:<9} {rows:>12,} rows"
            f" {rows / cpu:>10,.0f} rows/CPU-s {peak:>6,} MiB"
        )
        rows_all, cpu_all, peak_all = rows_all + rows, cpu_all + cpu, max(peak_all, peak)
    print(f"  {users:>8,} people  together  {rows_all:>12,} rows {rows_all / cpu_all:>10,.0f} rows/CPU-s")
    return rows_all / cpu_all, peak_all


def main() -> None:
    limit = int(os.environ.get("FITSENSE_BENCH_USERS", SIZES[-1]))
    heading("data stages: rows per CPU-second and peak memory of a task")
    home = scratch("stages")
    with running(home / "local") as factory:
        figures = {users: measure(factory, users) for users in SIZES if users <= limit}
    shutil.rmtree(home)
    first, last = figures[min(figures)], figures[max(figures)]
    speed = max(rate for rate, _ in figures.values()) / SOURCE_ROWS_PER_S
    print(Target("rows/s per core, times the source project's", speed, 20, "x", at_most=False).line())
    print(
        Target(
            "rate at the largest size / at the smallest", last[0] / first[0], 0.8, "x", at_most=False
        ).line()
    )


if __name__ == "__main__":
    main()
