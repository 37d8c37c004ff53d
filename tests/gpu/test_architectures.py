"""Gemma 3, Llama and Qwen by name: small ones with random weights, through the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from fitsense.artifacts import ArtifactStore
from fitsense.config import Training
from fitsense.models.manifest import ModelManifest
from student.bases import publish
from student.batches import IGNORED, collate
from student.encoding import Weighting, encode_all
from student.texts import conversations, whole
from student.tiny.tokenizer import shown, train_tokenizer
from student.trainer import answer_loss
from tests.gpu import corpus, trainer
from tests.gpu.trainer import Order

TOLD = conversations([corpus.record(number) for number in range(40)], whole)
SIZES: dict[str, Any] = {
    "vocab_size": 600, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages[1:] %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else 'user' }}\n"
    "{% if loop.first %}{{ messages[0]['content'] }}\n\n{% endif %}{{ m['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MODELS: dict[str, tuple[type, Any, str]] = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES), CHATML),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=16), CHATML),
    "gemma3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **SIZES, head_dim=16, sliding_window=64, layer_types=["sliding_attention", "full_attention"]
        ),
        GEMMA,
    ),
}


def tokenizer_with(template: str) -> PreTrainedTokenizerFast:
    tokenizer = train_tokenizer(shown(TOLD), vocabulary=600, merges=500, positions=2048)
    tokenizer.chat_template = template
    return tokenizer


def save(name: str, folder: Path) -> Path:
    kind, config, template = MODELS[name]
    torch.manual_seed(1)
    kind(config).save_pretrained(folder)
    tokenizer_with(template).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_a_packed_row_costs_what_its_records_cost_alone(name: str) -> None:
    kind, config, template = MODELS[name]
    torch.manual_seed(0)
    model = kind(config).eval()
    examples, _ = encode_all(tokenizer_with(template), TOLD[:4], Weighting(message=0.5), 2048)

    losses = [float(answer_loss(model, collate([e], pack=False, pad=0))) for e in examples]
    sums = [sum(e.weights[1:]) for e in examples]
    together = sum(loss * amount for loss, amount in zip(losses, sums, strict=True)) / sum(sums)

    for pack in (False, True):
        assert float(answer_loss(model, collate(examples, pack=pack, pad=0))) == pytest.approx(
            together, rel=1e-4
        )


def test_the_loss_is_the_plain_weighted_cross_entropy() -> None:
    kind, config, template = MODELS["llama"]
    model = kind(config).eval()
    examples, _ = encode_all(tokenizer_with(template), TOLD[:3], Weighting(message=0.5), 2048)
    batch = collate(examples, pack=False, pad=0)

    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    labels, weights = batch["labels"][:, 1:], batch["loss_weights"][:, 1:]
    each = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)

    assert float(answer_loss(model, batch)) == pytest.approx(
        float((each * weights).sum() / weights.sum()), rel=1e-5
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_base_by_name_is_tuned_through_the_same_code(
    name: str, store: ArtifactStore, tmp_path: Path
) -> None:
    corpus.land_dataset(store)
    publish(store, f"lab/{name}", "given", {}, save(name, tmp_path / name))
    recipes = corpus.write_recipes(tmp_path, packed=True, batch_tokens=2048, max_tokens=2048, epoch_steps=3)
    order = Order(recipes, tmp_path / "log", training=Training(base=f"lab/{name}"))

    assert trainer.run(order) == 0, order.log.read_text()[-3000:]

    manifest = store.read_model("models/v1/manifest.json", ModelManifest)
    assert manifest
    assert manifest.base.name == f"lab/{name}"
    folder = tmp_path / "trained"
    folder.mkdir()
    for output in manifest.outputs:
        if output.name.startswith("adapter/"):
            store.download(store.name(output.uri), folder / output.name.split("/")[1])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / name)
    model.load_adapter(str(folder))
    changed = [p for n, p in model.named_parameters() if "lora_B" in n]
    assert changed
    assert any(bool(p.any()) for p in changed)
