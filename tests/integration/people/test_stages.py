"""``profiles`` and ``workouts`` as the runner runs them, over real Storage."""

from __future__ import annotations

from pathlib import Path

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.cloud import Cloud
from fitsense.manifest import Manifest
from fitsense.settings import TaskSettings
from jobs.runner import Runner

CONFIG = b"""\
version: 1
pipeline: coaching
seed: 21
profiles: {users: 70, part_users: 16}
workouts: {weeks: 3}
"""
PARTS = 5


def run(cloud: Cloud, run_id: str, tasks: int) -> dict[str, Manifest]:
    """Both stages of a run, each in ``tasks`` tasks, the last task first."""
    store = ArtifactStore(cloud.bucket)
    store.create(f"runs/{run_id}/config.yaml", CONFIG)
    manifests = {}
    for stage in ("profiles", "workouts"):
        for index in reversed(range(tasks)):
            Runner(cloud, TaskSettings(run_id, index, tasks), stage, lambda: False).run()
        manifest = store.read_model(manifest_name(f"synthetic_{stage}", run_id), Manifest)
        assert manifest is not None
        manifests[stage] = manifest
    return manifests


def test_the_bytes_do_not_depend_on_the_tasks(cloud: Cloud) -> None:
    one, seven = run(cloud, "one-1", 1), run(cloud, "seven-7", 7)
    for stage in ("profiles", "workouts"):
        sums = [{o.name: o.sha256 for o in found[stage].outputs} for found in (one, seven)]
        assert sums[0] == sums[1]
        assert one[stage].counters == seven[stage].counters
    tables = ("sets", "days", "weeks")
    names = {f"part-{part:05d}.{table}.parquet" for part in range(PARTS) for table in tables}
    assert {output.name for output in one["workouts"].outputs} == names


def test_counters_say_what_was_made(cloud: Cloud) -> None:
    made = run(cloud, "count-1", 2)
    assert made["profiles"].counters.rows_out == 70
    counters = made["workouts"].counters
    assert counters.rows_in == 70
    assert counters.extra["days"] == 70 * 21
    assert counters.extra["weeks"] == 70 * 3
    assert counters.rows_out == sum(counters.extra.values()) == sum(o.rows for o in made["workouts"].outputs)


def test_scratch_space_is_given_back(cloud: Cloud, tmp_path: Path) -> None:
    from fitsense.config import RunConfig
    from jobs import workouts
    from jobs.stage import Input, Job

    made = run(cloud, "scratch-1", 1)
    store = ArtifactStore(cloud.bucket)
    config = RunConfig.model_validate(
        {"version": 1, "pipeline": "coaching", "seed": 21, "profiles": {"users": 70, "part_users": 16}}
    )
    seen: list[tuple[int, int, str]] = []
    job = Job(
        stage="workouts",
        config=config,
        store=store,
        folder="synthetic_workouts/scratch-2",
        inputs={"profiles": Input(store, made["profiles"])},
        scratch=tmp_path,
        interrupted=lambda: False,
        report_progress=lambda done, total, unit, tokens, cost: seen.append((done, total, unit)),
    )
    assert workouts.parts(job) == PARTS
    workouts.run_part(job, 4)
    assert list(tmp_path.iterdir()) == []
    assert seen == [(6, 6, "people")]
