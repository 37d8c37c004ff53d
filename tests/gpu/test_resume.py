"""A trainer that is killed at any write goes on, and ends with the weights of one that was not."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_RETRYABLE
from student.checkpoints import MARKER, Checkpoints
from tests.gpu import corpus, trainer
from tests.gpu.trainer import KILL, TERMINATE, Blow, Order

KILLS = int(os.environ.get("FITSENSE_TEST_KILLS", "3"))
Whole = tuple[dict[str, str], list[str]]
"""Weights, and the names of all writes in their order."""
_reference: dict[str, Whole] = {}


@pytest.fixture
def whole(store: ArtifactStore, cloud: Cloud, tmp_path: Path) -> Whole:
    """A training that nothing disturbed; made once."""
    corpus.land_dataset(store)
    if not _reference:
        bucket = cloud.storage.create_bucket(f"{cloud.bucket.name}-whole")
        undisturbed = ArtifactStore(bucket)
        corpus.land_dataset(undisturbed)
        place = (("FITSENSE_BUCKET", bucket.name),)
        order = Order(corpus.write_recipes(tmp_path), tmp_path / "whole", environment=place)
        assert trainer.run(order) == 0, order.log.read_text()[-3000:]
        _reference["it"] = trainer.weights(undisturbed), trainer.writes(order.log)
    return _reference["it"]


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(corpus.write_recipes(tmp_path), tmp_path / "log")


@pytest.mark.parametrize("seed", range(KILLS))
def test_kill_9_at_any_write_changes_no_weight(
    store: ArtifactStore, whole: Whole, order: Order, seed: int
) -> None:
    weights, names = whole
    dice = random.Random(seed)
    killed = 0
    for attempt in range(2):
        blow = Blow(KILL, dice.randrange(1, len(names)), after=dice.random() < 0.5)
        code = trainer.run(Order(order.recipes, order.log.with_name(f"{attempt}"), blow=blow))
        killed += code == -KILL
        if code == 0:  # the second kill may lie behind the end
            break
    assert killed

    assert trainer.run(order) == 0, order.log.read_text()[-3000:]

    assert trainer.weights(store) == weights
    manifests = [name for name in store.names("models/") if name.endswith("/manifest.json")]
    assert manifests == ["models/v1/manifest.json"]


def test_sigterm_makes_a_checkpoint_and_asks_for_a_retry(
    store: ArtifactStore, whole: Whole, order: Order
) -> None:
    weights, _ = whole
    first = Order(order.recipes, order.log.with_name("first"), blow=Blow(TERMINATE, 6))
    assert trainer.run(first) == EXIT_RETRYABLE

    assert any(name.endswith(MARKER) for name in store.names("training_checkpoints/v1/base/"))
    assert trainer.run(order) == 0
    assert "checkpoint.found" in order.log.read_text()
    assert trainer.weights(store) == weights


def test_a_torn_checkpoint_is_passed_over(store: ArtifactStore, whole: Whole, order: Order) -> None:
    weights, names = whole
    last = max(n for n, name in enumerate(names, 1) if "/tuning/" in name and name.endswith(MARKER))
    blow = Blow(KILL, last, after=True)
    killed = Order(order.recipes, order.log.with_name("killed"), blow=blow)
    assert trainer.run(killed) == -KILL
    _tear_newest(store)

    assert trainer.run(order) == 0

    assert "checkpoint.torn" in order.log.read_text()
    assert trainer.weights(store) == weights


def _write_state(folder: Path) -> None:
    (folder / "state").write_text("whole")


def _tear_newest(store: ArtifactStore) -> None:
    """Half of one of its files is gone, though its marker stands."""
    marked = [name for name in store.names("training_checkpoints/") if name.endswith(MARKER)]
    newest = max(marked, key=lambda name: name.split("/step-")[1])
    folder = newest.removesuffix(MARKER)
    victim = next(name for name in store.names(folder) if not name.endswith((MARKER, ".json")))
    data = trainer.read(store, victim)
    store.bucket.blob(victim).upload_from_string(data[: len(data) // 2])


def test_a_checkpoint_without_its_marker_is_not_there(store: ArtifactStore, tmp_path: Path) -> None:
    checkpoints = Checkpoints(store, "training_checkpoints/v1/base", tmp_path, 0)
    for step in (1, 2, 3):
        checkpoints.save(step, _write_state)
    store.create("training_checkpoints/v1/base/step-00000004-aa/state", b"half")

    found = checkpoints.newest()

    assert found
    assert found.step == 3
    kept = {name.split("/")[3].split("-")[1] for name in store.names("training_checkpoints/v1/base/")}
    assert kept == {"00000002", "00000003", "00000004"}


def test_full_fine_tuning_resumes_as_well(store: ArtifactStore, order: Order) -> None:
    corpus.land_dataset(store)
    full = Training(method="full")
    whole = Order(order.recipes, order.log.with_name("whole"), "v1", full)
    assert trainer.run(whole) == 0, whole.log.read_text()[-3000:]
    # The base is kept by now, so that all of the second version's writes are of its fine-tuning.
    killed = Order(order.recipes, order.log.with_name("killed"), "v2", full, blow=Blow(KILL, 30))
    assert trainer.run(killed) == -KILL

    assert trainer.run(Order(order.recipes, order.log, "v2", full)) == 0

    assert "checkpoint.found" in order.log.read_text()
    assert "weights/model.safetensors" in trainer.weights(store, "v1")
    assert trainer.weights(store, "v1") == trainer.weights(store, "v2")
