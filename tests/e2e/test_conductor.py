"""What the conductor does when something that it leans on is missing, odd, or late."""

from __future__ import annotations

import orjson
import pytest

from fitsense.artifacts import Stored
from fitsense.manifest import Rejection
from fitsense.pipeline import load_pipelines
from services.localcloud.provision import provision
from tests.factory import SMALL, Factory

pytestmark = pytest.mark.xdist_group("e2e-input")


def test_an_odd_file_does_not_blind_the_sweep_to_others(factory: Factory) -> None:
    factory.faults({"point": "pubsub.push", "action": "drop", "match": {"topic": "artifacts"}})
    factory.submit(SMALL.replace("seed: 11", 'seed: !!int ""'), "a-poison")
    run_id = factory.submit(SMALL, "b-clean")
    rejection = factory.until(lambda: factory.store.read_model("configs/a-poison.rejected.json", Rejection))
    assert "not YAML" in rejection.problems[0].message
    assert factory.wait(run_id).state == "completed", "ticks alone must do"


def test_a_job_that_cannot_be_started_fails_the_run_and_says_why(factory: Factory) -> None:
    factory.cloud.jobs.delete_job(name=factory.cloud.job("queries"))
    try:
        view = factory.wait(factory.submit(SMALL, "no-job"))
    finally:
        provision(factory.cloud, load_pipelines(), factory.url)
    assert view.state == "failed"
    failure = view.stages["queries"].failure
    assert failure is not None
    assert "fitsense-queries" in failure.message
    assert factory.wait(factory.submit(SMALL, "no-job")).state == "completed", "mended, it runs"


def test_a_training_request_survives_a_fault_of_batch(factory: Factory) -> None:
    run_id = factory.submit(SMALL.replace("seed: 11", "seed: 15"), "batch-fault")
    assert factory.wait(run_id).state == "completed"
    factory.faults({"point": "batch.request", "action": "error", "status": 503, "times": 2})
    body = orjson.dumps({"run_id": run_id})
    factory.cloud.publisher.publish(factory.cloud.topic("training"), body).result(timeout=30)
    parent = factory.cloud.parent

    def asked() -> bool:
        jobs = factory.cloud.batch.list_jobs(parent=parent)
        return any(job.labels.get("fitsense-run") == run_id for job in jobs)

    factory.until(lambda: factory.struck()[0] >= 2)
    factory.faults()
    factory.until(asked)


def test_a_lost_mark_of_an_active_run_is_put_back(factory: Factory) -> None:
    factory.faults({"point": "run.task", "action": "delay", "delay_ms": 1500})
    run_id = factory.submit(SMALL, "unmarked")
    stored = factory.until(lambda: factory.store.read("active/unmarked.json"))
    factory.store.delete("active/unmarked.json", stored.generation)
    factory.processes()["conductor"].kill()
    factory.until(lambda: factory.store.exists("active/unmarked.json"))
    factory.faults()
    assert factory.wait(run_id).state == "completed"
    factory.until(lambda: not factory.store.exists("active/unmarked.json"))


def test_a_superseded_execution_ends_without_touching_anything(factory: Factory) -> None:
    factory.faults({"point": "run.task", "action": "delay", "delay_ms": 2500, "times": 3})
    run_id = factory.submit(SMALL, "fenced")
    name = f"runs/{run_id}/claims/profiles.json"
    stored = factory.until(lambda: _named(factory, name))
    claim = orjson.loads(stored.data) | {"token": "another", "execution": None}
    assert factory.store.replace(name, orjson.dumps(claim), stored.generation)
    assert factory.wait(run_id).state == "completed"
    logs = (factory.local.home / "cloud" / "compute" / "logs" / "fitsense-profiles").rglob("task-*.log")
    assert any(run_id in text and "task.superseded" in text for text in (path.read_text() for path in logs))


def _named(factory: Factory, name: str) -> Stored | None:
    stored = factory.store.read(name)
    return stored if stored and orjson.loads(stored.data)["execution"] else None
