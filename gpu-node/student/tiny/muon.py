"""Muon: momentum whose direction is orthogonalised, for matrices; the rest goes by AdamW.

Keller Jordan et al., https://kellerjordan.github.io/posts/muon/.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""The quintic of the post: pushes all singular values towards 1 in five steps."""


class Muon(torch.optim.Optimizer):
    """For 2-D weights alone; embeddings and norms are AdamW's.

    Matrices of one shape are a group and are updated together: one batched product for many small ones.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        shapes: dict[tuple[int, ...], list[Tensor]] = {}
        for weight in params:
            shapes.setdefault(tuple(weight.shape), []).append(weight)
        groups: list[dict[str, Any]] = [{"params": weights} for weights in shapes.values()]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Every weight must have a gradient."""
        for group in self.param_groups:
            weights, state = group["params"], self.state[group["params"][0]]
            gradients = torch.stack([weight.grad for weight in weights])
            momentum = state.setdefault("momentum", torch.zeros_like(gradients))
            momentum.lerp_(gradients, 1 - group["momentum"])
            directions = orthogonal(gradients.lerp_(momentum, group["momentum"]))
            rows, columns = weights[0].shape
            rate = group["lr"] * max(1.0, rows / columns) ** 0.5
            for weight, direction in zip(weights, directions, strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(direction, alpha=-rate)


def orthogonal(gradients: Tensor) -> Tensor:
    """About the nearest matrices with orthonormal rows or columns, by Newton-Schulz in bfloat16.

    ``gradients`` is (matrices, rows, columns).
    """
    tall = gradients.size(1) > gradients.size(2)
    x = (gradients.mT if tall else gradients).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=_B, alpha=_C), x, beta=_A)
    return (x.mT if tall else x).to(gradients.dtype)
