"""Causal attention for training, under transformers' own interface: ``attn_implementation=RECORDS``.

Rows are padded on the right, or packed: several records end to end, each seeing itself alone, told apart by
``cu_seq_lens_q`` (https://huggingface.co/docs/transformers/attention_interface). No mask is ever made of a
row's length squared. On a GPU packed rows go to flash attention, as one call. On a CPU rows are cut into
blocks of queries, each against the keys that it may see: PyTorch's own kernel takes three times as long
there, most of it backward in bfloat16.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

RECORDS = "fitsense_records"
BLOCK = 128
"""Queries at a time on a CPU: their scores stay in its cache."""


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int = 0,
    **options: Any,
) -> tuple[Tensor, None]:
    """``query`` is (rows, heads, length, size), ``key`` and ``value`` may have fewer heads; gives (rows,
    length, heads, size). Rows are packed where ``cu_seq_lens_q`` says where each record begins.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Rotation leaves them in float32 under autocast; values are as the layer made them.
    query, key = query.to(value.dtype), key.to(value.dtype)
    if cu_seq_lens_q is None:
        if query.is_cuda and sliding_window is None:
            found, _ = sdpa_attention_forward(module, query, key, value, None, scaling=scale, is_causal=True)
            return found, None
        return _blocks(query, key, value, scale, sliding_window), None
    if query.is_cuda:
        return _flash(query, key, value, scale, sliding_window, cu_seq_lens_q, max_length_q), None
    sizes = cu_seq_lens_q.diff().tolist()
    records = zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True)
    return torch.cat([_blocks(q, k, v, scale, sliding_window) for q, k, v in records], dim=1), None


def _flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    window: int | None,
    starts: Tensor,
    longest: int,
) -> Tensor:
    """One row of records by flash attention's own bounds; ``window`` counts a token itself."""
    query, key, value = (states[0].transpose(0, 1) for states in (query, key, value))
    sight = (-1 if window is None else window - 1, 0)
    options: dict[str, Any] = {"scale": scale, "window_size": sight, "enable_gqa": True}
    return varlen_attn(query, key, value, starts, starts, longest, longest, **options)[None]


def _blocks(query: Tensor, key: Tensor, value: Tensor, scale: float, window: int | None) -> Tensor:
    """Queries of one key's heads are one matrix: nothing is repeated."""
    rows, heads, length, size = query.shape
    shared = heads // key.shape[1]
    query = query.reshape(-1, shared, length, size)
    key, value = key.reshape(-1, length, size), value.reshape(-1, length, size)
    count = -(-length // BLOCK)
    width = -(-length // count)
    seen = []
    for start in range(0, length, width):
        stop = min(start + width, length)
        first = 0 if window is None else max(0, start - window + 1)
        asked = query[:, :, start:stop].reshape(len(query), -1, size)
        hidden = _hidden(start - first, stop - start, window, query.dtype).repeat(shared, 1)
        scores = torch.baddbmm(hidden, asked, key[:, first:stop].mT, alpha=scale)
        found = torch.bmm(scores.softmax(-1), value[:, first:stop])
        seen.append(found.view(len(query), shared, stop - start, size))
    return torch.cat(seen, dim=2).view(rows, heads, length, size).transpose(1, 2).contiguous()


@cache
def _hidden(before: int, width: int, window: int | None, dtype: torch.dtype) -> Tensor:
    """(``width``, ``before + width``): minus infinity where a query must not look, for each of a block."""
    places = torch.arange(before + width)
    distance = places[before:, None] - places
    unseen = distance < 0 if window is None else (distance < 0) | (distance >= window)
    return torch.zeros(distance.shape, dtype=dtype).masked_fill(unseen, float("-inf"))


AttentionInterface.register(RECORDS, attend)
