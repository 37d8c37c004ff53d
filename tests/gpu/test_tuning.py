"""When fine-tuning ends, what its seed decides, and what its work is counted as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_PERMANENT, EXIT_RETRYABLE
from fitsense.manifest import Failure
from student.attention import RECORDS
from student.batches import collate
from student.best import Best
from student.checkpoints import MARKER
from student.encoding import Example
from student.flops import step_flops
from student.recipe import load_recipe
from student.texts import conversations, whole
from student.tiny.tokenizer import shown, train_tokenizer
from student.trainer import answer_loss
from student.tuning import CHUNK, Asked, encode_corpus
from tests.gpu import corpus, trainer
from tests.gpu.trainer import TERMINATE, Blow, Order

HASTY: dict[str, Any] = {"learning_rate": 3.0, "evaluations": 6, "patience": 1}
"""So large a rate that validation gets worse."""


def order(folder: Path, version: str = "v1", training: Training | None = None, **tuning: Any) -> Order:
    folder.mkdir(exist_ok=True)
    recipes = corpus.write_recipes(folder, **tuning)
    return Order(recipes, folder / f"log-{version}", version, training or Training())


def metrics(store: ArtifactStore, version: str = "v1") -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(trainer.read(store, f"models/{version}/metrics.json"))
    return found


def test_the_best_weights_are_kept_and_patience_ends() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    best = Best(patience=2)
    for step, loss in ((1, 3.0), (2, 1.0), (3, 2.0)):
        torch.nn.init.constant_(model.weight, step)
        assert not best.offer(step, loss, model)

    assert best.offer(4, 1.5, model)
    best.restore(model)

    assert best.exhausted
    assert (best.step, model.weight.item()) == (2, 2.0)


def test_it_stops_early_and_keeps_the_best(store: ArtifactStore, tmp_path: Path) -> None:
    corpus.land_dataset(store)

    assert trainer.run(order(tmp_path / "hasty", **HASTY)) == 0
    assert trainer.run(order(tmp_path / "patient", "v2", **HASTY | {"patience": 6})) == 0

    hasty, patient = metrics(store), metrics(store, "v2")
    losses = {int(step): loss for step, loss in hasty["validation_loss"].items()}
    assert hasty["steps"] < patient["steps"]
    assert hasty["steps"] == max(losses) > hasty["best_step"]
    assert hasty["best_step"] == min(losses, key=losses.__getitem__)


@pytest.mark.parametrize("tuning", [{}, HASTY], ids=["to the end", "to an early stop"])
def test_told_to_stop_at_its_last_step_it_ends_the_same(
    tuning: dict[str, Any], store: ArtifactStore, cloud: Cloud, tmp_path: Path
) -> None:
    corpus.land_dataset(store)
    whole = order(tmp_path / "whole", **tuning)
    assert trainer.run(whole) == 0
    # The base is kept by now, so that the second version's writes are those of its fine-tuning.
    again = order(tmp_path / "again", "v2", **tuning)
    assert trainer.run(again) == 0
    names = trainer.writes(again.log)
    last = max(number for number, name in enumerate(names, 1) if name.endswith(MARKER))

    told = Order(again.recipes, tmp_path / "told", "v3", blow=Blow(TERMINATE, last, after=True))
    assert trainer.run(told) == EXIT_RETRYABLE
    assert trainer.run(Order(again.recipes, tmp_path / "on", "v3")) == 0

    assert trainer.weights(store, "v3") == trainer.weights(store, "v1")
    first, third = metrics(store), metrics(store, "v3")
    assert [first[name] for name in ("steps", "best_step", "validation_loss", "tokens")] == [
        third[name] for name in ("steps", "best_step", "validation_loss", "tokens")
    ]


def test_a_loss_that_is_no_number_is_given_up(store: ArtifactStore, tmp_path: Path) -> None:
    corpus.land_dataset(store)

    assert trainer.run(order(tmp_path / "wild", learning_rate=1e30)) == EXIT_PERMANENT

    failure = store.read_model("models/v1/failure.json", Failure)
    assert failure
    assert failure.error == "Diverged"
    assert "learning rate" in failure.hint


def test_the_seed_is_the_trainings_or_else_the_runs(store: ArtifactStore, tmp_path: Path) -> None:
    corpus.land_dataset(store)
    seeds = {"v1": None, "v2": corpus.SEED, "v3": corpus.SEED + 1}

    for version, seed in seeds.items():
        assert trainer.run(order(tmp_path / version, version, Training(seed=seed))) == 0

    one, two, three = (trainer.weights(store, version) for version in seeds)
    assert one == two
    assert one != three


def test_no_more_is_read_than_the_steps_can_hold(tmp_path: Path) -> None:
    told = conversations([corpus.record(number) for number in range(40)], whole)
    tokenizer = train_tokenizer(shown(told), vocabulary=400, merges=300, positions=2048)
    records = [corpus.record(number) for number in range(200)], [corpus.record(1000)]
    recipe = load_recipe(corpus.write_recipes(tmp_path, max_tokens=2000, epoch_steps=5), "any")

    little, much = (encode_corpus(tokenizer, records, recipe, Asked("lora", n, 1)) for n in (0.2, 20.0))
    other = encode_corpus(tokenizer, records, recipe, Asked("lora", 0.2, 2))

    assert (len(little.train), little.unread) == (CHUNK, 200 - CHUNK)
    assert sum(map(len, little.train)) >= recipe.tuning.batch_tokens
    assert (len(much.train), much.unread) == (200, 0)
    assert little.train != other.train, "which ones is the seed's choice"


def test_the_benchmark_of_a_real_size_runs_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.bench import trainers

    monkeypatch.setattr(trainers, "STEPS", 6)
    sizes = trainers.QWEN_1B7 | {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
    }  # fmt: skip

    figures = trainers.real_size(sizes, "cpu", batch_tokens=4096)

    assert figures["tokens_per_s"] > 0
    assert figures["tflops_per_s"] > 0
    assert figures["mfu"] is None


def test_the_work_is_what_pytorch_counts() -> None:
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation=RECORDS,
    )  # fmt: skip
    examples = [Example([1] * 40, [0.0] * 30 + [1.0] * 10), Example([2] * 24, [0.0] * 20 + [1.0] * 4)]
    model = LlamaForCausalLM(config)

    with FlopCounterMode(display=False) as counter:
        answer_loss(model, collate(examples, pack=True, pad=0)).backward()

    # It counts what a block sees beyond its diagonal as well; embeddings, norms and the like count nowhere.
    assert step_flops(config, examples, full=True) == pytest.approx(counter.get_total_flops(), rel=0.04)
