"""Sets, repetitions, RIR and rest of every programme entry (rules G-01, G-02, I-01, V-*, T-01)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats, Ints
from fitsense.simulation.moves import BODY, FEEL, LOADED, Moves
from fitsense.simulation.programme import ENTRIES, Programme
from fitsense.simulation.roster import Roster

COMPOUND_REPS = np.array(
    [
        [(8, 12), (6, 10), (6, 10)],
        [(8, 12), (6, 10), (6, 9)],
        [(8, 10), (4, 6), (3, 5)],
        [(8, 12), (8, 12), (8, 12)],
    ]
)
"""G-01: by goal (fat loss, muscle gain, strength, general) and experience."""
OTHER_REPS = np.array([[(10, 15)] * 3, [(10, 15)] * 3, [(8, 12)] * 3, [(10, 15)] * 3])
TARGET_RIR = np.array([[3, 2, 2], [2, 2, 1], [2, 2, 2], [3, 2, 2]], float)
"""G-02."""
REST_S = np.array([[90, 90, 120], [90, 120, 120], [120, 180, 180], [75, 90, 90]])
"""I-01: between compound sets; others have two thirds."""
COMPOUND_SETS, OTHER_SETS = np.array([3, 3, 4]), np.array([2, 3, 3])
MOST_SETS = 4
LIGHT_RIR = 5.0


@dataclass(frozen=True)
class Prescription:
    """Arrays (N, P); ``slot_sets`` (N, SESSIONS, SLOTS) is what a session has of them, 0 where cut."""

    low: Ints
    high: Ints
    rir: Floats
    sets: Ints
    rest_s: Floats
    slot_sets: Ints


def prescribe(moves: Moves, roster: Roster, programme: Programme) -> Prescription:
    """What the plan says of each entry; the strictest of goal, age and condition stands."""
    exercise = np.maximum(programme.exercise, 0)
    heavy = moves.compound[exercise] & (moves.kind[exercise] == LOADED)
    goal, experience = roster.goal[:, None], roster.experience[:, None]
    reps = np.where(heavy[..., None], COMPOUND_REPS[goal, experience], OTHER_REPS[goal, experience])
    reps = np.where((roster.reps[:, :1] > 0)[..., None], roster.reps[:, None, :], reps)
    reps = reps + np.where((moves.kind[exercise] == BODY)[..., None], [0, 3], 0)
    light = np.array([entry.startswith("light") for entry in ENTRIES])
    rir = np.maximum(TARGET_RIR[roster.goal, roster.experience], roster.rir_floor)[:, None]
    sets = np.where(moves.compound[exercise], COMPOUND_SETS[experience], OTHER_SETS[experience])
    careful = (roster.age >= 65) | (roster.rir_floor >= 3) | roster.has("obesity")
    sets = np.where(careful[:, None] | light, np.minimum(sets, 2), sets)
    rest = np.where(heavy, REST_S[goal, experience], REST_S[goal, experience] * 2 / 3)
    low, high = reps[..., 0], reps[..., 1]
    return Prescription(
        low=low,
        high=high,
        rir=np.where(light, LIGHT_RIR, rir + np.where(moves.kind[exercise] == FEEL, 0.5, 0.0)),
        sets=sets,
        rest_s=rest,
        slot_sets=_fitted(roster, programme, sets, high, rest),
    )


def _fitted(roster: Roster, programme: Programme, sets: Ints, reps: Ints, rest: Floats) -> Ints:
    """T-01: minutes = 5 + sets x (reps x 4 s + rest)/60 + warm-up + 1.5 an exercise; cut from the end.

    Two exercises always stay: a session shorter than those is none.
    """
    entry = np.maximum(programme.entry, 0).reshape(roster.size, -1)
    each = sets * (reps * 4.0 + rest) / 60 + 0.5 + 1.5
    minutes = np.take_along_axis(each, entry, 1).reshape(programme.entry.shape)
    planned = programme.entry >= 0
    spent = 5 + np.cumsum(np.where(planned, minutes, 0.0), axis=-1)
    kept = planned & ((spent <= roster.minutes[:, None, None]) | (np.arange(spent.shape[-1]) < 2))
    of_slot = np.take_along_axis(sets, entry, 1).reshape(programme.entry.shape)
    return np.where(kept, of_slot, 0)
