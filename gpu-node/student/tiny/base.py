"""Trains ``fitsense-tiny`` from scratch: one loop that reads downward."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from fitsense.records import DatasetRecord
from student.attention import RECORDS
from student.checkpoints import Checkpoints
from student.metrics import write_curve
from student.recipe import Recipe, TinyBase
from student.styles import style_of
from student.texts import conversations
from student.tiny.corpora import Step, corpora_of, sample, steps_of
from student.tiny.gradients import Gradients
from student.tiny.induction import THETA, set_induction
from student.tiny.muon import Muon
from student.tiny.tokenizer import PATTERN, TEMPLATE, shown, slots, train_tokenizer
from student.watch import Watch

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_STATE = "state.pt"
_FLOOR = 0.02
"""The learning rate's last share of its peak."""


def make_base(
    records: Sequence[DatasetRecord],
    recipe: Recipe,
    seed: int,
    folder: Path,
    checkpoints: Checkpoints,
    watch: Watch,
) -> None:
    """Tokenizer and model into ``folder``, from the newest checkpoint on if there is one.

    Raises Interrupted after SIGTERM, with a checkpoint made.
    """
    tiny = _sizes(recipe)
    chosen = sample(records, tiny.records, seed)
    told = conversations(chosen, style_of(recipe.answer))
    texts = shown(one[:-1] for one in told)
    answers = [one[-1]["content"] for one in told]
    tokenizer = train_tokenizer(
        [*texts, *answers], vocabulary=tiny.vocabulary, merges=tiny.merges, positions=tiny.positions
    )
    model = new_model(tokenizer, tiny, seed)
    steps = list(steps_of(corpora_of(tokenizer, texts, answers, tiny), tiny, seed))
    _run(model, steps, recipe, checkpoints, watch)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_curve(watch.points, folder)


def made_from(recipe: Recipe, corpus: dict[str, str], seed: int) -> dict[str, Any]:
    """All that decides the base's weights: its identity in the bucket. ``corpus`` is checksums by split."""
    tiny = recipe.tiny
    return {
        "corpus": {"train": corpus["train"]},
        "seed": seed,
        "answer": recipe.answer,
        "threads": recipe.threads,
        "template": hashlib.sha256(TEMPLATE.read_bytes()).hexdigest(),
        "pattern": PATTERN,
        "tiny": tiny.model_dump(mode="json") if tiny else None,
    }


def new_model(tokenizer: PreTrainedTokenizerFast, tiny: TinyBase, seed: int) -> LlamaForCausalLM:
    """Random weights with induction heads among them, by the seed alone."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=tiny.hidden,
        intermediate_size=tiny.intermediate,
        num_hidden_layers=tiny.layers,
        num_attention_heads=tiny.heads,
        num_key_value_heads=tiny.heads,
        head_dim=tiny.head_size,
        max_position_embeddings=tiny.positions,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    set_induction(model, slot_ids(tokenizer), seed)
    model.set_attn_implementation(RECORDS)
    return model


def slot_ids(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The tokens that begin an exercise."""
    return [tokenizer(slot, add_special_tokens=False)["input_ids"][0] for slot in slots()]


def _run(
    model: LlamaForCausalLM, steps: Sequence[Step], recipe: Recipe, checkpoints: Checkpoints, watch: Watch
) -> None:
    tiny = _sizes(recipe)
    optimizers = _optimizers(model, tiny)
    done = _resume(model, optimizers, checkpoints, watch)
    watch.begin("base", len(steps), done)
    model.train()
    with Gradients(model, recipe.threads, bf16=tiny.bf16) as gradients:
        for number, step in enumerate(steps[done:], start=done + 1):
            loss = gradients.of(step.examples)
            _update(model, optimizers, _schedule(number, step.spent, tiny))
            watch.step(number, loss, sum(len(example) for example in step.examples))
            if number < len(steps) and checkpoints.due(watch.interrupted):
                checkpoints.save(number, lambda folder: _save(model, optimizers, watch, folder))
            watch.check_interrupted()


def _update(model: LlamaForCausalLM, optimizers: Sequence[torch.optim.Optimizer], share: float) -> None:
    """One step down the gradients, at a share of the peak learning rates."""
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
        optimizer.step()
    model.zero_grad(set_to_none=True)


def _sizes(recipe: Recipe) -> TinyBase:
    assert recipe.tiny is not None, "only fitsense-tiny has a recipe for a base"
    return recipe.tiny


def _optimizers(model: LlamaForCausalLM, tiny: TinyBase) -> list[torch.optim.Optimizer]:
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [
        {"params": [p for p in model.parameters() if p.ndim != 2], "lr": tiny.adam_lr},
        {"params": [model.get_input_embeddings().weight], "lr": tiny.embedding_lr},
    ]
    optimizers = [
        Muon(matrices, lr=tiny.muon_lr),
        torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def _schedule(number: int, spent: float, tiny: TinyBase) -> float:
    """Share of the peak learning rate: warm-up in steps, then constant, then down in a line."""
    warm = min(1.0, number / (tiny.warmup_steps + 1))
    falling = (1 - spent) / max(1 - tiny.constant, 1e-9)
    return warm * (1.0 if spent < tiny.constant else max(_FLOOR, falling))


def _save(
    model: LlamaForCausalLM, optimizers: Sequence[torch.optim.Optimizer], watch: Watch, folder: Path
) -> None:
    state: dict[str, Any] = {
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    torch.save(state, folder / _STATE)
    watch.save(folder)


def _resume(
    model: LlamaForCausalLM,
    optimizers: Sequence[torch.optim.Optimizer],
    checkpoints: Checkpoints,
    watch: Watch,
) -> int:
    """Steps that are done. There is no other state: the order of batches follows from the seed."""
    found = checkpoints.newest()
    if found is None:
        return 0
    state = torch.load(found.folder / _STATE, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    watch.load(found.folder)
    return found.step
