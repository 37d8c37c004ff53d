"""Batches: which records are seen together and in which order, all of it known before the first step.

The whole order is a pure function of lengths and seed, so that a resumed training goes on where it stood
without any state but the number of steps.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Any

import torch

from student.encoding import Example

IGNORED = -100
POOL = 256
"""Records that are sorted by length together: more would pad less and shuffle less."""


def grouped(lengths: Sequence[int], budget: int, seed: int) -> Iterator[list[int]]:
    """Endless batches of records of like length; ``budget`` is rows times the longest, padding included."""
    dice = random.Random(seed)
    order = list(range(len(lengths)))
    while True:
        dice.shuffle(order)
        for start in range(0, len(order), POOL):
            pool = sorted(order[start : start + POOL], key=lambda row: lengths[row])
            batches = list(_cut(pool, lengths, budget))
            dice.shuffle(batches)
            yield from batches


def _cut(pool: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for row in pool:  # ascending: the newest is the longest
        if batch and (len(batch) + 1) * lengths[row] > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def packed(lengths: Sequence[int], budget: int, seed: int) -> Iterator[list[int]]:
    """Endless batches whose records fill one row of ``budget`` tokens: best fit, longest first."""
    dice = random.Random(seed)
    order = list(range(len(lengths)))
    while True:
        dice.shuffle(order)
        for start in range(0, len(order), POOL):
            rows = _fill(order[start : start + POOL], lengths, budget)
            dice.shuffle(rows)
            yield from rows


def _fill(pool: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    rows: list[tuple[int, list[int]]] = []
    for row in sorted(pool, key=lambda row: -lengths[row]):
        fitting = [place for place, (room, _) in enumerate(rows) if room >= lengths[row]]
        if not fitting:
            rows.append((budget - lengths[row], [row]))
            continue
        place = min(fitting, key=lambda place: rows[place][0])
        room, members = rows[place]
        rows[place] = (room - lengths[row], [*members, row])
    return [members for _, members in rows]


def plan(
    lengths: Sequence[int],
    budget: int,
    seed: int,
    *,
    pack: bool,
    epochs: float,
    most: int | None = None,
) -> list[list[int]]:
    """All batches of a training: ``epochs`` passes over the records, of at most ``most`` batches together."""
    wanted = round(epochs * len(lengths))
    batches: list[list[int]] = []
    seen = 0
    for batch in islice((packed if pack else grouped)(lengths, budget, seed), most):
        batches.append(batch)
        seen += len(batch)
        if seen >= wanted:
            break
    return batches


def collate(examples: Sequence[Example], *, pack: bool, pad: int) -> dict[str, Any]:
    """Tensors of a batch: ``input_ids``, ``labels``, ``loss_weights``, all (rows, length).

    Padding is on the right and needs no mask. A packed row has ``position_ids`` that start anew with each
    record, and the records' bounds as flash attention wants them.
    """
    if not pack:
        return _padded(examples, pad)
    ids = [token for example in examples for token in example.ids]
    weights = [w for example in examples for w in [0.0, *example.weights[1:]]]
    positions = [place for example in examples for place in range(len(example))]
    lengths = [len(example) for example in examples]
    return {
        **_targets([ids], [weights]),
        "position_ids": torch.tensor([positions]),
        "cu_seq_lens_q": torch.tensor([0, *accumulate(lengths)], dtype=torch.int32),
        "max_length_q": max(lengths),
    }


def _padded(examples: Sequence[Example], pad: int) -> dict[str, torch.Tensor]:
    length = max(len(example) for example in examples)
    ids = [example.ids + [pad] * (length - len(example)) for example in examples]
    weights = [[0.0, *e.weights[1:]] + [0.0] * (length - len(e)) for e in examples]
    return _targets(ids, weights)


def _targets(ids: list[list[int]], weights: list[list[float]]) -> dict[str, torch.Tensor]:
    tokens, loss_weights = torch.tensor(ids), torch.tensor(weights)
    return {
        "input_ids": tokens,
        "labels": tokens.masked_fill(loss_weights == 0, IGNORED),
        "loss_weights": loss_weights,
    }
