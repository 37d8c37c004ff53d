"""``queries`` as the runner runs it, on simulated logs, over real Storage."""

from __future__ import annotations

from collections import Counter

import orjson

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.cloud import Cloud
from fitsense.manifest import Manifest
from fitsense.records import Query
from fitsense.settings import TaskSettings
from fitsense.training.verify import verify_answer
from jobs.runner import Runner
from jobs.teacher.rules import answer

CONFIG = b"""\
version: 1
pipeline: coaching
seed: 21
profiles: {users: 60, part_users: 16, languages: {en: 0.5, es: 0.3, hi: 0.2}}
workouts: {weeks: 4}
queries: {per_user: 5}
"""


def run(cloud: Cloud, run_id: str, tasks: int) -> Manifest:
    store = ArtifactStore(cloud.bucket)
    store.create(f"runs/{run_id}/config.yaml", CONFIG)
    for stage in ("profiles", "workouts", "queries"):
        for index in reversed(range(tasks)):
            Runner(cloud, TaskSettings(run_id, index, tasks), stage, lambda: False).run()
    manifest = store.read_model(manifest_name("synthetic_queries", run_id), Manifest)
    assert manifest is not None
    return manifest


def test_the_stage_makes_every_prompt_once_whatever_the_tasks(cloud: Cloud) -> None:
    one, three = run(cloud, "one-1", 1), run(cloud, "three-3", 3)
    assert [o.sha256 for o in one.outputs] == [o.sha256 for o in three.outputs]
    assert [output.name for output in one.outputs] == [f"part-{part:05d}.jsonl" for part in range(4)]
    assert (one.counters.rows_in, one.counters.rows_out) == (60, 300)
    store = ArtifactStore(cloud.bucket)
    lines = [line for o in one.outputs for line in _read(store, o.uri).splitlines()]
    queries = [Query.model_validate_json(line) for line in lines]
    assert len({query.query_id for query in queries}) == 300
    kinds = Counter(query.type for query in queries)
    assert kinds == {
        "plan_creation": 90,
        "plan_modification": 60,
        "safety_adjustment": 45,
        "progress_adaptation": 60,
        "free_coaching": 45,
    }
    for line in lines:
        query = orjson.loads(line)
        assert verify_answer(query, answer(query, 21)) == []


def _read(store: ArtifactStore, uri: str) -> bytes:
    stored = store.read(store.name(uri))
    assert stored is not None
    return stored.data
