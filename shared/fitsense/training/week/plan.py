"""A training week for one person, from the context, the log and the rules alone."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fitsense.errors import Misconfigured
from fitsense.training.catalog.coverage import coverage_problems
from fitsense.training.catalog.exercises import COMPOUND
from fitsense.training.catalog.pools import SENIOR_AGE, pools_of
from fitsense.training.history.readiness import Readiness, readiness
from fitsense.training.load.loads import LoadChange
from fitsense.training.nutrition.energy import goal_of
from fitsense.training.people.conditions import Limits, limits_for
from fitsense.training.request import Request
from fitsense.training.week.balance import complete, drop_lonely
from fitsense.training.week.bands import CAP_RULE, CONTINUITY_ADHERENCE, band_of, muscle_caps
from fitsense.training.week.continuity import last_days, session_sets
from fitsense.training.week.loading import Loading, loading_of
from fitsense.training.week.placing import MAX_EXERCISES, fill, place_again
from fitsense.training.week.prescription import MOST_RIR, bounds_of, most_sets, short
from fitsense.training.week.split import Slot, day_offsets, days_of, resistance_days, with_balance
from fitsense.training.week.volume import EASY_PATTERNS, EASY_RIR, MAJOR, SESSION_CAP
from fitsense.training.week.weeks import Session, Week, works_of

__all__ = ["CONTINUITY_ADHERENCE", "Draft", "build_plan", "seed_of"]

MANDATORY_SLOTS = 3
"""The first slots of a day are its leg, push and pull work: they are cut last (T-01)."""
_RESERVE_MIN, _SHORT_RESERVE_MIN = 4.0, 3.2
"""Minutes kept free for each mandatory slot to come."""


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
    caps: Mapping[str, tuple[float, str]]
    swapped: frozenset[str] = frozenset()
    """Logged lifts whose load would lie below the empty bar: other exercises do their work (R-01)."""


def seed_of(context: Mapping[str, Any]) -> int:
    """The seed of a person's plans: people differ, and one person's plans of different days are alike."""
    return zlib.crc32(context["user_id"].encode())


@cache
def _check_catalogue() -> None:
    """Once a process: every condition leaves enough to plan with. Raises Misconfigured."""
    if problems := coverage_problems():
        raise Misconfigured(f"exercise catalogue: {'; '.join(problems)}")


def build_plan(request: Request, seed: int = 0, days: tuple[tuple[Slot, ...], ...] | None = None) -> Draft:
    """The week's plan; ``seed`` chooses between equally good exercises, ``days`` replaces the level's split.

    Raises ValueError when the person's bounds leave no exercise at all.
    """
    _check_catalogue()
    limits = limits_for(request.context, request.pain)
    ready = readiness(request)
    request = _as_planned(request, limits, ready)
    week = _empty_week(request, limits, ready, seed)
    context, number = request.context, resistance_days(request.context, limits, ready)
    _fill_days(week, days_of(context, number) if days is None else with_balance(context, days[:number]))
    if not week.sessions:
        raise ValueError(f"no exercise is left for {context['user_id']}")
    planned, changes = _days(week), _changes(week)
    if ready.today is not None:
        planned, changes = _after_last_night(week, planned, changes)
    return Draft(
        plan={"goal": context["goal"], "days": planned, "deload": ready.deload},
        rules=_rules(context, limits, ready, changes),
        changes=changes,
        minutes=tuple(round(session.minutes, 1) for session in week.sessions),
        weekly=week.volume,
        limits=limits,
        ready=ready,
        caps=muscle_caps(request, limits, ready),
        swapped=week.swapped,
    )


def _as_planned(request: Request, limits: Limits, ready: Readiness) -> Request:
    """The safe goal (N-08); and after 28 days off a novice, who keeps the lifts they know (P-06)."""
    context = request.context
    changes = {"goal": goal_of(context, no_deficit=limits.no_deficit)}
    if ready.novice_block:
        changes["experience"] = "novice"
    if all(context[key] == one for key, one in changes.items()):
        return request
    return replace(request, context={**context, **changes})


def _empty_week(request: Request, limits: Limits, ready: Readiness, seed: int) -> Week:
    context = request.context
    bounds = bounds_of(context, limits, ready)
    works = works_of(bounds)
    loading = loading_of(request, limits, ready, works, bounds)
    return Week(
        request=request,
        limits=limits,
        ready=ready,
        pools=pools_of(context, limits),
        caps=_aims(context, limits, loading, muscle_caps(request, limits, ready)),
        seed=seed,
        works=works,
        own=loading.own,
        changes=loading.changes,
        logged=loading.logged,
        swapped=loading.swapped,
        day_cap=SESSION_CAP[context["experience"]],
        minutes=context["minutes_per_session"],
        home=last_days(request.log, resistance_days(context, limits, ready)),
        usual=session_sets(request.log),
        most_sets=most_sets(context),
    )


def _after_last_night(
    week: Week, days: list[dict[str, Any]], changes: tuple[LoadChange, ...]
) -> tuple[list[dict[str, Any]], tuple[LoadChange, ...]]:
    """S-02: a short night eases the first session alone, never the week."""
    tonight = week.ready.for_today()
    bounds = bounds_of(week.request.context, week.limits, tonight)
    eased = loading_of(week.request, week.limits, tonight, works_of(bounds), bounds).changes
    harder = tonight.rir_extra - week.ready.rir_extra
    first = [
        {
            **one,
            "rir": min(one["rir"] + harder, MOST_RIR),
            "kg": eased[one["id"]].new_kg if one["id"] in eased else None,
        }
        for one in days[0]["exercises"]
    ]
    ids = {one["id"] for one in first}
    told = tuple(eased.get(one.exercise_id, one) if one.exercise_id in ids else one for one in changes)
    return [{"exercises": first}, *days[1:]], told


def _aims(
    context: Mapping[str, Any],
    limits: Limits,
    loading: Loading,
    caps: Mapping[str, tuple[float, str]],
) -> dict[str, float]:
    """What the week is filled up to: the caps; the band's upper end for major muscles; held sets (P-05)."""
    aims = {muscle: cap for muscle, (cap, _) in caps.items()}
    top, prior = band_of(context, limits)[1], context["weekly_sets"]
    for muscle in MAJOR:
        aims[muscle] = min(aims.get(muscle, aims[""]), max(top, prior.get(muscle, 0.0)))
    for muscle in loading.held:
        if muscle in prior:
            aims[muscle] = min(aims[muscle], prior[muscle])
    return aims


def _fill_days(week: Week, days: tuple[tuple[Slot, ...], ...]) -> None:
    asked = frozenset(pattern for slots in days for slot in slots for pattern in slot)
    # Logged lifts of patterns that no slot asks for: what somebody trains stays in their plan.
    missing = tuple((one.pattern,) for one in week.logged.values() if one.pattern not in asked)
    for number, (slots, offset) in enumerate(zip(days, day_offsets(len(days)), strict=True)):
        session = _session(week, (*slots, *missing), Session(number=number, offset=offset), asked)
        if session.placed:
            week.sessions.append(session)
    complete(week)
    drop_lonely(week)


def _session(week: Week, slots: tuple[Slot, ...], session: Session, asked: frozenset[str]) -> Session:
    context = week.request.context
    own = frozenset(pattern for slot in slots for pattern in slot)
    # One session of today is not bound to the week's split: it takes what the person did together.
    elsewhere = frozenset() if week.request.today else asked - own
    # C-65: balance is as mandatory as the three.
    mandatory = MANDATORY_SLOTS + (context["age"] >= SENIOR_AGE)
    # What the mandatory slots still to come need at the least is kept free for them.
    least = _SHORT_RESERVE_MIN if short(int(week.minutes)) == 3 else _RESERVE_MIN
    for position, slot in enumerate(slots):
        if position == mandatory:
            place_again(week, session, elsewhere)
        if len(session.placed) >= MAX_EXERCISES:
            break
        reserve = least * max(0, mandatory - 1 - position)
        fill(week, session, slot, week.minutes - reserve, mandatory=position < mandatory)
    return session


def _changes(week: Week) -> tuple[LoadChange, ...]:
    """Of the lifts that the plan holds, in its order."""
    planned = dict.fromkeys(one.exercise.id for session in week.sessions for one in session.placed)
    return tuple(week.changes[one] for one in planned if one in week.changes)


def _days(week: Week) -> list[dict[str, Any]]:
    """The days as plain data; multi-joint lifts first (P-08)."""
    return [
        {
            "exercises": [
                {
                    "id": exercise.id,
                    "sets": sets,
                    "reps": list(dose.reps),
                    "rir": max(dose.rir, EASY_RIR) if exercise.pattern in EASY_PATTERNS else dose.rir,
                    "kg": week.changes[exercise.id].new_kg if exercise.id in week.changes else None,
                    "rest_s": dose.rest_s,
                }
                for exercise, dose, sets, _ in sorted(
                    session.placed, key=lambda one: one.exercise.pattern not in COMPOUND
                )
            ]
        }
        for session in week.sessions
    ]


def _rules(
    context: Mapping[str, Any], limits: Limits, ready: Readiness, changes: tuple[LoadChange, ...]
) -> tuple[str, ...]:
    """Ids of the rules that bound this plan, each once, the general ones first."""
    found = ["E-01", "F-01", "G-01", "G-02", "T-01"]
    found.append("V-05" if limits.volume_cap else CAP_RULE[context["experience"]])
    found += ["P-07"] * (context["experience"] == "novice" and context["week"] < 2)
    whys = {change.why for change in changes}
    found += [rule for why, rule in _CHANGE_RULES.items() if why in whys]
    return tuple(dict.fromkeys([*found, *limits.rules, *ready.for_today().rules]))


_CHANGE_RULES = {"raise": "P-01", "reps_first": "P-03", "failed": "P-04"}
