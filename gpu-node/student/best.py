"""The best weights so far by validation loss, and when to stop waiting for better ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

_WEIGHTS, _STATE = "best.safetensors", "best.json"


@dataclass
class Best:
    """``losses`` by step; only trained weights are kept."""

    patience: int
    losses: dict[int, float] = field(default_factory=dict)
    step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, step: int, loss: float, model: torch.nn.Module) -> bool:
        """Take note of an evaluation; True when it is time to stop."""
        better = not self.losses or loss < min(self.losses.values())
        self.losses[step] = loss
        if better:
            self.step = step
            self.weights = {name: p.detach().cpu().clone() for name, p in trained(model).items()}
        return self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether as many evaluations as there is patience for were no better than the best."""
        return sum(later > self.step for later in self.losses) >= self.patience

    def restore(self, model: torch.nn.Module) -> None:
        """Put the best weights into the model; nothing happens when there was no evaluation."""
        with torch.no_grad():
            for name, parameter in trained(model).items():
                if name in self.weights:
                    parameter.copy_(self.weights[name])

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file(self.weights, folder / _WEIGHTS)
        state = {"step": self.step, "losses": {str(step): loss for step, loss in self.losses.items()}}
        (folder / _STATE).write_bytes(orjson.dumps(state))

    def load(self, folder: Path) -> None:
        from safetensors.torch import load_file

        state: dict[str, Any] = orjson.loads((folder / _STATE).read_bytes())
        self.step = state["step"]
        self.losses = {int(step): loss for step, loss in state["losses"].items()}
        self.weights = load_file(folder / _WEIGHTS)


def trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}
