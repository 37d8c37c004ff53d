"""The real trainer in the factory: retraining by message, Ctrl-C in the middle, a student made worse."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from fitsense.artifacts import dumps_line, manifest_name
from fitsense.config import RunConfig, Training
from fitsense.events import TrainingRequested, publish
from fitsense.follow import listening
from fitsense.manifest import Manifest
from fitsense.models import channels
from fitsense.models.manifest import ModelManifest, model_name, requested_version
from fitsense.models.registration import Registration, record_name
from fitsense.models.registry import Registry
from fitsense.models.serving import Student
from fitsense.runs import config_name
from tests.e2e.test_cli import end, start
from tests.e2e.test_readme import SERVED, block, shell
from tests.factory import DATA, SAMPLE, SMALL, Factory, running

pytestmark = [
    pytest.mark.xdist_group("e2e-student"),
    pytest.mark.timeout(900),  # a guard, not an assertion
    pytest.mark.skipif(
        not (Path(__file__).parents[2] / "gpu-node/.venv/ready").exists(), reason="make gpu-node/.venv/ready"
    ),
]
QUICK = """\
evaluation: {records: 6, slice_records: 0, constrained: 2, streamed: 2, max_tokens: 64, resamples: 100}
registration:
  gates: {schema_valid: {}}
  primary: schema_valid
  min_records: 1
  max_safety_violation_share: 1.0
"""
"""A model that was trained for seconds answers nonsense: it is judged, but let in."""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    with running(tmp_path_factory.mktemp("student") / "local", student=True) as factory:
        yield factory


@pytest.fixture(scope="module")
def served(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``fitsense run`` says of a whole run, from the config to an answer."""
    config = tmp_path_factory.mktemp("config") / "whole.yaml"
    config.write_text(SMALL + "training: {}\n" + QUICK)
    code, out, err = end(start(factory.environment, "run", str(config), "--json"), timeout_s=600)
    assert out, err + factory.logs()
    told: dict[str, Any] = orjson.loads(out)
    assert told["state"] == "completed", err
    assert code == (0 if told["student"]["answer"] else 1), err
    return told


def record(factory: Factory, version: str) -> Registration:
    found = factory.store.read_model(record_name(version), Registration)
    assert found is not None
    return found


def test_a_run_ends_with_an_answer_of_the_version_that_it_trained(
    factory: Factory, served: dict[str, Any]
) -> None:
    version = served["run_id"]
    assert served["model"]["decision"] == "champion", served["model"]
    assert served["student"]["version"] == served["model"]["version"] == version
    assert served["student"]["tokens"] > 0
    manifest = Registry(factory.store).model(version).manifest
    assert manifest is not None
    assert (manifest.version, manifest.base.name) == (version, "fitsense-tiny")
    assert {ref.stage for ref in manifest.inputs} >= {"dataset"}
    assert any(output.name == "adapter/adapter_model.safetensors" for output in manifest.outputs)
    code, out, err = end(start(factory.environment, "up", "--json"))
    assert code == 0, err
    health = Student(orjson.loads(out)["student"]).health()
    assert (health.ok, health.version) == (True, version)


def test_the_readmes_commands_for_a_served_model_work(factory: Factory, served: dict[str, Any]) -> None:
    done = shell(factory, block(SERVED))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'"model":"{served["run_id"]}"' in done.stdout.replace('": "', '":"')


def test_a_message_retrains_a_runs_dataset_once_and_registers_the_model(
    factory: Factory, served: dict[str, Any]
) -> None:
    run_id, asked = served["run_id"], Training(epochs=2)
    version = requested_version(run_id, asked, seed=11)
    heard: list[Any] = []
    with listening(factory.cloud, version, heard.append):
        plain = orjson.dumps({"run_id": run_id, "training": {"epochs": 2}})
        factory.cloud.publisher.publish(factory.cloud.topic("training"), plain).result(timeout=30)
        publish(factory.cloud, "training", TrainingRequested(run_id=run_id, overrides={"epochs": 2.0}))
        factory.until(lambda: factory.store.exists(config_name(version)))
        view = factory.wait(version)
    assert view.state == "completed", view.summary()
    manifest = view.stages["training"].manifest
    assert isinstance(manifest, ModelManifest)
    assert (manifest.version, manifest.run_id, manifest.params["epochs"]) == (version, run_id, 2.0)
    assert manifest.base == Registry(factory.store).model(run_id).manifest.base, "it was kept"  # type: ignore[union-attr]
    found = record(factory, version)
    assert found.decision in ("champion", "challenger"), found.findings
    assert Registry(factory.store).model(version).evaluation is not None
    jobs = list(factory.cloud.batch.list_jobs(parent=factory.cloud.parent))
    versions = [job.labels["fitsense-version"] for job in jobs]
    assert sorted(versions) == sorted([run_id, version]), "asked for twice, trained once"
    steps = [event for event in heard if event.type == "ai.fitsense.stage.progressed.v1"]
    assert any("loss" in event.note and event.eta_s is not None for event in steps), heard


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_training_loses_nothing(tmp_path: Path) -> None:
    config = tmp_path / "stopped.yaml"
    config.write_text(SMALL + "training: {}\nevaluation: null\n")
    with running(tmp_path / "home") as factory:
        environment = factory.environment
        factory.local.down()  # from here on it runs for the command alone
        first = start(environment, "run", str(config), start_new_session=True)
        runs = factory.local.home / "cloud/buckets/fitsense-local/runs"
        factory.until(lambda: list(runs.glob("*/claims/training.json")), timeout_s=150)
        time.sleep(12)  # somewhere in the middle
        os.killpg(first.pid, signal.SIGINT)
        code, out, err = end(first, timeout_s=600)
        assert code == 130, out + err
        assert "goes on where it was" in err
        assert factory.local.supervisor_pid() is None
        code, out, err = end(start(environment, "run", str(config), "--json"), timeout_s=600)
        told = orjson.loads(out)
        assert told["state"] == "completed", out + err
        assert told["model"]["reasons"] == ["it was not evaluated"]
        assert code == 1, "a model that the gates reject is no success"
        assert len(list(runs.glob("stopped-*"))) == 1, "the same run went on"


def shuffled(factory: Factory, run_id: str) -> str:
    """A run with the same data, but everybody in train and val got somebody else's answer; its run_id."""
    view, new = factory.reader().observe(run_id), f"shuffled-{run_id.rpartition('-')[2]}"
    assert view is not None
    for stage, seen in view.stages.items():
        if seen.manifest is None or stage in ("training", "registration"):
            continue
        changed: dict[str, Any] = {"run_id": new, "adopted_from": run_id}
        if stage == "dataset":
            changed["outputs"] = [
                _swapped(factory, seen.manifest, new, o.name) for o in seen.manifest.outputs
            ]
        copy = seen.manifest.model_copy(update=changed)
        factory.store.create_model(manifest_name(view.graph.artifact(stage), new), copy)
    config = view.config.model_copy(update={"training": None})
    dump = yaml.safe_dump(config.model_dump(mode="json"))
    factory.store.create(config_name(new), dump.encode(), "application/yaml")
    return new


def _swapped(factory: Factory, manifest: Manifest, new: str, name: str) -> Any:
    output = manifest.output(name)
    if name not in ("train.jsonl", "val.jsonl"):
        return output
    stored = factory.store.read(factory.store.name(output.uri))
    assert stored is not None
    records = [orjson.loads(line) for line in stored.data.splitlines()]
    answers = [record["response"] for record in records]
    Random(1).shuffle(answers)
    lines = [dumps_line(r | {"response": a}) for r, a in zip(records, answers, strict=True)]
    folder = f"distillation_dataset/{new}"
    return factory.store.create_same(
        f"{folder}/{name}", b"".join(lines), "application/x-ndjson", rows=output.rows
    ).model_copy(update={"name": name})


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_student_trained_on_shuffled_answers_is_rejected_with_the_reason(tmp_path: Path) -> None:
    """The whole recipe, twice: what the gates let in when the answers are right, they keep out when not."""
    with running(tmp_path / "home", gpu_configs="") as factory:
        good = factory.wait(factory.submit(SAMPLE, "good"), timeout_s=1500)
        assert record(factory, good.run_id).decision == "champion", record(factory, good.run_id)
        worse = shuffled(factory, good.run_id)
        body = orjson.dumps({"run_id": worse, "training": {"epochs": 1}})
        factory.cloud.publisher.publish(factory.cloud.topic("training"), body).result(timeout=30)
        config = RunConfig.model_validate(yaml.safe_load(DATA))
        version = requested_version(worse, Training(epochs=1), config.seed)
        factory.until(lambda: factory.store.exists(config_name(version)))
        view = factory.wait(version, timeout_s=1500)
        assert view.state == "completed", view.summary()
        found = record(factory, version)
        print(found.reasons)
        assert found.decision == "rejected"
        assert any(reason.startswith("verified ") for reason in found.reasons)
        assert channels.read(factory.store).champion == good.run_id
        assert factory.store.exists(model_name(version)), "it is kept, to be looked at"
