"""Why a week looks as it does: one finding for each rule that bound the plan, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.catalog.pools import SENIOR_AGE
from fitsense.training.findings import Finding, Value
from fitsense.training.load.rounding import rack_of
from fitsense.training.request import Request
from fitsense.training.week.plan import Draft
from fitsense.training.week.prescription import first_weeks, short
from fitsense.training.week.split import MAX_DAYS
from fitsense.training.week.volume import hard_sets

BALANCE_TIMES = 3
"""C-65, A-02: a week."""


def findings_of(request: Request, draft: Draft) -> list[Finding]:
    """The findings of a draft whose plan may be shown, the person's own bounds first."""
    found = [*_bounds(draft), *_week(request, draft), *_doses(request, draft), *_volume(request, draft)]
    found += [finding for change in draft.changes for finding in change.findings]
    return found


def _say(rule: str, key: str, **numbers: Value) -> Finding:
    return Finding(rule, f"plan.{key}", numbers)


def _bounds(draft: Draft) -> Iterator[Finding]:
    """Conditions, age and pain: what they take out, each rule once."""
    for rule in draft.limits.rules:
        yield _say(rule, "condition", rir=draft.limits.rir_floor, days=draft.limits.max_days)


def _week(request: Request, draft: Draft) -> Iterator[Finding]:
    """Days, their spacing, time and equipment."""
    context, days = request.context, len(draft.plan["days"])
    if request.today:
        yield _say("F-02", "today", hours=48)
    elif days < context["days_per_week"]:
        yield _say("F-01", "fewer_days", days=days, own=context["days_per_week"])
    else:
        yield _say("F-01", "days", days=days, most=MAX_DAYS[context["experience"]])
    if not request.today and days > 1:
        yield _say("F-02", "spacing", hours=48)
        yield _say("F-03", "rest_days", days=7 - days)
    longest = max(draft.minutes)
    key = "short_sessions" if short(context["minutes_per_session"]) else "minutes"
    yield _say("T-01", key, longest=round(longest), minutes=context["minutes_per_session"])
    yield _say("E-01", "equipment")


def _doses(request: Request, draft: Draft) -> Iterator[Finding]:
    """Repetitions, effort, rests, loads that exist."""
    context = request.context
    planned = [one for day in draft.plan["days"] for one in day["exercises"]]
    main = [one for one in planned if load_catalog()[one["id"]].compound] or planned
    low, high = min(one["reps"][0] for one in main), max(one["reps"][1] for one in main)
    yield _say("G-01", "reps", low=low, high=high)
    yield _say("G-02", "effort", rir=min(one["rir"] for one in planned))
    rests = sorted(one["rest_s"] for one in main)
    if rests[0] == rests[-1]:
        yield _say("I-01", "rest", seconds=rests[0])
    else:
        yield _say("I-01", "rests", low=rests[0], high=rests[-1])
    yield _say("W-01", "warm_up")
    if first_weeks(context):
        yield _say("P-07", "first_weeks", rir=3, sets=2)
    if context["age"] >= SENIOR_AGE:
        yield _say("C-65", "senior", times=BALANCE_TIMES)
        if not request.today and len(draft.plan["days"]) < BALANCE_TIMES:
            yield _say("C-65", "balance_home", days=len(draft.plan["days"]), times=BALANCE_TIMES)
    if any(one["kg"] is not None for one in planned):
        rack = rack_of(context)
        yield _say("R-01", "rounding", unit=rack.units)
    yield from _swapped(draft)


def _swapped(draft: Draft) -> Iterator[Finding]:
    for exercise in sorted(draft.swapped):
        yield _say("R-01", "swapped", exercise=load_catalog()[exercise].name)


def _volume(request: Request, draft: Draft) -> Iterator[Finding]:
    """The muscles with the most sets next to their caps, and those that last week holds back."""
    if request.today:
        return
    week = hard_sets(draft.plan["days"])
    cap, level_rule = draft.caps[""]
    for muscle in sorted(week, key=lambda one: -week[one])[:1]:
        yield _say(level_rule, "volume", muscle=muscle, sets=week[muscle], cap=cap)
    if week:
        yield from _held_back(request.context, draft.caps, week)


def _held_back(
    context: Mapping[str, Any], caps: Mapping[str, tuple[float, str]], week: Mapping[str, float]
) -> Iterator[Finding]:
    """Per rule, the muscle that had most sets last week."""
    prior = context["weekly_sets"]
    bound = [muscle for muscle in caps if muscle in prior and muscle in week]
    seen: set[str] = set()
    for muscle in _by_sets(bound, prior):
        cap, rule = caps[muscle]
        if rule not in seen and rule != caps[""][1]:
            seen.add(rule)
            yield _say(
                rule,
                "week_to_week",
                muscle=muscle,
                before=prior[muscle],
                sets=week[muscle],
                cap=round(cap, 1),
            )


def _by_sets(muscles: Sequence[str], sets: Mapping[str, float]) -> list[str]:
    return sorted(muscles, key=lambda muscle: (-sets[muscle], muscle))
