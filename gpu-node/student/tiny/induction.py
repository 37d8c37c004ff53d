"""Initial weights that can look things up: a model of two million parameters has no time to find out how.

Transformers copy from their context by induction heads: a head of one layer notes at each token which token
stood before it, a head of the next layer looks for the place whose note is the present token and repeats
what stands there (Olsson et al. 2022, https://arxiv.org/abs/2209.11895). They form late, after far more
tokens than a laptop trains in minutes. So they are set by hand, the rest of the weights is random as ever,
and all of it is trained: structured initial weights, as in Trockman & Kolter 2023
(https://arxiv.org/abs/2305.09828).

Measured with 0.5 million tokens of training, of 60 plans: all valid with the right days; with the heads that
note distances alone 54 and 30. With 1.5 million tokens and random weights, of 150 plans: 131 and 101.

Of the residual stream's coordinates the first is the same for all tokens and the second marks the tokens that
begin an exercise. The last three blocks are notes, empty at first: the token before, the one before that, and
the last mark. The rest is the token's own random vector, a projection of which is what notes hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaAttention

SPREAD = 0.2
"""Standard deviation of the embedding's entries."""
CONSTANT, MARK = 6.0, 5.0
"""The first two coordinates, in units of SPREAD."""
SHARPNESS = 9.0
"""Of a look at a fixed distance: score, a frequency."""
NEARNESS, MARK_SCORE = 3.0, 10.0
"""Of a look at the last mark: score for being near, a frequency, and a third of that for being a mark."""
MATCH, SLOT_MATCH = 2.2, 1.54
"""Of a look at what is alike: square root of the score a dimension, unscaled."""
GAIN = 2.0
"""How much louder a copied token is than the present one."""
LOUDNESS = 0.1
"""The last norm's weight: without it the first logits would be in the hundreds."""
STILL = 0.003
"""Radians a token: rotary frequencies below leave the meaning of a vector alone over a whole record."""
THETA = 1e6
"""Of the rotary positions; with the usual 10,000 half as many frequencies are that slow."""


@dataclass(frozen=True)
class Layout:
    """Who uses which coordinates; ``width`` is that of a note."""

    hidden: int
    size: int
    width: int
    turns: Tensor

    @classmethod
    def of(cls, config: LlamaConfig) -> Layout:
        half = config.head_dim // 2
        theta = float(config.rope_parameters["rope_theta"])
        turns = theta ** (-torch.arange(half).float() / half)
        width = min(2 * int((turns < STILL).sum()), config.hidden_size // 6) // 2 * 2
        return cls(config.hidden_size, config.head_dim, width, turns)

    def note(self, number: int) -> slice:
        """0: the token before, 1: the one before that, 2: the last mark."""
        start = self.hidden - (3 - number) * self.width
        return slice(start, start + self.width)

    @property
    def token(self) -> slice:
        return slice(2, self.hidden - 3 * self.width)

    @property
    def own(self) -> int:
        return int(self.token.stop - self.token.start)

    @property
    def still(self) -> list[int]:
        """Dimensions of a head that rotary positions hardly turn, as many as a note has."""
        slow = [place for place, turn in enumerate(self.turns) if turn < STILL]
        slowest = slow[-(self.width // 2) :]
        return [*slowest, *(place + self.size // 2 for place in slowest)]

    def norm(self, *, noted: bool) -> float:
        """What RMSNorm divides by, in units of SPREAD, before and after the notes are written."""
        filled = self.own + CONSTANT**2 + 3 * self.width * noted
        return float((filled / self.hidden) ** 0.5)


@torch.no_grad()
def set_induction(model: LlamaForCausalLM, marks: Sequence[int], seed: int) -> None:
    """In place: embedding, the last norm, three heads of each of the first two layers.

    ``marks`` are the ids of the tokens that begin an exercise. Every head needs keys of its own.
    """
    dice = torch.Generator().manual_seed(seed)
    layout = Layout.of(model.config)
    embedding = model.get_input_embeddings().weight
    embedding.normal_(0, SPREAD, generator=dice)
    embedding[:, layout.token.stop :] = 0
    embedding[:, 0], embedding[:, 1] = SPREAD * CONSTANT, 0
    embedding[list(marks), 1] = SPREAD * MARK
    model.model.norm.weight.fill_(LOUDNESS)
    first, second = (layer.self_attn for layer in model.model.layers[:2])
    token = _projection(layout.width, layout, dice)
    _note_distance(_Head(first, 0, layout), 1, token, layout.note(0))
    _note_distance(_Head(first, 1, layout), 2, token, layout.note(1))
    _note_last_mark(_Head(first, 2, layout), token, layout.note(2))
    before, earlier, slot = (_reading(layout.note(number), layout) for number in range(3))
    half = layout.width // 2
    pair, noted_pair = torch.cat([token[:half], before[:half]]), torch.cat([before[:half], earlier[:half]])
    _copy(_Head(second, 0, layout), token, before, MATCH, dice)
    _copy(_Head(second, 1, layout), pair, noted_pair, MATCH, dice)
    _copy(_Head(second, 2, layout), slot, slot, SLOT_MATCH, dice)


class _Head:
    """Views of one head's weights, all zero: query, key and value (size, hidden), output (hidden, size)."""

    def __init__(self, attention: LlamaAttention, number: int, layout: Layout) -> None:
        rows = slice(number * layout.size, (number + 1) * layout.size)
        self.layout = layout
        self.query, self.key = attention.q_proj.weight[rows], attention.k_proj.weight[rows]
        self.value, self.output = attention.v_proj.weight[rows], attention.o_proj.weight[:, rows]
        for weights in (self.query, self.key, self.value, self.output):
            weights.zero_()

    def write(self, token: Tensor, note: slice) -> None:
        """What the head looks at, as ``token`` projects it, goes into ``note``, as loud as a token's own."""
        width = len(token)
        self.value[:width] = token * self.layout.norm(noted=False)
        self.output[note, :width] = SPREAD * torch.eye(width)


def _projection(rows: int, layout: Layout, dice: torch.Generator) -> Tensor:
    """(rows, hidden): random orthonormal rows that read tokens alone."""
    columns, _ = torch.linalg.qr(torch.randn(layout.own, rows, generator=dice))
    reading = torch.zeros(rows, layout.hidden)
    reading[:, layout.token] = columns.T
    return reading


def _reading(note: slice, layout: Layout) -> Tensor:
    """(width, hidden): a note as it stands."""
    reading = torch.zeros(layout.width, layout.hidden)
    reading[:, note] = torch.eye(layout.width)
    return reading


def _note_distance(head: _Head, distance: int, token: Tensor, note: slice) -> None:
    """Look back exactly so far: by rotary positions, a query turned back meets the key at that distance."""
    layout = head.layout
    turns = layout.turns[layout.turns > 0.05]
    count, half = len(turns), layout.size // 2
    strength = (SHARPNESS * layout.size**0.5) ** 0.5 * layout.norm(noted=False) / CONSTANT
    head.key[:count, 0] = strength
    head.query[:count, 0] = strength * torch.cos(turns * distance)
    head.query[half : half + count, 0] = -strength * torch.sin(turns * distance)
    head.write(token, note)


def _note_last_mark(head: _Head, token: Tensor, note: slice) -> None:
    """Look at the nearest token that is a mark: being one counts most, then being near."""
    layout, norm = head.layout, head.layout.norm(noted=False)
    slowest = layout.size // 2 - 1
    head.query[slowest, 0] = MARK_SCORE * layout.size**0.5 * norm / CONSTANT
    head.key[slowest, 1] = 3 * norm / MARK
    near = (layout.turns > 0.01) & (layout.turns < 0.4)  # many: no distance far away looks near to all
    strength = (NEARNESS * layout.size**0.5) ** 0.5 * norm / CONSTANT
    head.query[: layout.size // 2, 0] += strength * near
    head.key[: layout.size // 2, 0] += strength * near
    head.write(token, note)


def _copy(head: _Head, asked: Tensor, told: Tensor, match: float, dice: torch.Generator) -> None:
    """Look where ``told`` is what is ``asked`` here, and repeat the token that stands there."""
    layout, norm = head.layout, head.layout.norm(noted=True)
    still = layout.still
    head.query[still] = match * norm * asked
    head.key[still] = match * norm * told
    token = _projection(min(layout.size, layout.own), layout, dice)
    head.value[: len(token)] = norm * token
    head.output[:, : len(token)] = GAIN * SPREAD * token.T
