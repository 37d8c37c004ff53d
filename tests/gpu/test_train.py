"""A whole training as Batch runs it: what lands, and what happens when it cannot."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
import yaml
from google.api_core.exceptions import AlreadyExists, DeadlineExceeded

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_PERMANENT
from fitsense.manifest import Claim, Failure
from fitsense.models.manifest import ModelManifest
from student.bases import BaseManifest
from tests.gpu import corpus, trainer
from tests.gpu.trainer import Order


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(corpus.write_recipes(tmp_path), tmp_path / "log")


def test_training_lands_a_version_with_all_that_it_is_made_of(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)
    gate = f"reports/quality_gate/{corpus.RUN}/manifest.json"
    store.create(gate, b"{}")

    assert trainer.run(order) == 0, order.log.read_text()[-3000:]

    manifest = store.read_model("models/v1/manifest.json", ModelManifest)
    assert manifest
    assert [one.stage for one in manifest.inputs] == ["dataset", "quality_gate"]
    assert manifest.inputs[1].uri == store.uri(gate)
    assert (manifest.run_id, manifest.version, manifest.base.name) == (corpus.RUN, "v1", "fitsense-tiny")
    assert {output.name for output in manifest.outputs} == {
        "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja", "metrics.json", "curves.html", "config.yaml",
        "environment.json",
    }  # fmt: skip
    for output in manifest.outputs:
        stored = store.read(store.name(output.uri))
        assert stored
        assert stored.crc32c == output.crc32c
    assert not list(store.names("training_checkpoints/"))


def test_metrics_tell_the_whole_curve_and_the_best_step(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)

    assert trainer.run(order) == 0

    metrics = orjson.loads(trainer.read(store, "models/v1/metrics.json"))
    losses = {int(step): loss for step, loss in metrics["validation_loss"].items()}
    assert metrics["best_step"] == min(losses, key=losses.__getitem__)
    assert metrics["base_steps"] > 0
    page = trainer.read(store, "models/v1/curves.html").decode()
    assert [f"Loss, {phase}:" in page for phase in ("base", "tuning")] == [True, True]
    assert page.count("<svg") == 3, "and the speed of the fine-tuning"
    assert (metrics["mfu"] is None) == (not torch.cuda.is_available())
    assert metrics["flops"] > 0
    assert "<script" not in page
    assert str(order.recipes) not in trainer.read(store, "models/v1/adapter/adapter_config.json").decode()


def test_it_is_told_how_far_it_is_and_where_it_ran(
    store: ArtifactStore, cloud: Cloud, order: Order, tmp_path: Path
) -> None:
    """On the bus for who watches, in the log, and in files beside the model for later."""
    corpus.land_dataset(store)
    topic, subscription = cloud.topic("runs"), cloud.subscription("watching")
    with suppress(AlreadyExists):
        cloud.publisher.create_topic(name=topic)
    cloud.subscriber.create_subscription(name=subscription, topic=topic)
    version = (("FITSENSE_CODE_VERSION", "0123abc"),)

    assert trainer.run(Order(order.recipes, order.log, "watched", environment=version)) == 0

    heard = [event for event in _progress(cloud, subscription) if event["run_id"] == "watched"]
    assert heard
    assert {event["unit"] for event in heard} <= {"base steps", "tuning steps"}
    assert all(0 < event["done"] <= event["total"] for event in heard)
    assert all(re.fullmatch(r"loss (\d+\.\d+|nan), [\d,]+ tokens/s", event["note"]) for event in heard)
    assert all(event["eta_s"] >= 0 for event in heard)
    lines = [orjson.loads(line) for line in order.log.read_bytes().splitlines() if line.startswith(b"{")]
    told = next(line for line in lines if line["message"] == "training.progress")
    assert {"phase", "step", "of", "loss", "tokens_per_s", "eta_s"} <= told.keys()
    environment = orjson.loads(trainer.read(store, "models/watched/environment.json"))
    assert environment["code_version"] == "0123abc"
    assert environment["packages"]["torch"] == torch.__version__
    written = yaml.safe_load(trainer.read(store, "models/watched/config.yaml"))
    assert written["recipe"]["tuning"]["lora_rank"] == corpus.TUNING["lora_rank"]
    assert written["training"]["method"] == "lora"


def _progress(cloud: Cloud, subscription: str) -> list[dict[str, Any]]:
    """What was said, until there is nothing left."""
    heard: list[dict[str, Any]] = []
    request = {"subscription": subscription, "max_messages": 100}
    with suppress(DeadlineExceeded):
        while letters := cloud.subscriber.pull(request=request, timeout=3).received_messages:
            heard += [orjson.loads(letter.message.data)["data"] for letter in letters]
            ids = [letter.ack_id for letter in letters]
            cloud.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
    return heard


def test_the_same_dataset_gets_its_base_once(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)

    assert trainer.run(order) == 0
    again = Order(order.recipes, order.log.with_name("again"), "v2", Training(epochs=2, seed=3))
    assert trainer.run(again) == 0

    assert '"phase": "base"' not in again.log.read_text()
    one, two = (store.read_model(f"models/{v}/manifest.json", ModelManifest) for v in ("v1", "v2"))
    assert one
    assert two
    assert one.base == two.base
    assert trainer.weights(store, "v1") != trainer.weights(store, "v2")


def test_two_at_once_agree_on_one_base(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)
    both = [Order(order.recipes, order.log.with_name(v), v) for v in ("v1", "v2")]

    processes = [trainer.start(one) for one in both]
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0, 0]
    manifests = [name for name in store.names("bases/") if name.endswith("manifest.json")]
    assert len(manifests) == 1
    base = store.read_model(manifests[0], BaseManifest)
    versions = [store.read_model(f"models/{v}/manifest.json", ModelManifest) for v in ("v1", "v2")]
    assert base
    assert [version.base for version in versions if version] == [base.base, base.base]
    assert trainer.weights(store, "v1") == trainer.weights(store, "v2")


def test_a_landed_version_is_not_trained_again(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)
    assert trainer.run(order) == 0
    before = store.read("models/v1/manifest.json")

    assert trainer.run(order) == 0

    after = store.read("models/v1/manifest.json")
    assert before
    assert after
    assert after.generation == before.generation
    assert "training.already_landed" in order.log.read_text()


def test_a_version_that_was_given_to_another_execution_is_left_alone(
    store: ArtifactStore, order: Order
) -> None:
    corpus.land_dataset(store)
    claim = Claim(run_id=corpus.RUN, stage="training", attempt=2, token="theirs")
    store.create_model("runs/v1/claims/training.json", claim)

    late = Order(order.recipes, order.log, environment=(("FITSENSE_CLAIM", "mine"),))
    assert trainer.run(late) == 0

    assert not list(store.names("models/"))


@pytest.mark.parametrize(
    ("training", "landed", "reason"),
    [
        (Training(method="qlora"), True, "qlora needs an NVIDIA GPU"),
        (Training(base="someone/unheard-of"), True, "neither in the bucket nor"),
        (Training(), False, "has not landed"),
    ],
)
def test_what_cannot_be_trained_is_given_up_with_the_reason(
    store: ArtifactStore, order: Order, training: Training, landed: bool, reason: str
) -> None:
    if landed:
        corpus.land_dataset(store)
    offline = (("HF_HUB_OFFLINE", "1"),)

    wrong = Order(order.recipes, order.log, training=training, environment=offline)
    assert trainer.run(wrong) == EXIT_PERMANENT

    failure = store.read_model("models/v1/failure.json", Failure)
    assert failure
    assert reason in failure.message
    assert failure.hint
