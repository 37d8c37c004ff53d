"""The last layer and its cross entropy in tiles, whose gradients are made at once: no logits are kept.

For a CPU: a tile's logits stay in its cache, which halves the cost. On a GPU TRL's fused head does the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

TILE = 256
"""Tokens at a time."""


def head_loss(hidden: Tensor, head: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean of the cross entropies, and each of them (without a gradient).

    ``hidden`` is (tokens, size), ``head`` (vocabulary, size), ``labels`` and ``weights`` (tokens,). Products
    are in autocast's type where it is on.
    """
    if torch.is_grad_enabled():
        loss, losses = _HeadLoss.apply(hidden, head, labels, weights)
        return loss, losses
    tiles = zip(hidden.split(TILE), labels.split(TILE), strict=True)
    losses = torch.cat(
        [functional.cross_entropy((h @ head.T).float(), y, reduction="none") for h, y in tiles]
    )
    return (losses * weights).sum() / weights.sum(), losses


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor, labels: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        kind, device = head.dtype, hidden.device.type
        if torch.is_autocast_enabled(device):
            kind = torch.get_autocast_dtype(device)
        states, matrix, shares = hidden.to(kind), head.to(kind), weights / weights.sum()
        learns = ctx.needs_input_grad[1]
        to_hidden = torch.empty_like(states)
        to_head = torch.zeros_like(head, dtype=torch.float32) if learns else None
        losses = torch.empty_like(weights)
        for start in range(0, len(states), TILE):
            tile = slice(start, start + TILE)
            losses[tile], slope = _tile(states[tile] @ matrix.T, labels[tile], shares[tile])
            to_hidden[tile] = slope @ matrix
            if to_head is not None:
                to_head += slope.T @ states[tile]
        ctx.save_for_backward(to_hidden, to_head)
        ctx.kinds = hidden.dtype, head.dtype
        ctx.mark_non_differentiable(losses)
        return (losses * shares).sum(), losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        to_hidden, to_head = ctx.saved_tensors
        kind, head_kind = ctx.kinds
        learned = None if to_head is None else (to_head * gradients[0]).to(head_kind)
        return (to_hidden * gradients[0]).to(kind), learned, None, None


def _tile(logits: Tensor, labels: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropies, and the gradient of their weighted sum by the logits."""
    scores, place = logits.float(), labels[:, None]
    total = scores.logsumexp(-1, keepdim=True)
    losses = (total - scores.gather(1, place))[:, 0]
    chances = scores.sub_(total).exp_()
    chances.scatter_add_(1, place, torch.full_like(total, -1.0))
    return losses, chances.mul_(shares[:, None]).to(logits.dtype)
