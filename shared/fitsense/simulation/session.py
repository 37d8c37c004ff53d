"""Doing the sets of a week: how many repetitions come out, and what the person writes down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import BODY, LOADED, Moves
from fitsense.simulation.prescription import MOST_SETS
from fitsense.simulation.response import RESPONSE, Response
from fitsense.simulation.roster import Roster
from fitsense.simulation.strength import reps_to_failure

MOST_SLEEP_COST = 0.07
SORENESS_COST = 0.004
DAY_NOISE, SET_NOISE = 0.015, 0.4
MOST_RIR = 6.0
NOVICE_FEELS = (0.75, 0.6)
"""A novice's felt RIR: slope and shift."""


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


def day_factor(
    roster: Roster,
    slept: Floats,
    soreness: Floats,
    rng: np.random.Generator,
    response: Response = RESPONSE,
) -> Floats:
    """(N, SESSIONS) what a night, sore muscles and the day itself do to the 1RM."""
    short = np.maximum(np.minimum(roster.sleep_hours, 7.5)[:, None] - slept, 0)
    sleep = np.minimum(response.sleep_cost_per_h * short, MOST_SLEEP_COST)
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
    fresh, intensity = fresh_reps(moves, work, one_rm, body_kg, rng)
    able = able_reps(fresh, MOST_SETS, rng)
    shape, number = able.shape, np.arange(MOST_SETS)
    target, planned = work.target[:, None], work.rir[:, None]
    wanted = target + ((able - target > planned + 1.5) & (rng.random(shape, dtype=np.float32) < 0.3))
    nearest = np.maximum(planned - 2, 0)
    reps = np.maximum(np.minimum(wanted, np.floor(able - nearest)), 1)
    true_rir = np.clip(able - reps, 0, 10)
    return Sets(
        done=number < work.sets[:, None],
        reps=reps.astype(np.int8),
        rir=reported_rir(roster.experience[work.person][:, None], true_rir, rir_noise, rng),
        true_rir=true_rir,
        intensity=intensity,
    )


def able_reps(fresh: Floats, sets: int, rng: np.random.Generator, tiring: float = 1.0) -> Floats:
    """(M, sets) repetitions to failure of each set, from those of a fresh one; ``tiring`` scales the loss."""
    number = np.arange(sets, dtype=np.float32)
    lost = np.float32(tiring) * (0.2 + 0.03 * fresh)[:, None] * number
    noise = rng.standard_normal((len(fresh), sets), dtype=np.float32) * SET_NOISE
    able: Floats = fresh[:, None] - lost + noise
    return able


def fresh_reps(
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


def rir_spread(experience: Ints, rir: Floats, noise: float) -> Floats:
    """M-06: standard deviation of a felt RIR: vaguer far from failure, and in novices."""
    novice = np.where(experience == 0, 1.3, 1.0).astype(np.float32)
    spread: Floats = noise * (1 + 0.12 * np.maximum(rir - 2, 0)) * novice
    return spread


def felt_rir(experience: Ints, true_rir: Floats) -> Floats:
    """What ``true_rir`` feels like on average: novices pull everything towards the middle."""
    slope, shift = NOVICE_FEELS
    felt: Floats = np.where(experience == 0, np.float32(slope) * true_rir + np.float32(shift), true_rir)
    return felt


def true_rir_of(experience: Ints, felt: Floats) -> Floats:
    """The true RIR that feels like ``felt``: the inverse of ``felt_rir``."""
    slope, shift = NOVICE_FEELS
    found: Floats = np.where(experience == 0, (felt - np.float32(shift)) / np.float32(slope), felt)
    return found


def written_rir(felt: Floats) -> Floats:
    """As people write it down: in half repetitions, 0 to 6."""
    return np.clip(np.round(felt * 2) / 2, 0, MOST_RIR).astype(np.float32)


def reported_rir(experience: Ints, true_rir: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """What a person writes after a set that left ``true_rir``."""
    spread = rir_spread(experience, true_rir, noise)
    error = rng.standard_normal(true_rir.shape, dtype=np.float32) * spread
    return written_rir(felt_rir(experience, true_rir) + error)
