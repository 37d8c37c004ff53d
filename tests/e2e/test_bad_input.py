"""Bad input is rejected beside the file, with the reason, and starts nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fitsense.deadletters import Letter, list_letters, replay_letters
from fitsense.manifest import Rejection
from fitsense.runs import run_id_of
from tests.factory import SMALL, Factory

pytestmark = pytest.mark.xdist_group("e2e-input")

BAD = {
    "not-yaml": (b"a: [1, 2", "not YAML"),
    "wrong-encoding": (SMALL.encode("utf-16"), "not UTF-8"),
    "too-large": (b"#" * 100_000_000, "100000000 bytes are too many"),
    "exploding": (b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases"),
    "unknown-key": (SMALL.encode() + b"sede: 1\n", "unknown key"),
    "wrong-type": (SMALL.replace("seed: 11", "seed: eleven").encode(), "eleven"),
    "out-of-range": (SMALL.replace("weeks: 4", "weeks: 4000").encode(), "4000"),
    "unknown-pipeline": (SMALL.replace("coaching", "knitting").encode(), "knitting"),
    "unknown-stage": (SMALL.encode() + b"execution: {tasks: {dataset: 4}}\n", "not a sharded stage"),
    "unknown-run": (SMALL.encode() + b"reuse: {run_id: nobody-1, from_stage: dataset}\n", "has not landed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_config_is_rejected_with_path_message_and_allowed_values(factory: Factory, name: str) -> None:
    data, says = BAD[name]
    blob = factory.cloud.bucket.blob(f"configs/{name}.yaml")
    blob.upload_from_string(data)
    beside = f"configs/{name}.rejected.json"
    rejection = factory.until(lambda: factory.store.read_model(beside, Rejection))
    assert rejection.generation == blob.generation
    assert any(says in problem.message for problem in rejection.problems), rejection
    assert all(problem.path and problem.allowed for problem in rejection.problems), rejection
    assert not list(factory.store.names(f"runs/{name}-"))


def test_a_file_that_is_no_yaml_is_rejected_by_its_name(factory: Factory) -> None:
    factory.cloud.bucket.blob("configs/run.yml").upload_from_string(SMALL)
    rejection = factory.until(lambda: factory.store.read_model("configs/run.yml.rejected.json", Rejection))
    assert ".yaml" in rejection.problems[0].message


def test_a_mended_config_is_admitted_and_its_rejection_goes(factory: Factory) -> None:
    factory.submit(SMALL + "foo: 1\n", "mended")
    factory.until(lambda: factory.store.exists("configs/mended.rejected.json"))
    run_id = factory.submit(SMALL, "mended")
    assert factory.wait(run_id).state == "completed"
    assert not factory.store.exists("configs/mended.rejected.json")


def test_a_second_run_of_one_name_is_rejected_while_the_first_is_under_way(factory: Factory) -> None:
    factory.faults({"point": "run.task", "action": "delay", "delay_ms": 3000})
    first = factory.submit(SMALL, "twice")
    factory.until(lambda: factory.store.exists(f"runs/{first}/config.yaml"))
    second = factory.submit(SMALL.replace("seed: 11", "seed: 12"), "twice")
    rejection = factory.until(lambda: factory.store.read_model("configs/twice.rejected.json", Rejection))
    assert run_id_of("twice", rejection.generation) == second
    assert first in rejection.problems[0].message
    factory.faults()
    assert factory.wait(first).state == "completed"
    third = factory.submit(SMALL, "twice")
    assert factory.wait(third).state == "completed", "the name is free again"


def test_a_malformed_message_ends_in_the_dead_letters_with_its_reason(factory: Factory) -> None:
    topic = factory.cloud.topic("training")
    for data in (b"not json", b'{"run_id": "nobody-1"}', b""):
        attributes = {} if data else {"empty": "yes"}
        factory.cloud.publisher.publish(topic, data, **attributes).result(timeout=30)

    def three() -> list[Letter]:
        found = list_letters(factory.cloud, "training")
        return found if len(found) >= 3 else []

    letters = {letter.data: letter for letter in factory.until(three)}
    assert "not JSON" in letters["not json"].reason
    assert "there is no run nobody-1" in letters['{"run_id": "nobody-1"}'].reason
    empty = next(letter for letter in letters.values() if letter.attributes == {"empty": "yes"})
    assert "not JSON" in empty.reason


def test_a_stray_message_is_buried_and_judged_again_when_replayed(factory: Factory) -> None:
    factory.cloud.publisher.publish(factory.cloud.topic("artifacts"), b"hello").result(timeout=30)
    letters = factory.until(lambda: list_letters(factory.cloud, "artifacts"))
    assert "not a Storage notification" in letters[0].reason
    count = replay_letters(factory.cloud, "artifacts")
    assert count >= 1
    again = factory.until(lambda: list_letters(factory.cloud, "artifacts"))
    assert "not a Storage notification" in again[0].reason


def test_a_training_request_reaches_batch_with_the_right_job(factory: Factory) -> None:
    run_id = factory.submit(SMALL.replace("seed: 11", "seed: 14"), "trained")
    assert factory.wait(run_id).state == "completed"
    body = orjson.dumps({"run_id": run_id, "training": {"epochs": 2, "spot": True}})
    for _ in range(2):
        factory.cloud.publisher.publish(factory.cloud.topic("training"), body).result(timeout=30)
    parent = factory.cloud.parent

    def jobs() -> list[Any]:
        return [
            j for j in factory.cloud.batch.list_jobs(parent=parent) if j.labels.get("fitsense-run") == run_id
        ]

    job = factory.until(jobs)[0]
    task = job.task_groups[0].task_spec
    assert task.runnables[0].container.commands == ["train"]
    assert task.environment.variables["FITSENSE_RUN_ID"] == run_id
    assert orjson.loads(task.environment.variables["FITSENSE_TRAINING"])["epochs"] == 2
    assert 75 in task.lifecycle_policies[0].action_condition.exit_codes
    instance = job.allocation_policy.instances[0].policy
    assert instance.provisioning_model.name == "SPOT"
    assert instance.accelerators[0].type_ == "nvidia-l4"
    assert len(jobs()) == 1, "the same message twice asks once"
