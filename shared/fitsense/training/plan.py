"""A training week for one person, from the context and the rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from fitsense.training.catalog import KINDS, Exercise, Kind
from fitsense.training.conditions import Limits, limits_for
from fitsense.training.loads import LoadChange, decide_load
from fitsense.training.pools import SENIOR_AGE, Pools, pools_of
from fitsense.training.prescription import (
    CHANGEOVER_MIN,
    RAMP_SET_MIN,
    SESSION_START_MIN,
    Bounds,
    Dose,
    bounds_of,
    dose_of,
    ramp_sets,
    set_seconds,
    short,
)
from fitsense.training.readiness import Readiness, readiness
from fitsense.training.request import Request
from fitsense.training.split import Slot, days_of, resistance_days
from fitsense.training.volume import MAJOR, SESSION_CAP, WEEKLY_BAND, allowed_rise, weekly_cap

MANDATORY_SLOTS = 3
"""The first slots of a day are its leg, push and pull work: they are cut last (T-01)."""
MAX_EXERCISES = 8
ATTEMPTS = 3
"""Exercises that are tried for a slot before it stays empty."""
CONTINUITY_ADHERENCE = 0.75
FEWEST_SETS = 4.0
"""Minimum of weekly sets that still builds (Iversen 2021)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan, what it rests on, and how the logged loads move."""

    plan: dict[str, Any]
    rules: tuple[str, ...]
    changes: tuple[LoadChange, ...]
    minutes: tuple[float, ...]
    weekly: Mapping[str, float]
    limits: Limits
    ready: Readiness


class _Work(NamedTuple):
    """Exercises of a form as a person does them; ``ramp_min`` is of ramp sets, where due."""

    dose: Dose
    set_s: int
    ramp_min: float

    def minutes(self, sets: int, *, warm: bool) -> float:
        """T-01, as ``prescription.exercise_minutes``."""
        return sets * self.set_s / 60 + (self.ramp_min if warm else 0.0) + CHANGEOVER_MIN

    def fewest(self, *, mandatory: bool) -> int:
        """Sets below which the exercise is left out."""
        return 1 if mandatory else min(2, self.dose.sets)


class _Works(NamedTuple):
    """By the exercise's form; and the shortest of all, in an ordinary and in a mandatory slot."""

    by_form: Mapping[tuple[Kind, bool], _Work]
    least: tuple[float, float]


@lru_cache(maxsize=4096)
def _works(bounds: Bounds) -> _Works:
    works = {(kind, one_side): _work(kind, bounds, one_side) for kind in KINDS for one_side in (False, True)}
    optional, mandatory = (
        min(one.minutes(one.fewest(mandatory=must), warm=False) for one in works.values())
        for must in (False, True)
    )
    return _Works(works, (optional, mandatory))


def _work(kind: Kind, bounds: Bounds, unilateral: bool) -> _Work:
    dose = dose_of(kind, bounds)
    high = dose.reps[1]
    ramp_min = RAMP_SET_MIN * ramp_sets(high, dose.rir) if kind == "compound" else 0.0
    return _Work(dose, set_seconds(high, dose.rest_s, unilateral=unilateral), ramp_min)


Ranked = list[tuple[int, int, Exercise]]
"""Score and place in the pool of each exercise of a pattern, best first."""


@dataclass(slots=True)
class _Week:
    """What has been placed so far."""

    request: Request
    limits: Limits
    ready: Readiness
    pools: Pools
    caps: Mapping[str, float]
    seed: int
    logged: frozenset[str]
    works: _Works
    day_cap: float
    used: dict[str, int] = field(default_factory=dict)
    ranked: dict[str, Ranked] = field(default_factory=dict)
    volume: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Session:
    minutes: float = SESSION_START_MIN
    """As planned; ``full_minutes`` is what the same exercises would take in an ordinary week."""
    full_minutes: float = SESSION_START_MIN
    owed: float = 0.0
    """Part of a set that the week's factor left over: halves must not all round the same way."""
    volume: dict[str, float] = field(default_factory=dict)
    patterns: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    placed: list[tuple[Exercise, Dose, int]] = field(default_factory=list)


def build_plan(request: Request, seed: int = 0) -> Draft:
    """The week's plan; ``seed`` chooses between equally good exercises.

    Raises ValueError when the person's bounds leave no exercise at all.
    """
    context = request.context
    limits = limits_for(context, request.pain)
    ready = readiness(request)
    logged = frozenset(lift["exercise_id"] for lift in context["lifts"])
    pools, caps = pools_of(context, limits), _caps(context, limits, ready)
    works = _works(bounds_of(context, limits, ready))
    day_cap = SESSION_CAP[context["experience"]]
    week = _Week(request, limits, ready, pools, caps, seed, logged, works, day_cap)
    number = resistance_days(context, limits, ready)
    sessions = [_session(week, slots) for slots in days_of(context, number)]
    sessions = [session for session in sessions if session.placed]
    if not sessions:
        raise ValueError(f"no exercise is left for {context['user_id']}")
    changes, days = _loaded_days(week, sessions)
    return Draft(
        plan={"goal": context["goal"], "days": days, "deload": ready.deload},
        rules=_rules(context, limits, ready, changes),
        changes=changes,
        minutes=tuple(round(session.minutes, 1) for session in sessions),
        weekly=week.volume,
        limits=limits,
        ready=ready,
    )


def _caps(context: Mapping[str, Any], limits: Limits, ready: Readiness) -> dict[str, float]:
    """Weekly cap per muscle: the level's under "", and for major muscles P-05's, or D-03's after a deload."""
    cap = weekly_cap(context["experience"], limits.volume_cap)
    caps = {"": cap}
    if context["week"] == 0:
        return caps
    if context["weeks_since_deload"] == 0:
        middle = sum(WEEKLY_BAND[context["experience"]]) / 2
        return caps | dict.fromkeys(MAJOR, min(cap, middle))
    # After missed sessions the way back to the band is no rise; below it nobody needs holding back.
    steady = context["adherence"] >= CONTINUITY_ADHERENCE
    least = FEWEST_SETS if steady else WEEKLY_BAND[context["experience"]][0]
    for muscle in MAJOR:
        if sets := context["weekly_sets"].get(muscle, 0.0):
            most = sets if ready.step_pct == 0 else allowed_rise(sets)
            caps[muscle] = min(cap, max(most, least))
    return caps


def _session(week: _Week, slots: tuple[Slot, ...]) -> _Session:
    session = _Session()
    context = week.request.context
    minutes = context["minutes_per_session"]
    # C-65: balance is as mandatory as the three.
    mandatory = MANDATORY_SLOTS + (context["age"] >= SENIOR_AGE)
    # What the mandatory slots still to come need at the least is kept free for them.
    least = 3.2 if short(minutes) == 3 else 4.0
    for position, slot in enumerate(slots):
        if len(session.placed) >= MAX_EXERCISES:
            break
        reserve = least * max(0, mandatory - 1 - position)
        _fill(week, session, slot, minutes - reserve, mandatory=position < mandatory)
    return session


def _fill(week: _Week, session: _Session, slot: Slot, minutes: float, *, mandatory: bool) -> None:
    """Place the slot's best exercise that fits, with as many sets as time and caps allow, or none."""
    if session.full_minutes + week.works.least[mandatory] > minutes:
        return
    tried: set[str] = set()
    for _ in range(ATTEMPTS):
        exercise = _choose(week, session, slot, tried)
        if exercise is None or _fits(week, session, exercise, minutes, mandatory=mandatory):
            return
        tried.add(exercise.id)


def _fits(week: _Week, session: _Session, exercise: Exercise, minutes: float, *, mandatory: bool) -> bool:
    """Place ``exercise`` if it fits.

    Time is held against the ordinary week's sets: a lighter week has the same exercises, not more (D-02).
    """
    work = week.works.by_form[exercise.form]
    factor, warm = week.ready.set_factor, exercise.pattern not in session.patterns
    fewest = work.fewest(mandatory=mandatory)
    if session.full_minutes + work.minutes(fewest, warm=warm) > minutes:
        return False
    for full in range(work.dose.sets, fewest - 1, -1):
        cost = work.minutes(full, warm=warm)
        sets = max(1, int(full * factor + session.owed + 1e-9))
        if session.full_minutes + cost <= minutes and _within_caps(week, session, exercise, sets):
            session.owed += full * factor - sets
            session.full_minutes += cost
            session.minutes += cost if sets == full else work.minutes(sets, warm=warm)
            _place(week, session, exercise, work.dose, sets)
            return True
    return False


def _choose(week: _Week, session: _Session, slot: Slot, tried: set[str]) -> Exercise | None:
    """From the first pattern that has one: an exercise new to this session, logged and fresh ones first."""
    today, used = session.ids, week.used
    for pattern in slot:
        best: Exercise | None = None
        lowest, place = 1_000, 0
        for least, index, exercise in _ranked(week, pattern):
            if least > lowest:
                break
            if exercise.id in today or exercise.id in tried:
                continue
            score = least + 10 * used.get(exercise.id, 0)
            if score < lowest or (score == lowest and index < place):
                best, lowest, place = exercise, score, index
        if best is not None:
            return best
    return None


def _ranked(week: _Week, pattern: str) -> Ranked:
    """The exercises of a pattern by all that does not change from session to session."""
    ranked = week.ranked.get(pattern)
    if ranked is None:
        request, logged = week.request, week.logged
        ranked = week.ranked[pattern] = sorted(
            (
                penalty
                + (0 if exercise.id in logged else 4)
                + ((index + week.seed) % 3 if index < 3 else 2)
                - (20 if exercise.id == request.focus else 0),
                index,
                exercise,
            )
            for index, (exercise, penalty) in enumerate(week.pools.get(pattern, ()))
            if exercise.id not in request.avoid
        )
    return ranked


def _within_caps(week: _Week, session: _Session, exercise: Exercise, sets: int) -> bool:
    today, total, caps, cap = session.volume, week.volume, week.caps, week.caps[""]
    for muscle, credit in exercise.credit:
        added = credit * sets
        if today.get(muscle, 0.0) + added > week.day_cap:
            return False
        if total.get(muscle, 0.0) + added > caps.get(muscle, cap):
            return False
    return True


def _place(week: _Week, session: _Session, exercise: Exercise, dose: Dose, sets: int) -> None:
    session.patterns.add(exercise.pattern)
    session.ids.add(exercise.id)
    session.placed.append((exercise, dose, sets))
    week.used[exercise.id] = week.used.get(exercise.id, 0) + 1
    today, total = session.volume, week.volume
    for muscle, credit in exercise.credit:
        added = credit * sets
        today[muscle] = today.get(muscle, 0.0) + added
        total[muscle] = total.get(muscle, 0.0) + added


def _loaded_days(
    week: _Week, sessions: list[_Session]
) -> tuple[tuple[LoadChange, ...], list[dict[str, Any]]]:
    """The days as plain data, each logged lift with its load."""
    lifts = {lift["exercise_id"]: lift for lift in week.request.context["lifts"] if lift["weight_kg"]}
    changes: dict[str, LoadChange] = {}
    days = []
    for session in sessions:
        exercises = []
        for exercise, dose, sets in session.placed:
            lift = lifts.get(exercise.id) if exercise.loaded else None
            if lift is not None and exercise.id not in changes:
                changes[exercise.id] = _change(week, exercise, lift, dose)
            kg = changes[exercise.id].new_kg if lift is not None else None
            exercises.append(
                {
                    "id": exercise.id,
                    "sets": sets,
                    "reps": list(dose.reps),
                    "rir": dose.rir,
                    "kg": kg,
                    "rest_s": dose.rest_s,
                }
            )
        days.append({"exercises": exercises})
    return tuple(changes.values()), days


def _change(week: _Week, exercise: Exercise, lift: Mapping[str, Any], dose: Dose) -> LoadChange:
    context = week.request.context
    before = context["weekly_sets"].get(exercise.primary, 0.0)
    painful = week.request.pain | ({context["pain_area"]} if context["pain"] > 0 else set())
    return decide_load(
        exercise,
        lift,
        dose,
        context,
        week.limits,
        week.ready,
        sets_rise=0 < before < week.volume.get(exercise.primary, 0.0) - 1,
        back_pain="low_back" in painful,
    )


def _rules(
    context: Mapping[str, Any], limits: Limits, ready: Readiness, changes: tuple[LoadChange, ...]
) -> tuple[str, ...]:
    """Ids of the rules that bound this plan, each once, the general ones first."""
    volume = {"novice": "V-01", "intermediate": "V-02", "advanced": "V-03"}[context["experience"]]
    found = ["E-01", "F-01", "G-01", "G-02", "T-01", "V-05" if limits.volume_cap else volume]
    found += ["P-07"] * (context["experience"] == "novice" and context["week"] < 2)
    whys = {change.why for change in changes}
    found += [rule for why, rule in _CHANGE_RULES.items() if why in whys]
    return tuple(dict.fromkeys([*found, *limits.rules, *ready.rules]))


_CHANGE_RULES = {"raise": "P-01", "reps_first": "P-03", "failed": "P-04"}
