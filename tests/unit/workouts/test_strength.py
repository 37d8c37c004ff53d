"""The %1RM curve and the loads that exist, against the scalar rules."""

from __future__ import annotations

import numpy as np
import pytest

from fitsense.simulation.moves import LOADED, load_moves
from fitsense.simulation.strength import next_kg, reps_to_failure, round_kg, share_at, step_cap
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history.e1rm import percent_of_1rm
from fitsense.training.load.rounding import next_load, round_load

LOADS = np.array([3.3, 9.9, 10.0, 11.2, 24.0, 37.7, 63.0, 101.0])


def test_the_curve_is_the_rules_table_both_ways() -> None:
    n = np.arange(1, 15.5, 0.5)
    assert share_at(n) == pytest.approx([percent_of_1rm(one, 0) for one in n])
    assert reps_to_failure(share_at(n)) == pytest.approx(n)
    assert reps_to_failure(np.array([1.2, 0.811, 0.05])) == pytest.approx([0, 7, 50])


@pytest.mark.parametrize("units", ["kg", "lb"])
def test_rounding_is_the_rules(units: str) -> None:
    moves, catalog = load_moves(), load_catalog()
    code = np.full(len(LOADS), int(units == "lb"))
    for index in np.flatnonzero(moves.kind == LOADED):
        exercise, row = catalog[moves.ids[index]], np.full(len(LOADS), index)
        rounded = round_kg(moves, row, code, LOADS)
        assert rounded == pytest.approx([round_load(exercise, kg, units) for kg in LOADS], abs=0.011)
        after = next_kg(moves, row, code, rounded)
        assert (after > rounded).all()
        assert after == pytest.approx([round_load(exercise, kg, units) for kg in after], abs=0.011)
        if units == "kg":
            assert after == pytest.approx([next_load(exercise, kg, units) for kg in rounded], abs=0.011)


def test_the_weekly_step_is_capped() -> None:
    moves = load_moves()
    index = np.array([moves.ids.index(one) for one in ("sq01", "hp01", "bc01", "sq01")])
    capped = np.array([0.0, 0.0, 0.0, 5.0])
    assert step_cap(moves, index, capped) == pytest.approx([0.10, 0.05, 0.05, 0.05])
