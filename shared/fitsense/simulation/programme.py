"""Which exercises a person's week holds: roles filled from what equipment, conditions and strength allow.

A programme has P entries (a role and a variant, e.g. the second squat) and up to 6 sessions of up to
7 entries, most important first: what does not fit the session's minutes is cut from the end (T-01).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.moves import BODY, LOADED, Moves
from fitsense.simulation.roster import Roster
from fitsense.simulation.strength import reps_to_failure, too_light_to_load

SESSIONS, SLOTS = 6, 7
ROLES: dict[str, dict[str, float]] = {
    "squat": {"squat": 20, "lunge": 8, "knee_ext": 4, "hip_abd": 2},
    "hinge": {"hinge": 20, "knee_flex": 8, "hip_abd": 3},
    "h_push": {"h_push": 20, "chest_iso": 4},
    "h_pull": {"h_pull": 20},
    "v_push": {"v_push": 20, "shoulder_iso": 8},
    "v_pull": {"v_pull": 20, "h_pull": 4},
    "single_leg": {"lunge": 20, "hip_abd": 8, "knee_ext": 6, "squat": 3},
    "legs": {"knee_flex": 20, "knee_ext": 19, "calf": 19, "hip_abd": 17, "hip_add": 16},
    "chest": {"chest_iso": 20, "h_push": 12},
    "delts": {"shoulder_iso": 20},
    "biceps": {"elbow_flex": 20},
    "triceps": {"elbow_ext": 20, "h_push": 4},
    "core": {"core_antiext": 20, "core_antirot": 20, "core_flex": 18, "core_lat": 18,
             "carry": 17, "core_rot": 15},
    "light": {"mobility": 20, "balance": 20},
}  # fmt: skip
"""Role → pattern → how wanted; far smaller numbers are stand-ins."""
LIGHT_VARIANTS = 5

_FULL = (
    "squat.0 h_push.0 h_pull.0 hinge.1 delts.0 core.0 biceps.0",
    "hinge.0 v_push.0 v_pull.0 single_leg.0 chest.0 core.1 triceps.0",
    "squat.1 h_push.1 h_pull.1 legs.0 v_pull.1 core.0 delts.1",
)
_UPPER = (
    "h_push.0 h_pull.0 v_push.0 v_pull.0 delts.0 biceps.0 triceps.0",
    "v_pull.1 h_push.1 h_pull.1 v_push.1 chest.0 triceps.0 biceps.0",
)
_LOWER = ("squat.0 hinge.1 single_leg.0 legs.0 core.0", "hinge.0 squat.1 legs.1 single_leg.1 core.1")
_PUSH = ("h_push.0 v_push.0 chest.0 delts.0 triceps.0", "v_push.1 h_push.1 chest.0 delts.1 triceps.0")
_PULL = ("h_pull.0 v_pull.0 h_pull.1 delts.1 biceps.0", "v_pull.1 h_pull.1 v_pull.0 delts.1 biceps.0")
SPLITS: dict[int, tuple[str, ...]] = {
    1: _FULL[:1],
    2: _FULL[:2],
    3: _FULL,
    4: (_UPPER[0], _LOWER[0], _UPPER[1], _LOWER[1]),
    5: (_UPPER[0], _LOWER[0], _PUSH[1], _PULL[1], _LOWER[1]),
    6: (_PUSH[0], _PULL[0], _LOWER[0], _PUSH[1], _PULL[1], _LOWER[1]),
}
WEEKDAYS: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((2,), (5,)),
    2: ((0, 3), (1, 5)),
    3: ((0, 2, 4), (1, 3, 5)),
    4: ((0, 1, 3, 5), (0, 2, 3, 5)),
    5: ((0, 1, 3, 4, 5), (0, 1, 2, 4, 5)),
    6: ((0, 1, 2, 4, 5, 6), (0, 1, 2, 3, 4, 5)),
}
"""F-02, F-03: days of the training week, two habits each."""
_LIGHT = " ".join(f"light.{number}" for number in range(LIGHT_VARIANTS))
ENTRIES: tuple[str, ...] = tuple(
    dict.fromkeys(" ".join([*(one for split in SPLITS.values() for one in split), _LIGHT]).split())
)


@dataclass(frozen=True)
class Programme:
    """``exercise`` (N, P) is a catalogue index or -1; ``entry`` (N, SESSIONS, SLOTS) indexes P or is -1."""

    exercise: Ints
    entry: Ints
    weekday: Ints
    """(N, SESSIONS) 0-6, -1 where there is no session."""


def allowed_moves(moves: Moves, roster: Roster) -> Bools:
    """(N, E): what equipment (E-01), level, age and conditions (§7) allow."""
    missing = (~roster.owns).astype(np.float32) @ moves.needs.T.astype(np.float32)
    tagged = roster.tags.astype(np.float32) @ moves.tags.T.astype(np.float32)
    barred = roster.patterns.astype(np.float32) @ moves.pattern.T.astype(np.float32)
    found: Bools = (missing + tagged + barred == 0) & (moves.rank <= roster.experience[:, None])
    return found


def build_programme(moves: Moves, roster: Roster, rng: np.random.Generator) -> Programme:
    """Choose exercises and sessions. Nobody is given what ``allowed_moves`` does not allow."""
    wanted = np.where(_suitable(moves, roster), _preference(moves, roster), -np.inf)
    wanted = wanted + rng.random(wanted.shape) * 2.5
    exercise = _fill(moves, wanted)
    entry = _sessions(roster)
    chosen = np.where(entry >= 0, np.take_along_axis(exercise, _flat(entry), 1).reshape(entry.shape), -1)
    entry = np.where((chosen >= 0) & ~_repeated(chosen), entry, -1)
    habit = rng.integers(0, 2, roster.size)
    # A session of which nothing is suitable repeats the first one.
    entry = np.where((entry >= 0).any(axis=2, keepdims=True) | (_sessions(roster) < 0), entry, entry[:, :1])
    return Programme(exercise, _packed(entry), _weekdays(roster, habit))


def _suitable(moves: Moves, roster: Roster) -> Bools:
    """Allowed, countable in repetitions, and neither too heavy nor far too light for this person."""
    one_rm = moves.ratio * roster.e1rm[:, moves.group] + moves.body_strength * roster.weight[:, None]
    load = moves.body_load * roster.weight[:, None]
    reps = reps_to_failure(np.divide(load, one_rm, out=np.ones_like(load), where=one_rm > 0))
    fits = np.where(moves.kind == BODY, (reps >= 5) & (reps <= 36), True)
    fits &= ~((moves.kind == LOADED) & too_light_to_load(moves, roster.e1rm, roster.units))
    # A hold has no repetitions to log; old age needs support where a fall threatens (C-65).
    fits &= ~moves.tag("isometric_hold")
    fits &= ~(moves.tag("fall_risk") & (roster.age >= 65)[:, None])
    return fits & allowed_moves(moves, roster)


def _preference(moves: Moves, roster: Roster) -> Floats:
    """(N, E): the trained like bars, beginners and the old machines; strength wants heavy compounds."""
    experience, old = roster.experience[:, None], (roster.age >= 60)[:, None]
    score = moves.has("barbell") * (1.3 * experience - 0.5 - 2.0 * old)
    score = score + (moves.has("machine") | moves.has("cable")) * (1.5 - 0.6 * experience + 1.0 * old)
    score = score + moves.has("dumbbell") * 1.0 + moves.has("kettlebell") * 0.3 + moves.has("smith") * 0.2
    score = score - moves.has("band") * 0.8 - moves.has("dip_bars") * 0.5 - 0.8 * (moves.kind == BODY)
    score = score + (moves.compound & moves.has("barbell")) * 1.5 * roster.goes_for("strength")[:, None]
    found: Floats = (
        score
        - 3.0 * (moves.tag("shoulder_end_range") | moves.tag("explosive"))
        - 1.0 * moves.tag("fall_risk")
    )
    return found


def _fill(moves: Moves, wanted: Floats) -> Ints:
    """(N, P): for each role the best suitable exercise, then the second best, …; the first again if none."""
    exercise = np.full((len(wanted), len(ENTRIES)), -1)
    people = np.arange(len(wanted))
    for role, patterns in ROLES.items():
        bonus = np.array([patterns.get(pattern, -np.inf) for pattern in moves.patterns])
        score = wanted + bonus
        columns = [ENTRIES.index(one) for one in ENTRIES if one.split(".")[0] == role]
        for variant, column in enumerate(columns):
            best = score.argmax(axis=1)
            found = np.isfinite(score[people, best])
            spare = -1 if role == "light" or variant == 0 else exercise[:, columns[0]]
            exercise[:, column] = np.where(found, best, spare)
            score[people, best] = -np.inf
    return exercise


def _sessions(roster: Roster) -> Ints:
    """(N, SESSIONS, SLOTS) of entries by days a week; those without clearance keep to light ones."""
    table = np.full((len(SPLITS) + 1, SESSIONS, SLOTS), -1)
    light = np.full((len(SPLITS) + 1, SESSIONS, SLOTS), -1)
    for days, split in SPLITS.items():
        for session, entries in enumerate(split):
            for slot, entry in enumerate(entries.split()):
                table[days, session, slot] = ENTRIES.index(entry)
            light[days, session, :LIGHT_VARIANTS] = [ENTRIES.index(one) for one in _LIGHT.split()]
    return np.where(roster.blocked[:, None, None], light[roster.days], table[roster.days])


def _flat(entry: Ints) -> Ints:
    return np.maximum(entry, 0).reshape(len(entry), -1)


def _repeated(chosen: Ints) -> Bools:
    """True where a session already has this exercise in an earlier slot."""
    again = np.zeros(chosen.shape, bool)
    for slot in range(1, chosen.shape[-1]):
        again[..., slot] = (chosen[..., :slot] == chosen[..., slot : slot + 1]).any(axis=-1)
    return again


def _packed(entry: Ints) -> Ints:
    """Move gaps to the end of each session, keeping the order."""
    order = np.argsort(entry < 0, axis=-1, kind="stable")
    return np.take_along_axis(entry, order, axis=-1)


def _weekdays(roster: Roster, habit: Ints) -> Ints:
    table = np.full((len(WEEKDAYS) + 1, 2, SESSIONS), -1)
    for days, habits in WEEKDAYS.items():
        for number, weekdays in enumerate(habits):
            table[days, number, :days] = weekdays
    return table[roster.days, habit]
