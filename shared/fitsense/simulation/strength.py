"""The %1RM curve both ways, and loads that exist, on arrays (rules §2, R-01, P-02)."""

from __future__ import annotations

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import LIGHT_STEP_UPTO, Moves
from fitsense.training.history.e1rm import PERCENT_OF_1RM
from fitsense.training.load.rounding import KG_PER_LB

_TABLE_REPS = 1 + 0.5 * np.arange(len(PERCENT_OF_1RM))
_REPS = np.concatenate([[0.0], _TABLE_REPS, [20.0, 27.0, 36.0, 50.0]])
_SHARES = np.concatenate([[1.03], np.array(PERCENT_OF_1RM) / 100, [0.5, 0.4, 0.3, 0.2]])
"""The RIR table, with a failed single above it and, below, the flat tail of body-weight work (house)."""
PER_UNIT = np.array([1.0, KG_PER_LB])
_EPSILON = 1e-6
CENTS = 0.01
"""Pounds are stored as kilograms with two decimals: a load may be this share of a step below its grid."""


def reps_to_failure(share: Floats) -> Floats:
    """n = reps + RIR that a fresh set allows at ``share`` of the 1RM: 0 where it is too heavy, at most 50."""
    found: Floats = np.interp(share, _SHARES[::-1], _REPS[::-1])
    return found


def share_at(reps_and_rir: Floats) -> Floats:
    """Share of the 1RM at n = reps + RIR."""
    found: Floats = np.interp(reps_and_rir, _REPS, _SHARES)
    return found


def grid_step(moves: Moves, exercise: Ints, units: Ints, kg: Floats) -> Floats:
    """R-01: the implement's step near ``kg``, in kg; all arrays of one shape."""
    light = kg <= LIGHT_STEP_UPTO[units] * PER_UNIT[units] + _EPSILON
    step = np.where(light, moves.step_light[exercise, units], moves.step_heavy[exercise, units])
    found: Floats = step * PER_UNIT[units]
    return found


def round_kg(moves: Moves, exercise: Ints, units: Ints, kg: Floats) -> Floats:
    """R-01: the nearest load that exists, not below the implement's lightest."""
    step = grid_step(moves, exercise, units, kg)
    lightest = moves.lightest[exercise, units]
    return np.round(np.maximum(np.floor(kg / step + 0.5) * step, lightest), 2)


def next_kg(moves: Moves, exercise: Ints, units: Ints, kg: Floats) -> Floats:
    """The next heavier load that exists."""
    step = grid_step(moves, exercise, units, kg + CENTS)
    return np.round((np.floor(kg / step + CENTS) + 1) * step, 2)


def step_cap(moves: Moves, exercise: Ints, capped: Floats) -> Floats:
    """P-02: largest rise of a load in a week: 10 % lower-body compounds, else 5 %; ``capped`` > 0 binds more.

    ``capped`` is the person's own bound in per cent (age, conditions), 0 for none.
    """
    usual = np.where(moves.lower[exercise], 0.10, 0.05)
    return np.where(capped > 0, np.minimum(usual, capped / 100), usual)


def too_light_to_load(moves: Moves, anchors: Floats, units: Ints) -> Bools:
    """(N, E): loaded exercises whose lightest load is already above a working weight of 12 repetitions."""
    one_rm = moves.ratio * anchors[:, moves.group]
    return 0.7 * one_rm < moves.lightest[:, units].T
