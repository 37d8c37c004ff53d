"""Doing the sets of a week: how many repetitions come out, and what the person writes down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import BODY, LOADED, Moves
from fitsense.simulation.prescription import MOST_SETS
from fitsense.simulation.roster import Roster
from fitsense.simulation.strength import reps_to_failure

SLEEP_COST_PER_H, MOST_SLEEP_COST = 0.018, 0.07
"""Share of the 1RM lost per hour of last night's sleep below the habit (Craven 2022; S-02)."""
SORENESS_COST = 0.004
DAY_NOISE, SET_NOISE = 0.015, 0.4
MOST_RIR = 6.0


@dataclass(frozen=True)
class Work:
    """M planned exercises that were done: flat arrays. ``kg`` is NaN without a load."""

    person: Ints
    session: Ints
    entry: Ints
    exercise: Ints
    sets: Ints
    kg: Floats
    planned_kg: Floats
    target: Ints
    rir: Floats


@dataclass(frozen=True)
class Sets:
    """What came out. (M, MOST_SETS), of which ``done`` says which exist."""

    done: Bools
    reps: Ints
    rir: Floats
    true_rir: Floats
    intensity: Floats
    """(M,) share of the 1RM."""


def day_factor(roster: Roster, slept: Floats, soreness: Floats, rng: np.random.Generator) -> Floats:
    """(N, SESSIONS) what a night, sore muscles and the day itself do to the 1RM."""
    short = np.maximum(np.minimum(roster.sleep_hours, 7.5)[:, None] - slept, 0)
    sleep = np.minimum(SLEEP_COST_PER_H * short, MOST_SLEEP_COST)
    found: Floats = 1 - sleep - SORENESS_COST * soreness + rng.standard_normal(slept.shape) * DAY_NOISE
    return found


def perform(
    moves: Moves,
    roster: Roster,
    work: Work,
    one_rm: Floats,
    body_kg: Floats,
    rir_noise: float,
    rng: np.random.Generator,
) -> Sets:
    """Do ``work``. ``one_rm`` (M,) is the day's 1RM of each exercise's implement, ``body_kg`` (N,) weight.

    A person does the target and stops; where the day does not allow it, they go up to two repetitions
    nearer to failure than planned, then cut repetitions. What feels easy sometimes gets one more.
    """
    fresh, intensity = _fresh_reps(moves, work, one_rm, body_kg, rng)
    shape = (len(fresh), MOST_SETS)
    number = np.arange(MOST_SETS, dtype=np.float32)
    tiring = (0.2 + 0.03 * fresh)[:, None] * number
    able = fresh[:, None] - tiring + rng.standard_normal(shape, dtype=np.float32) * SET_NOISE
    target, planned = work.target[:, None], work.rir[:, None]
    wanted = target + ((able - target > planned + 1.5) & (rng.random(shape, dtype=np.float32) < 0.3))
    nearest = np.maximum(planned - 2, 0)
    reps = np.maximum(np.minimum(wanted, np.floor(able - nearest)), 1)
    true_rir = np.clip(able - reps, 0, 10)
    return Sets(
        done=number < work.sets[:, None],
        reps=reps.astype(np.int8),
        rir=_reported(roster.experience[work.person][:, None], true_rir, rir_noise, rng),
        true_rir=true_rir,
        intensity=intensity,
    )


def _fresh_reps(
    moves: Moves, work: Work, one_rm: Floats, body_kg: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Repetitions to failure of a first set and the share of the 1RM they are done at, (M,) float32.

    By feel (bands and the like) the resistance is chosen to suit the target.
    """
    kind = moves.kind[work.exercise]
    load = np.where(kind == BODY, moves.body_load[work.exercise] * body_kg[work.person], work.kg)
    share = np.divide(load, one_rm, out=np.full(len(load), 0.6), where=(kind <= BODY) & (one_rm > 0))
    by_feel = work.target + work.rir + 0.6 + rng.standard_normal(len(load)) * 0.8
    fresh = np.where((kind == LOADED) | (kind == BODY), reps_to_failure(share), by_feel)
    return fresh.astype(np.float32), np.clip(share, 0.3, 1.0)


def _reported(experience: Ints, true_rir: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """M-06: in half repetitions; vaguer far from failure, and novices pull everything towards the middle."""
    novice = experience == 0
    spread = noise * (1 + 0.12 * np.maximum(true_rir - 2, 0)) * np.where(novice, 1.3, 1.0).astype(np.float32)
    felt = np.where(novice, np.float32(0.75) * true_rir + np.float32(0.6), true_rir)
    felt = felt + rng.standard_normal(true_rir.shape, dtype=np.float32) * spread
    return np.clip(np.round(felt * 2) / 2, 0, MOST_RIR).astype(np.float32)
