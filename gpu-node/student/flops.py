"""The work that a training step's mathematics asks for, and how much of the GPU's peak that is (MFU).

As PaLM counts it (https://arxiv.org/abs/2204.02311, appendix B), but with what is really needed: attention is
causal and within a record, and the head is computed for answers alone. Recomputed activations count once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from student.encoding import Example

if TYPE_CHECKING:
    from transformers import PretrainedConfig

FORWARD, BACKWARD = 1, 2
"""Passes: backward makes the gradients of activations and of weights; frozen weights need the first alone."""


def step_flops(config: PretrainedConfig, examples: Iterable[Example], *, full: bool) -> float:
    """Of one batch through a dense model with gated layers, as Llama, Qwen and Gemma are."""
    text = config.get_text_config()
    size, heads, kept = text.hidden_size, text.num_attention_heads, text.num_key_value_heads
    width = getattr(text, "head_dim", None) or size // heads
    weights = size * width * (2 * heads + 2 * kept) + 3 * size * text.intermediate_size
    forward = 0.0
    for example in examples:
        tokens, answers = len(example), sum(weight > 0 for weight in example.weights[1:])
        seen = tokens * (tokens + 1) / 2
        layer = 2 * weights * tokens + 4 * heads * width * seen
        forward += text.num_hidden_layers * layer + 2 * size * text.vocab_size * answers
    return forward * (FORWARD + (BACKWARD if full else BACKWARD / 2))


def peak_flops() -> float | None:
    """Of this machine's GPU in bfloat16, a second; None without one, or for one that is not known."""
    from trl.trainer.utils import get_peak_flops

    if not torch.cuda.is_available():
        return None
    peak: float | None = get_peak_flops(torch.cuda.get_device_name(0), "bfloat16")
    return peak
