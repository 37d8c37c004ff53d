"""A batch's gradients on several cores: each thread takes some of its records.

The matrices are so small that two threads within each product would mostly wait for each other. Each share is
computed by one thread alone and the shares are added in order, so that the same batch gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from student.batches import IGNORED, collate
from student.encoding import Example
from student.head import head_loss

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class Share(NamedTuple):
    """What one thread found: gradients, and the summed loss of tokens of full weight with their number."""

    gradients: tuple[Tensor, ...]
    loss: float
    tokens: int


class Gradients:
    """A context manager: its threads end with it."""

    def __init__(self, model: LlamaForCausalLM, threads: int, *, bf16: bool) -> None:
        self.model = model
        self.parameters = list(model.parameters())
        self.threads = threads
        self.bf16 = bf16
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def __enter__(self) -> Gradients:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def of(self, examples: Sequence[Example]) -> float:
        """Into each parameter's ``grad``; returns the mean loss over the tokens of full weight."""
        whole = weight(examples)
        parts = split(examples, self.threads)
        shares = list(self._pool.map(lambda part: self._share(part, weight(part) / whole), parts))
        for place, parameter in enumerate(self.parameters):
            parameter.grad = shares[0].gradients[place]
            for share in shares[1:]:
                parameter.grad.add_(share.gradients[place])
        tokens = sum(share.tokens for share in shares)
        return sum(share.loss for share in shares) / tokens if tokens else math.nan

    def _share(self, examples: Sequence[Example], part: float) -> Share:
        batch = collate(examples, pack=False, pad=self.model.config.pad_token_id)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            loss, losses, weights = weighted_loss(self.model, batch)
        full = losses[weights == 1]
        return Share(torch.autograd.grad(loss * part, self.parameters), float(full.sum()), len(full))


def weighted_loss(model: LlamaForCausalLM, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The weighted mean over predicted tokens; each token's own loss and weight.

    Right padding needs no mask under causal attention; logits are made only where there is a target.
    """
    hidden = model.model(input_ids=batch["input_ids"]).last_hidden_state[:, :-1]
    labels, weights = batch["labels"][:, 1:], batch["loss_weights"][:, 1:]
    wanted = labels != IGNORED
    weights = weights[wanted]
    loss, losses = head_loss(hidden[wanted], model.lm_head.weight, labels[wanted], weights)
    return loss, losses, weights


def weight(examples: Sequence[Example]) -> float:
    """Of all predicted tokens; the first is none."""
    return math.fsum(math.fsum(example.weights[1:]) for example in examples)


def split(examples: Sequence[Example], parts: int) -> list[list[Example]]:
    """At most so many parts, of about as many tokens each; records of like length stand together."""
    ordered = sorted(examples, key=len)
    bounds = [round(place * len(ordered) / parts) for place in range(parts + 1)]
    return [part for start, stop in pairwise(bounds) if (part := ordered[start:stop])]
