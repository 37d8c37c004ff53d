"""The steps of one training week, each a function of arrays."""

from __future__ import annotations

import numpy as np

from fitsense.simulation.adaptation import Dose
from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.attendance import Life
from fitsense.simulation.moves import Moves
from fitsense.simulation.prescription import Prescription
from fitsense.simulation.programme import SESSIONS, SLOTS, Programme
from fitsense.simulation.progression import Log, Result
from fitsense.simulation.response import RESPONSE, Response, fatigue_worth, strength_worth
from fitsense.simulation.roster import Roster
from fitsense.simulation.session import Sets, Work
from fitsense.simulation.strength import round_kg, share_at

PAIN_STOPS, PAIN_LOAD = 3, 0.85
"""C-PAINRULE: from here on the painful patterns are skipped; what the area shares is done lighter."""
DELOAD_LOAD, DELOAD_RIR = 0.9, 4.0
"""D-02."""
BREAK_LOADS = np.array([1.0, 0.95, 0.9, 0.9, 0.8])
"""P-06: by whole weeks missed before."""
SORE_MISS = 0.03
"""How much each point of soreness above its usual level raises the chance to miss."""
USUAL_SORENESS = 1.5
GROUPS = 3
"""Lift groups: legs, push, pull."""
LOWER_AREAS = frozenset({"knee", "low_back", "hip", "ankle"})


def attended(weekday: Ints, life: Life, sore: Floats, week: int, rng: np.random.Generator) -> Bools:
    """(N, SESSIONS) planned sessions that the person turns up for; ``weekday`` is -1 where there is none."""
    planned = weekday >= 0
    # A power, so that who misses never or always still does.
    chance = life.miss ** (1 / (1 + SORE_MISS * (sore - USUAL_SORENESS)))
    missed = rng.random(planned.shape) < chance[:, None]
    return planned & ~missed & ~life.lost_week[:, week, None]


def slot_work(
    moves: Moves,
    roster: Roster,
    programme: Programme,
    plan: Prescription,
    life: Life,
    log: Log,
    going: Bools,
    deload: Bools,
    gap_weeks: Ints,
    week: int,
) -> tuple[Work, Bools]:
    """What is done of the week's plan, and the sessions (N, SESSIONS) of which anything is left.

    Pain takes exercises out; deloads and breaks take sets and load off.
    """
    day = week * 7 + np.maximum(programme.weekday, 0)
    hurts = np.take_along_axis(life.pain, day, 1) >= PAIN_STOPS
    area = np.where(hurts, np.take_along_axis(life.area, day, 1), 0)
    flat_entry = np.maximum(programme.entry, 0).reshape(roster.size, -1)
    exercise = np.take_along_axis(programme.exercise, flat_entry, 1).reshape(programme.entry.shape)
    barred = moves.pain_excludes[area[..., None], exercise]
    chosen = np.flatnonzero((plan.slot_sets > 0) & going[..., None] & ~barred)
    person, session = chosen // (SESSIONS * SLOTS), chosen // SLOTS % SESSIONS
    entry = programme.entry.ravel()[chosen]
    done = np.zeros(going.shape, bool)
    done[person, session] = True
    sets = plan.slot_sets.ravel()[chosen]
    sets = np.where(deload[person], (sets + 1) // 2, sets)
    first_weeks = (roster.months[person] == 0) & (week < 2)
    rir = np.where(first_weeks, np.maximum(plan.rir[person, entry], 3.0), plan.rir[person, entry])
    rir = np.where(deload[person], np.maximum(rir + 2, DELOAD_RIR), rir)
    work_exercise = exercise.ravel()[chosen]
    planned, lifted = _loads(
        moves, roster, log, person, entry, work_exercise, area[person, session], deload, gap_weeks
    )
    return (
        Work(person, session, entry, work_exercise, sets, lifted, planned, log.target[person, entry], rir),
        done,
    )


def _loads(
    moves: Moves,
    roster: Roster,
    log: Log,
    person: Ints,
    entry: Ints,
    exercise: Ints,
    area: Ints,
    deload: Bools,
    gap_weeks: Ints,
) -> tuple[Floats, Floats]:
    """(M,) planned and lifted kg: a deload and a break are planned, pain is not."""
    kg, units = log.kg[person, entry], roster.units[person]
    loaded = ~np.isnan(kg)
    back = BREAK_LOADS[np.minimum(gap_weeks[person], len(BREAK_LOADS) - 1)]
    factor = np.where(deload[person], DELOAD_LOAD, 1.0) * back
    lower_area = np.array([False, *(name in LOWER_AREAS for name in moves.pain_areas)])
    shared = (area > 0) & (lower_area[area] == (moves.group[exercise] == 0))
    bare = np.where(loaded, kg, 1.0)
    planned = np.where(factor < 1, np.minimum(round_kg(moves, exercise, units, bare * factor), bare), bare)
    eased = np.minimum(round_kg(moves, exercise, units, planned * PAIN_LOAD), planned)
    lifted = np.where(shared, eased, planned)
    return np.where(loaded, planned, np.nan), np.where(loaded, lifted, np.nan)


def outcome(work: Work, sets: Sets, plan: Prescription) -> Result:
    """P-01, P-04: was every set of an entry on target, did one miss the bottom with nothing left."""
    shape = plan.low.shape
    key = work.person * shape[1] + work.entry
    absent = ~sets.done
    mean_rir = np.where(sets.done, sets.rir, 0).sum(axis=1) / np.maximum(sets.done.sum(axis=1), 1)
    reached = ((sets.reps >= work.target[:, None]) | absent).all(axis=1)
    success = reached & (mean_rir >= work.rir - 0.75)
    low = plan.low[work.person, work.entry]
    failed: Bools = np.any((sets.reps < low[:, None]) & (sets.rir <= 0.5) & sets.done, axis=1)
    easy = mean_rir >= work.rir + 1.25

    def count(which: Bools) -> Ints:
        return np.bincount(key[which], minlength=shape[0] * shape[1]).reshape(shape)

    tried, good = count(np.ones(len(key), bool)), count(success)
    return Result(
        tried=tried > 0,
        success=(tried > 0) & (good == tried),
        failed=count(failed) > 0,
        easy=(tried > 0) & (count(easy) == tried),
    )


def lift_dose(
    moves: Moves, exercise: Ints, person: Ints, sets: Sets, people: int, response: Response = RESPONSE
) -> Dose:
    """The week's sets of each lift group by their share of the 1RM; (M,) ``exercise`` and ``person``."""
    weight = sets.intensity * moves.dosed[exercise]
    key = person * GROUPS + moves.group[exercise]

    def summed(worth: Floats) -> Floats:
        total = (worth * sets.done).sum(axis=1) * weight
        found = np.bincount(key, total, minlength=people * GROUPS)
        return found.reshape(people, GROUPS).astype(np.float64)

    return Dose(
        stimulus=summed(strength_worth(response, sets.true_rir)),
        effort=summed(fatigue_worth(response, sets.true_rir)),
    )


def sets_of_sessions(person: Ints, session: Ints, sets: Ints, people: int) -> Ints:
    """(N, SESSIONS) sets done; the first three are (M,)."""
    key = person * SESSIONS + session
    return np.bincount(key, sets, minlength=people * SESSIONS).reshape(people, SESSIONS)


def planned_dose(moves: Moves, programme: Programme, plan: Prescription) -> Floats:
    """(N, 3) the same of an ordinary planned week."""
    people = len(programme.exercise)
    chosen = np.flatnonzero(plan.slot_sets > 0)
    person, entry = chosen // (SESSIONS * SLOTS), programme.entry.ravel()[chosen]
    exercise = programme.exercise[person, entry]
    middle = (plan.low[person, entry] + plan.high[person, entry]) / 2 + plan.rir[person, entry]
    weight = plan.slot_sets.ravel()[chosen] * share_at(middle) * moves.dosed[exercise]
    key = person * GROUPS + moves.group[exercise]
    return np.bincount(key, weight, minlength=people * GROUPS).reshape(people, GROUPS).astype(np.float64)


def soreness_after(
    roster: Roster,
    weekday: Ints,
    session_sets: Ints,
    sore: Floats,
    week: int,
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Reported soreness (N, 7), 0-10, and its level at the end of the week; (N, SESSIONS) ``session_sets``.

    Half of it is gone after a day; what is new hurts more (repeated-bout effect, McHugh 2003).
    """
    novelty = 1 + 1.2 * np.exp(-(week + roster.months * 4) / 2)
    stimulus = np.zeros((roster.size, 8))
    people = np.arange(roster.size)
    for session in range(SESSIONS):
        on = weekday[:, session]
        stimulus[people, np.where(on >= 0, on, 7)] += session_sets[:, session]
    stimulus *= 0.14 * novelty[:, None]
    level, days = sore, np.empty((roster.size, 7))
    for day in range(7):
        days[:, day] = level
        level = 0.5 * level + stimulus[:, day]
    reported = days + rng.standard_normal(days.shape) * 0.7
    return np.clip(np.round(reported), 0, 10).astype(np.int8), level
