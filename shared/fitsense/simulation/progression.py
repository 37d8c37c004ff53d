"""What the next week asks for: double progression, setbacks, deloads (rules P-01 to P-07, D-01 to D-04)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import BODY, HOME_MAX_KG, ITEMS, LOADED, Moves
from fitsense.simulation.prescription import Prescription
from fitsense.simulation.programme import ENTRIES, Programme
from fitsense.simulation.roster import Roster
from fitsense.simulation.strength import next_kg, reps_to_failure, round_kg, share_at, step_cap

MOST_REPS = 20
STALL_WEEKS = 3
MAIN = np.array([entry.split(".")[0] in ("squat", "hinge", "h_push", "h_pull") for entry in ENTRIES])


@dataclass
class Log:
    """State of N people's P entries; NaN ``kg`` where nothing is loaded."""

    kg: Floats
    target: Ints
    good: Ints
    """Weeks in a row in which every set reached the target."""
    bad: Ints
    """Weeks in a row in which a set missed the bottom of the range with nothing left (P-04)."""
    stale: Ints
    """Trained weeks without a success."""
    since_deload: Ints
    patience: Ints
    """(N,) weeks after which this person takes a deload."""
    stalled: Bools


@dataclass(frozen=True)
class Result:
    """A week's outcome of every entry, (N, P)."""

    tried: Bools
    success: Bools
    failed: Bools
    easy: Bools
    """Well above the planned RIR."""


def first_log(
    moves: Moves,
    roster: Roster,
    programme: Programme,
    plan: Prescription,
    one_rm: Floats,
    rng: np.random.Generator,
) -> Log:
    """A cautious start: the load of the middle of the range with half a repetition spare, one for novices."""
    exercise = np.maximum(programme.exercise, 0)
    target = plan.low + (rng.random(plan.low.shape) * (plan.high - plan.low + 1) * 0.5).astype(np.int64)
    spare = np.where(roster.experience == 0, 1.5, 0.5)[:, None]
    kg = one_rm * share_at(target + plan.rir + spare + 0.5 * (plan.sets - 1))
    loaded = (programme.exercise >= 0) & (moves.kind[exercise] == LOADED)
    units = np.broadcast_to(roster.units[:, None], exercise.shape)
    everyone = np.arange(roster.size)[:, None]
    kg = np.minimum(
        round_kg(moves, exercise, units, np.where(loaded, kg, 1.0)),
        heaviest(moves, roster, everyone, exercise),
    )
    zeros = np.zeros(plan.low.shape, np.int64)
    own_weight = moves.kind[exercise] == BODY
    able = reps_to_failure(_body_share(moves, roster, exercise, one_rm)) - plan.rir - spare
    target = np.where(own_weight, np.clip(able.astype(np.int64), np.minimum(plan.low, 6), MOST_REPS), target)
    return Log(
        kg=np.where(loaded, kg, np.nan),
        target=target,
        good=zeros.copy(),
        bad=zeros.copy(),
        stale=zeros.copy(),
        since_deload=rng.integers(0, 4, roster.size),
        patience=np.where(rng.random(roster.size) < 0.2, 9, rng.integers(5, 9, roster.size)),
        stalled=np.zeros(roster.size, bool),
    )


def _body_share(moves: Moves, roster: Roster, exercise: Ints, one_rm: Floats) -> Floats:
    load = moves.body_load[exercise] * roster.weight[:, None]
    return np.divide(load, one_rm, out=np.ones_like(load), where=one_rm > 0)


def heaviest(moves: Moves, roster: Roster, person: Ints, exercise: Ints) -> Floats:
    """R-01: a rack at home ends early; a gym's does not. ``person`` broadcasts to ``exercise``."""
    in_gym = roster.owns[:, ITEMS.index("machine")] | roster.owns[:, ITEMS.index("cable")]
    return np.where(moves.hand_held[exercise] & ~in_gym[person], HOME_MAX_KG, np.inf)


def wants_deload(roster: Roster, log: Log, week: int) -> Bools:
    """D-01(c) by habit, or when stalled; D-04: none for novices in their first 8 weeks."""
    due = (log.since_deload >= log.patience) | (log.stalled & (log.since_deload >= STALL_WEEKS))
    trained = (roster.experience > 0) | (roster.months * 4 + week >= 8)
    scheduled = due & ((roster.experience > 0) | log.stalled)
    return scheduled & trained & ~roster.blocked


def progress(
    moves: Moves,
    roster: Roster,
    programme: Programme,
    plan: Prescription,
    log: Log,
    result: Result,
    frozen: Bools,
) -> None:
    """Change ``log`` for the next week. ``frozen`` (N,): deload or too little sleep (S-03), nothing rises."""
    counted = result.tried & ~frozen[:, None]
    log.good = np.where(counted, np.where(result.success, log.good + 1, 0), log.good)
    log.bad = np.where(counted, np.where(result.failed, log.bad + 1, 0), log.bad)
    log.stale = np.where(counted, np.where(result.success, 0, log.stale + 1), log.stale)
    _raise_loads(moves, roster, programme, plan, log, counted & result.success, result.easy)
    _lower_loads(moves, roster, programme, plan, log, counted)
    main = MAIN & result.tried & counted
    stale = (main & (log.stale >= STALL_WEEKS)).sum(axis=1)
    log.stalled = np.where(main.any(axis=1), stale * 2 > main.sum(axis=1), log.stalled)


def _raise_loads(
    moves: Moves,
    roster: Roster,
    programme: Programme,
    plan: Prescription,
    log: Log,
    success: Bools,
    easy: Bools,
) -> None:
    """P-01: repetitions first, then load; P-02 caps the step; P-03: three repetitions more before a big."""
    exercise = np.maximum(programme.exercise, 0)
    units = np.broadcast_to(roster.units[:, None], exercise.shape)
    loaded = ~np.isnan(log.kg)
    kg = np.where(loaded, log.kg, 1.0)
    heavier = next_kg(moves, exercise, units, kg)
    cap = step_cap(moves, exercise, roster.step_pct[:, None])
    within = heavier <= kg * (1 + cap) + 1e-6
    double = next_kg(moves, exercise, units, heavier)
    heavier = np.where(easy & (double <= kg * (1 + cap)), double, heavier)
    ready = log.good >= np.where(roster.experience == 0, 1, 2)[:, None]
    top = np.where(within, plan.high, np.minimum(plan.high + 3, MOST_REPS))
    fits = heavier <= heaviest(moves, roster, np.arange(roster.size)[:, None], exercise)
    step = success & loaded & ready & fits & (log.target >= top)
    rise = np.log(heavier / kg) / 0.027
    lower = np.clip(np.round(log.target - rise).astype(np.int64), plan.low, plan.high)
    most = np.where(loaded & fits, top, MOST_REPS)
    more = np.where(
        success & (log.target < most), log.target + 1 + (easy & (log.target + 1 < most)), log.target
    )
    log.kg = np.where(step, heavier, log.kg)
    log.target = np.where(step, lower, more)
    log.good = np.where(step, 0, log.good)


def _lower_loads(
    moves: Moves, roster: Roster, programme: Programme, plan: Prescription, log: Log, counted: Bools
) -> None:
    """P-04: two weeks below the bottom of the range with nothing left: 7.5 % off, or fewer repetitions."""
    back = counted & (log.bad >= 2)
    exercise = np.maximum(programme.exercise, 0)
    units = np.broadcast_to(roster.units[:, None], exercise.shape)
    loaded = ~np.isnan(log.kg)
    less = round_kg(moves, exercise, units, np.where(loaded, log.kg, 1.0) * 0.925)
    log.kg = np.where(back & loaded, np.minimum(less, log.kg), log.kg)
    log.target = np.where(back, np.maximum(plan.low, log.target - 2), log.target)
    log.bad = np.where(back, 0, log.bad)
