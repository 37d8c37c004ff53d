"""Gemma 3, Llama and Qwen by name: small ones with random weights, through the same code."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from peft import get_peft_model
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    Gemma3Config,
    Gemma3ForCausalLM,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from trl.trainer.utils import add_fused_lm_head

from fitsense.artifacts import ArtifactStore
from fitsense.config import Training
from fitsense.errors import EXIT_PERMANENT
from fitsense.manifest import Failure
from fitsense.models.manifest import ModelManifest
from student.bases import publish
from student.batches import IGNORED, collate
from student.encoding import Weighting, encode_all
from student.recipe import load_recipe
from student.texts import conversations, whole
from student.tiny.tokenizer import shown, train_tokenizer
from student.trainer import answer_loss
from student.tuning import Asked, load_model, lora
from tests.gpu import corpus, trainer
from tests.gpu.trainer import Order

TOLD = conversations([corpus.record(number) for number in range(40)], whole)
SIZES: dict[str, Any] = {
    "vocab_size": 600, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
ROOMY: dict[str, Any] = {"batch_tokens": 2048, "max_tokens": 2048}
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

    losses = [answer_loss(model, collate([e], pack=False, pad=0)).item() for e in examples]
    sums = [sum(e.weights[1:]) for e in examples]
    together = sum(loss * amount for loss, amount in zip(losses, sums, strict=True)) / sum(sums)

    for pack in (False, True):
        loss = answer_loss(model, collate(examples, pack=pack, pad=0))
        assert loss.item() == pytest.approx(together, rel=1e-4)


@pytest.mark.parametrize(("name", "cap"), [("llama", None), ("gemma3", None), ("gemma3", 2.0)])
def test_the_loss_is_the_plain_weighted_cross_entropy(name: str, cap: float | None) -> None:
    """With logits that are capped, too, which only TRL's head knows how to do."""
    kind, config, template = MODELS[name]
    model = kind(copy.deepcopy(config)).eval()
    model.config.final_logit_softcapping = cap
    examples, _ = encode_all(tokenizer_with(template), TOLD[:3], Weighting(message=0.5), 2048)
    batch = collate(examples, pack=False, pad=0)

    logits = model(input_ids=batch["input_ids"]).logits[:, :-1]
    labels, weights = batch["labels"][:, 1:], batch["loss_weights"][:, 1:]
    each = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)

    add_fused_lm_head(model)
    loss = answer_loss(model, batch)
    assert loss.item() == pytest.approx(((each * weights).sum() / weights.sum()).item(), rel=1e-5)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("name", MODELS)
def test_a_base_by_name_is_tuned_through_the_same_code(
    name: str, method: Literal["lora", "full"], store: ArtifactStore, tmp_path: Path
) -> None:
    """None of their templates has a ``{% generation %}``."""
    corpus.land_dataset(store)
    publish(store, f"lab/{name}", "given", {}, save(name, tmp_path / name))
    recipes = corpus.write_recipes(tmp_path, **ROOMY, packed=True, epoch_steps=3)
    order = Order(recipes, tmp_path / "log", training=Training(base=f"lab/{name}", method=method))

    assert trainer.run(order) == 0, order.log.read_text()[-3000:]

    manifest = store.read_model("models/v1/manifest.json", ModelManifest)
    assert manifest
    assert manifest.base.name == f"lab/{name}"
    trained = tmp_path / "trained"
    for output in manifest.outputs:
        if output.name.startswith(("adapter/", "weights/")):
            (trained / output.name).parent.mkdir(parents=True, exist_ok=True)
            store.download(store.name(output.uri), trained / output.name)
    base = AutoModelForCausalLM.from_pretrained(tmp_path / name)
    if method == "lora":
        base.load_adapter(str(trained / "adapter"))
        changed = [p for n, p in base.named_parameters() if "lora_B" in n]
        assert any(bool(p.any()) for p in changed)
    else:
        tuned = AutoModelForCausalLM.from_pretrained(trained / "weights").state_dict()
        assert any(not torch.equal(weight, tuned[n]) for n, weight in base.state_dict().items())


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}?{% endif %}",
         "does not continue its prompt"),
        ("{{ raise_exception('no system role, please') }}", "no system role, please"),
        (None, "has no chat template"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_used_is_given_up_with_the_reason(
    template: str | None, reason: str, store: ArtifactStore, tmp_path: Path
) -> None:
    corpus.land_dataset(store)
    folder = save("llama", tmp_path / "llama")
    shutil.rmtree(folder / "additional_chat_templates", ignore_errors=True)
    (folder / "chat_template.jinja").unlink()
    if template:
        (folder / "chat_template.jinja").write_text(template)
    publish(store, "lab/llama", "given", {}, folder)
    recipes = corpus.write_recipes(tmp_path, **ROOMY)
    order = Order(recipes, tmp_path / "log", training=Training(base="lab/llama"))

    assert trainer.run(order) == EXIT_PERMANENT

    failure = store.read_model("models/v1/failure.json", Failure)
    assert failure
    assert reason in failure.message
    assert failure.error != "Bug"
    assert failure.hint


def test_of_a_model_that_sees_only_what_reads_is_tuned(tmp_path: Path) -> None:
    """Gemma 3 from 4 B on comes with an eye, which has linear layers as well."""
    text = MODELS["gemma3"][1].to_dict()
    eye = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    model = Gemma3ForConditionalGeneration(
        Gemma3Config(text_config=text, vision_config=eye, mm_tokens_per_image=4)
    )
    model.save_pretrained(tmp_path)
    recipe = load_recipe(corpus.write_recipes(tmp_path), "any").tuning

    loaded = load_model(tmp_path, Asked("lora", 1, 1), load_recipe(tmp_path, "any"))
    tuned = get_peft_model(loaded, lora(recipe, loaded))
    examples, _ = encode_all(tokenizer_with(GEMMA), TOLD[:2], Weighting(), 2048)
    answer_loss(tuned.train(), collate(examples, pack=True, pad=0)).backward()

    learning = {name: p for name, p in tuned.named_parameters() if p.requires_grad}
    assert learning
    assert all("language_model" in name for name in learning)
    assert all(p.grad is not None for p in learning.values())
