"""Quota draws: counts near the sum of the probabilities, whatever the parts."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.profiles.sampling import Draws, rake, scaled


def test_hits_number_the_sum_of_their_probabilities() -> None:
    p = np.linspace(0, 0.3, 200)
    for part in range(20):
        assert abs(Draws(3, part).hits("x", p).sum() - p.sum()) < 1


def test_roundings_of_small_parts_cancel() -> None:
    counts = [Draws(3, part).hits("rare", np.full(16, 0.02)).sum() for part in range(250)]
    assert sum(counts) == pytest.approx(0.02 * 16 * 250, abs=2)


def test_a_certain_hit_and_an_impossible_one() -> None:
    drawn = Draws(1, 0).hits("x", np.array([0.0, 1.0] * 50))
    assert drawn.tolist() == [False, True] * 50


def test_strata_share_hits_alike() -> None:
    strata = np.repeat([0, 1, 2, 3], 50)
    drawn = Draws(5, 0).hits("x", np.full(200, 0.2), strata)
    assert all(abs(drawn[strata == one].sum() - 10) <= 1 for one in range(4))


def test_two_variables_are_not_aliased() -> None:
    draws = Draws(5, 0)
    first, second = draws.hits("a", np.full(4000, 0.5)), draws.hits("b", np.full(4000, 0.25))
    assert second[first].mean() == pytest.approx(0.25, abs=0.03)


def test_raking_meets_targets_and_keeps_what_cannot_be() -> None:
    affinity = np.ones((300, 3))
    affinity[:100, 0] = 0
    targets = np.array([0.2, 0.3, 0.5])
    p = rake(affinity, targets)
    assert p.mean(axis=0) == pytest.approx(targets, abs=1e-6)
    assert (p[:100, 0] == 0).all()


def test_categories_follow_targets_and_affinity() -> None:
    affinity = np.ones((1000, 2))
    affinity[:500, 0] = 4
    codes = Draws(5, 0).category("c", np.array([0.3, 0.7]), affinity)
    assert (codes == 0).sum() == pytest.approx(300, abs=2)
    assert (codes[:500] == 0).sum() > 2 * (codes[500:] == 0).sum()


def test_scaled_means_the_share_and_nobody_when_nobody_can() -> None:
    assert scaled(np.array([0.0, 1.0, 2.0, 1.0]), 0.25).mean() == pytest.approx(0.25)
    assert scaled(np.zeros(4), 0.25).tolist() == [0.0] * 4
