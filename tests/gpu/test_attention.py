"""Attention by blocks and the head by tiles: cheaper, and the same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from student.attention import BLOCK, attend
from student.head import TILE, head_loss

HEADS, SHARED, SIZE = 6, 2, 8


def states(rows: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    query = torch.randn(rows, HEADS, length, SIZE, requires_grad=True)
    key, value = (torch.randn(rows, SHARED, length, SIZE, requires_grad=True) for _ in range(2))
    return query, key, value


def plainly(query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
    """By a mask of the length squared; with the layout that transformers wants."""
    key, value = (x.repeat_interleave(HEADS // SHARED, dim=1) for x in (key, value))
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen).transpose(1, 2)


def distance(length: int) -> Tensor:
    return torch.arange(length)[:, None] - torch.arange(length)


def assert_same(mine: Tensor, plain: Tensor, inputs: tuple[Tensor, ...]) -> None:
    """Values and gradients."""
    torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)
    torch.manual_seed(1)
    along = torch.randn_like(plain)
    one, two = (torch.autograd.grad(out, inputs, along) for out in (mine, plain))
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("window", [None, 1, 50, BLOCK + 20])
@pytest.mark.parametrize("length", [1, 7, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_a_query_sees_itself_and_what_was_before_within_its_window(length: int, window: int | None) -> None:
    inputs = states(2, length)
    seen = distance(length) >= 0
    if window:
        seen &= distance(length) < window

    mine, _ = attend(None, *inputs, None, sliding_window=window)

    assert_same(mine, plainly(*inputs, seen), inputs)


@pytest.mark.parametrize("window", [None, 20])
def test_a_record_of_a_packed_row_sees_itself_alone(window: int | None) -> None:
    sizes = [1, 40, BLOCK + 9, 3]
    bounds = torch.tensor([0, *torch.tensor(sizes).cumsum(0).tolist()], dtype=torch.int32)
    record = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    inputs = states(1, sum(sizes))
    seen = (distance(sum(sizes)) >= 0) & (record[:, None] == record)
    if window:
        seen &= distance(sum(sizes)) < window

    mine, _ = attend(
        None, *inputs, None, sliding_window=window, cu_seq_lens_q=bounds, max_length_q=max(sizes)
    )

    assert_same(mine, plainly(*inputs, seen), inputs)


def test_a_scale_of_the_models_own_is_kept() -> None:
    query, key, value = states(1, 9)
    seen = distance(9) >= 0

    mine, _ = attend(None, query, key, value, None, scaling=0.5)

    plain = plainly(query * 0.5 * SIZE**0.5, key, value, seen)
    torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tokens", [1, TILE, 2 * TILE + 3])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_heads_loss_and_gradients_are_those_of_its_logits(tokens: int, frozen: bool) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(tokens, SIZE, requires_grad=True)
    head = torch.randn(50, SIZE, requires_grad=not frozen)
    labels, weights = torch.randint(0, 50, (tokens,)), torch.rand(tokens) + 0.1
    inputs = (hidden,) if frozen else (hidden, head)

    each = functional.cross_entropy(hidden @ head.T, labels, reduction="none")
    plain = (each * weights).sum() / weights.sum()
    mine, losses = head_loss(hidden, head, labels, weights)

    assert_same(mine, plain, inputs)
    torch.testing.assert_close(losses, each.detach())
    with torch.no_grad():
        torch.testing.assert_close(head_loss(hidden, head, labels, weights), (mine, losses))


def test_the_heads_products_are_in_autocasts_type() -> None:
    torch.manual_seed(0)
    hidden, head = torch.randn(40, SIZE, requires_grad=True), torch.randn(50, SIZE, requires_grad=True)
    labels, weights = torch.randint(0, 50, (40,)), torch.ones(40)

    exact, _ = head_loss(hidden, head, labels, weights)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = head_loss(hidden, head, labels, weights)

    assert rounded != exact
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)
    gradients = torch.autograd.grad(rounded, (hidden, head))
    assert [gradient.dtype for gradient in gradients] == [torch.float32, torch.float32]
