"""The order of batches: a pure function of lengths and seed."""

from __future__ import annotations

from itertools import islice

import pytest

from student.batches import grouped, packed, plan

LENGTHS = [10 + (7 * number) % 90 for number in range(600)]


@pytest.mark.parametrize("pack", [False, True])
def test_an_epoch_sees_every_record_once(pack: bool) -> None:
    batches = plan(LENGTHS, 400, 3, pack=pack, epochs=1)

    assert sorted(row for batch in batches for row in batch) == list(range(len(LENGTHS)))


def test_no_batch_is_over_its_budget() -> None:
    for batch in islice(grouped(LENGTHS, 400, 1), 200):
        assert len(batch) * max(LENGTHS[row] for row in batch) <= 400
    for batch in islice(packed(LENGTHS, 400, 1), 200):
        assert sum(LENGTHS[row] for row in batch) <= 400


def test_a_record_longer_than_the_budget_stands_alone() -> None:
    assert plan([50, 900, 50], 400, 0, pack=False, epochs=1).count([1]) == 1


def test_packing_leaves_little_room() -> None:
    batches = plan(LENGTHS, 400, 3, pack=True, epochs=1)

    assert sum(LENGTHS) / (400 * len(batches)) > 0.95


def test_the_seed_alone_decides_the_order() -> None:
    one, same, other = (plan(LENGTHS, 400, s, pack=False, epochs=2) for s in (1, 1, 2))

    assert one == same
    assert one != other


def test_a_training_can_be_cut_off() -> None:
    assert len(plan(LENGTHS, 400, 1, pack=False, epochs=1, most=7)) == 7
