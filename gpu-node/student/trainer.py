"""TRL's trainer with batches that are planned ahead and a loss that is made only where there is a target."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer

from student.batches import IGNORED, collate, plan
from student.best import Best
from student.checkpoints import Checkpoints
from student.encoding import Example
from student.watch import Watch


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
        self.last_loss, self.last_tokens = float("nan"), 0

    def get_train_dataloader(self) -> DataLoader[Example]:
        return DataLoader(self._train, batch_sampler=self._batches, collate_fn=self._collate)  # type: ignore[arg-type]

    def _collate(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        return collate(examples, pack=self._packed, pad=self.processing_class.pad_token_id)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """The mean over the answers' tokens, weighted; ``last_loss`` is the same, to be shown."""
        loss = answer_loss(model, inputs)
        self.last_loss, self.last_tokens = float(loss.detach()), _tokens(inputs)
        return loss

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean over the held-out records' answer tokens, weighted as in training."""
        self.model.eval()
        total = weight = 0.0
        for rows in self._held_out:
            batch = self._prepare_inputs(self._collate([self._val[row] for row in rows]))
            with self.compute_loss_context_manager():
                loss = float(answer_loss(self.model, batch))
            amount = float(batch["loss_weights"].sum())
            total, weight = total + loss * amount, weight + amount
        self.model.train()
        return total / weight

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The model's card is made by its evaluation."""


def _table(examples: Sequence[Example]) -> Dataset:
    """The records as TRL wants to see them; what is trained on comes from the planned batches."""
    return Dataset.from_dict({"input_ids": [e.ids for e in examples], "labels": [e.ids for e in examples]})


def answer_loss(model: Any, batch: dict[str, Any]) -> Tensor:
    """Weighted mean of the cross entropy of the tokens that count.

    Logits are made from the first of them on (padded rows), or of them alone (packed): with a prompt twice as
    long as the answer and a large vocabulary, most of the head's work is saved.
    """
    labels, weights = batch["labels"][:, 1:], batch["loss_weights"][:, 1:]
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids") if name in batch}
    wanted = labels != IGNORED
    columns = wanted.any(0).nonzero().flatten()
    if "position_ids" in batch:
        logits = model(**inputs, use_cache=False, logits_to_keep=columns).logits
        labels, weights = labels[:, columns], weights[:, columns]
    else:
        first = int(columns[0])
        kept = batch["input_ids"].shape[1] - first
        logits = model(**inputs, use_cache=False, logits_to_keep=kept).logits[:, :-1]
        labels, weights = labels[:, first:], weights[:, first:]
    chosen = labels != IGNORED
    losses = functional.cross_entropy(logits[chosen].float(), labels[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / weights[chosen].sum()


def _tokens(batch: dict[str, Any]) -> int:
    mask = batch.get("attention_mask")
    return int(mask.sum()) if mask is not None else batch["input_ids"].numel()


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
        step = state.global_step
        self._watch.step(step, self._trainer.last_loss, self._trainer.last_tokens)
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
