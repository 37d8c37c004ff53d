"""TRL's trainer with batches that are planned ahead and a loss that is made only where there is a target."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer

from fitsense.errors import Permanent
from student.batches import IGNORED, collate, plan
from student.best import Best
from student.checkpoints import Checkpoints
from student.encoding import Example
from student.flops import step_flops
from student.head import head_loss
from student.watch import Watch

BOUNDS = ("position_ids", "cu_seq_lens_q", "max_length_q")
"""What tells a packed row's records apart."""
_SCALED = (
    "final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling"
)  # fmt: skip
"""What the architectures call anything that comes after their head's product."""


class StudentTrainer(SFTTrainer):
    """``corpus`` is (train, validation); ``batches`` are the rows of every step, in order."""

    def __init__(
        self,
        *,
        corpus: tuple[list[Example], list[Example]],
        batches: list[list[int]],
        packed: bool,
        batch_tokens: int,
        **options: Any,
    ) -> None:
        self._train, self._val = corpus
        self._batches = batches
        self._packed = packed
        super().__init__(train_dataset=_table(self._train), data_collator=self._collate, **options)
        lengths = [len(example) for example in self._val]
        self._held_out = plan(lengths, batch_tokens, 0, pack=packed, epochs=1)
        self.last_loss = torch.tensor(float("nan"))

    def get_train_dataloader(self) -> DataLoader[Example]:
        return DataLoader(self._train, batch_sampler=self._batches, collate_fn=self._collate)  # type: ignore[arg-type]

    def _collate(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        return collate(examples, pack=self._packed, pad=self.processing_class.pad_token_id)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """The mean over the answers' tokens, weighted; ``last_loss`` is the same, to be shown."""
        with self.precision():
            loss = answer_loss(model, inputs)
        self.last_loss = loss.detach()
        return loss

    def precision(self) -> torch.autocast:
        """Products in bfloat16 where the recipe says so; the head goes past accelerate's own wrapper."""
        return torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.args.bf16)

    def tokens(self, step: int) -> int:
        """Of the batch that was seen in this step, prompts included, padding not; steps count from 1."""
        return sum(len(self._train[row]) for row in self._batches[step - 1])

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean over the held-out records' answer tokens, weighted as in training."""
        self.model.eval()
        total = weight = 0.0
        for rows in self._held_out:
            batch = self._prepare_inputs(self._collate([self._val[row] for row in rows]))
            with self.precision():
                loss = float(answer_loss(self.model, batch))
            amount = float(batch["loss_weights"].sum())
            total, weight = total + loss * amount, weight + amount
        self.model.train()
        return total / weight

    def flops(self, steps: int) -> float:
        """Of the first ``steps`` steps."""
        full = not hasattr(self.model, "peft_config")
        seen = (self._train[row] for rows in self._batches[:steps] for row in rows)
        return step_flops(self.model.config, seen, full=full)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The model's card is made by its evaluation."""


def _table(examples: Sequence[Example]) -> Dataset:
    """The records as TRL wants to see them; what is trained on comes from the planned batches."""
    return Dataset.from_dict({"input_ids": [e.ids for e in examples], "labels": [e.ids for e in examples]})


def answer_loss(model: Any, batch: dict[str, Any]) -> Tensor:
    """Weighted mean of the cross entropy of the tokens that count; for these alone is the head computed.

    Right padding needs no mask under causal attention, and packed records are told apart by their bounds.
    """
    labels, weights = batch["labels"], batch["loss_weights"][:, 1:]
    inputs = {name: batch[name] for name in BOUNDS if name in batch}
    wanted = labels[:, 1:] != IGNORED
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    if labels.is_cuda or not _plain_head(causal):
        found = model(input_ids=batch["input_ids"], labels=labels, fused_lm_head=True, **inputs)
        return -(found.log_probs * weights).sum() / (weights * wanted).sum()
    states = causal.base_model(input_ids=batch["input_ids"], use_cache=False, **inputs).last_hidden_state
    head = causal.get_output_embeddings().weight
    return head_loss(states[:, :-1][wanted], head, labels[:, 1:][wanted], weights[wanted])[0]


def _plain_head(model: Any) -> bool:
    """Whether a model's logits are one product: what scales or caps them is left to TRL's head."""
    text, head = model.config.get_text_config(), model.get_output_embeddings()
    return getattr(head, "bias", None) is None and not any(getattr(text, name, None) for name in _SCALED)


class Diverged(Permanent):
    """The loss is no number any more: the same data, recipe and seed would meet it again."""


class Keeper(TrainerCallback):
    """Between two steps: tells, evaluates, stops early, and keeps what a resumed training needs."""

    def __init__(
        self, trainer: StudentTrainer, best: Best, checkpoints: Checkpoints, watch: Watch, evaluations: int
    ) -> None:
        self._trainer = trainer
        self._best = best
        self._checkpoints = checkpoints
        self._watch = watch
        steps = trainer.args.max_steps
        self._evaluate_at = {max(1, round(steps * k / evaluations)) for k in range(1, evaluations + 1)}

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        step, shown = state.global_step, float(self._trainer.last_loss)
        if not math.isfinite(shown):
            raise Diverged(f"the loss is {shown} at step {step}", hint="a lower learning rate in the recipe")
        self._watch.step(step, shown, self._trainer.tokens(step))
        if step in self._evaluate_at:
            loss = self._trainer.validation_loss()
            self._watch.validated(step, loss)
            control.should_training_stop |= self._best.offer(step, loss, self._trainer.model)
        ended = control.should_training_stop or step >= args.max_steps
        # What is about to end needs no checkpoint, unless it is told to stop before it is written down.
        control.should_save = self._watch.interrupted or (not ended and self._checkpoints.due(False))
        control.should_training_stop |= self._watch.interrupted
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self._best.save(folder)
        self._watch.save(folder)
        self._checkpoints.upload(state.global_step, folder)
        shutil.rmtree(folder)

    def load(self, folder: Path) -> None:
        self._best.load(folder)
        self._watch.load(folder)
