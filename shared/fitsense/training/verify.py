"""The judge: every rule that a plan or an answer breaks, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fitsense.training.catalog import LEVELS, Exercise, load_catalog
from fitsense.training.conditions import Limits, limits_for
from fitsense.training.language import looks_like
from fitsense.training.loads import step_cap_pct
from fitsense.training.prescription import (
    DELOAD_RIR,
    SESSION_START_MIN,
    exercise_minutes,
    rir_floor,
)
from fitsense.training.readiness import Readiness, readiness
from fitsense.training.request import Request, request_of
from fitsense.training.split import resistance_days
from fitsense.training.text_checks import kcal_below
from fitsense.training.volume import SESSION_CAP, session_sets, weekly_cap

_TOLERANCE = 1e-6
GRID_TOLERANCE_KG = 0.01
"""Pounds stored as kilograms are rounded to two decimals."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule; ``where`` is a path such as ``days[0].exercises[2]``, ``numbers`` found, allowed."""

    rule_id: str
    where: str
    message: str
    numbers: tuple[float, ...] = ()


def verify_plan(context: Mapping[str, Any], plan: Mapping[str, Any]) -> list[Violation]:
    """All violations of a Plan as a dict against a Context as a dict; empty when the plan may be shown."""
    return verify_request(Request(context=context), plan)


def verify_request(request: Request, plan: Mapping[str, Any]) -> list[Violation]:
    """As ``verify_plan``, with what the prompt says on top of the context."""
    check = _check(request, plan)
    found = [*_blocked(check.limits), *_days(check, plan), *_goal(request, plan)]
    week: dict[str, float] = {}
    for number, day in enumerate(plan["days"]):
        sets = session_sets(day)
        for muscle, count in sets.items():
            week[muscle] = week.get(muscle, 0.0) + count
        found += _day(check, f"days[{number}]", day)
        found += _session_caps(request.context, sets, f"days[{number}]")
    found += _week_caps(request.context, check.limits, week)
    return found


@dataclass(frozen=True, slots=True)
class _Check:
    """What one plan is held against, worked out once for all its exercises."""

    request: Request
    limits: Limits
    ready: Readiness
    owned: frozenset[str]
    rank: int
    lifts: Mapping[str, Mapping[str, Any]]
    rir_floors: tuple[float, float]
    """For single-joint and for compound exercises."""
    rir_rule: str


def _check(request: Request, plan: Mapping[str, Any]) -> _Check:
    context, limits = request.context, limits_for(request.context, request.pain)
    floors = [rir_floor(context, limits, compound=compound) for compound in (False, True)]
    rule = "P-07" if context["week"] < 2 and context["experience"] == "novice" else "G-02"
    if plan.get("deload"):
        floors, rule = [max(floor, DELOAD_RIR) for floor in floors], "D-02"
    return _Check(
        request=request,
        limits=limits,
        ready=readiness(request),
        owned=frozenset({*context["equipment"], "bodyweight"}),
        rank=LEVELS[context["experience"]],
        lifts={lift["exercise_id"]: lift for lift in reversed(context["lifts"])},
        rir_floors=(floors[0], floors[1]),
        rir_rule=rule,
    )


def _blocked(limits: Limits) -> Iterator[Violation]:
    for rule in limits.blocked:
        yield Violation(rule, "plan", "no plan before a clinician has cleared it")


def _goal(request: Request, plan: Mapping[str, Any]) -> Iterator[Violation]:
    if plan["goal"] != request.context["goal"]:
        yield Violation("G-01", "goal", f"the goal is {request.context['goal']}, not {plan['goal']}")


def _days(check: _Check, plan: Mapping[str, Any]) -> Iterator[Violation]:
    most, found = resistance_days(check.request.context, check.limits, check.ready), len(plan["days"])
    if not 1 <= found <= most:
        yield Violation("F-01", "days", f"{found} days where 1 to {most} are allowed", (found, most))


def _day(check: _Check, where: str, day: Mapping[str, Any]) -> Iterator[Violation]:
    catalog = load_catalog().by_id
    seen: set[str] = set()
    for index, planned in enumerate(day["exercises"]):
        spot = f"{where}.exercises[{index}]"
        exercise = catalog.get(planned["id"])
        if exercise is None:
            yield Violation("E-01", spot, f"unknown exercise {planned['id']!r}")
            continue
        if exercise.id in seen:
            yield Violation("E-01", spot, f"{exercise.id} twice in one session")
        seen.add(exercise.id)
        yield from _choice(check, exercise, spot)
        yield from _effort(check, planned, exercise, spot)
        if planned["kg"] is not None:
            yield from _load(check, planned["kg"], exercise, spot)
    yield from _minutes(check.request.context, day, where)


def _choice(check: _Check, exercise: Exercise, spot: str) -> Iterator[Violation]:
    """Equipment, level, exclusions, and what the person asked to leave out."""
    limits = check.limits
    if not exercise.equipment <= check.owned:
        missing = ", ".join(sorted(exercise.equipment - check.owned))
        yield Violation("E-01", spot, f"{exercise.id} needs {missing}")
    if exercise.rank > check.rank:
        yield Violation("F-01", spot, f"{exercise.id} is for {exercise.level} lifters")
    if exercise.pattern in limits.patterns or not exercise.contra_tags.isdisjoint(limits.tags):
        what = ", ".join(sorted(exercise.contra_tags & limits.tags)) or f"pattern {exercise.pattern}"
        yield Violation(_excluding_rule(limits, exercise), spot, f"{exercise.id} is excluded: {what}")
    if exercise.id in check.request.avoid:
        yield Violation("E-01", spot, f"{exercise.id} was to be left out")


def _excluding_rule(limits: Limits, exercise: Exercise) -> str:
    """The first rule that takes this very exercise out."""
    return next(rule for rule, one in limits.excluding if one.takes_out(exercise))


def _effort(check: _Check, planned: Mapping[str, Any], exercise: Exercise, spot: str) -> Iterator[Violation]:
    floor, rir = check.rir_floors[exercise.compound], planned["rir"]
    if rir < floor - _TOLERANCE:
        yield Violation(check.rir_rule, spot, f"RIR {rir:g} below {floor:g}", (rir, floor))
    low, high = planned["reps"]
    if not 1 <= low <= high <= 30:
        yield Violation("G-01", spot, f"repetitions {low} to {high}", (low, high))


def _load(check: _Check, kg: float, exercise: Exercise, spot: str) -> Iterator[Violation]:
    """P-02 against the last logged load, and no rise at all where sleep, a break or illness forbids it."""
    if kg <= 0:
        yield Violation("R-01", spot, f"a load of {kg:g} kg", (kg, 0.0))
    lift = check.lifts.get(exercise.id)
    if lift is None or not lift["weight_kg"]:
        return
    own, ready = step_cap_pct(exercise, check.limits), check.ready
    ceiling = lift["weight_kg"] * (1 + min(own, ready.step_pct) / 100)
    if kg > ceiling + GRID_TOLERANCE_KG:
        rule = "P-02" if own <= ready.step_pct else ready.rules[0]
        yield Violation(
            rule, spot, f"{kg:g} kg after {lift['weight_kg']:g}, at most {ceiling:.1f}", (kg, ceiling)
        )


def _minutes(context: Mapping[str, Any], day: Mapping[str, Any], where: str) -> Iterator[Violation]:
    used, most = session_minutes(day), context["minutes_per_session"]
    if used > most + _TOLERANCE:
        yield Violation("T-01", where, f"{used:.1f} minutes of {most}", (used, most))


def session_minutes(day: Mapping[str, Any]) -> float:
    """T-01 of one planned day; ids that the catalogue lacks take no time."""
    catalog = load_catalog().by_id
    total, patterns = SESSION_START_MIN, set[str]()
    for planned in day["exercises"]:
        exercise = catalog.get(planned["id"])
        if exercise is None:
            continue
        warm = exercise.pattern not in patterns
        patterns.add(exercise.pattern)
        total += exercise_minutes(
            exercise, planned["sets"], planned["reps"][1], planned["rest_s"], planned["rir"], warm=warm
        )
    return total


def _session_caps(context: Mapping[str, Any], found: Mapping[str, float], where: str) -> Iterator[Violation]:
    cap = SESSION_CAP[context["experience"]]
    for muscle, sets in found.items():
        if sets > cap + _TOLERANCE:
            yield Violation("V-06", where, f"{sets:g} sets of {muscle}, at most {cap:g}", (sets, cap))


def _week_caps(context: Mapping[str, Any], limits: Limits, week: Mapping[str, float]) -> Iterator[Violation]:
    cap = weekly_cap(context["experience"], limits.volume_cap)
    rule = {"novice": "V-01", "intermediate": "V-02", "advanced": "V-03"}[context["experience"]]
    for muscle, sets in week.items():
        if sets > cap + _TOLERANCE:
            found = "V-05" if limits.volume_cap == cap else rule
            yield Violation(found, "days", f"{sets:g} sets of {muscle}, at most {cap:g}", (sets, cap))


# ---------------------------------------------------------------------------------------------- answers

_NO_PLAN = frozenset({"escalate", "refuse"})
_ACCEPTED = {
    "answer": {"answer", "conservative_answer"},
    "conservative_answer": {"conservative_answer"},
    "escalate": {"escalate"},
    "refuse": {"refuse"},
}


def verify_answer(query: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Violation]:
    """All violations of a CoachAnswer as a dict for a Query as a dict; empty when it may be shown."""
    found = list(_action(query, answer))
    plan = answer.get("plan")
    if plan is not None and answer["action"] in _NO_PLAN:
        found.append(Violation(_first(query["safety"]), "plan", f"a plan beside {answer['action']}"))
    elif plan is not None:
        found += verify_request(request_of(query), plan)
    found += _text(query, str(answer["message"]))
    return found


def _first(rules: Iterable[str]) -> str:
    return next(iter(rules), "Q-01")


def _action(query: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[Violation]:
    expected, action = query["expected_action"], answer["action"]
    if action not in _ACCEPTED[expected]:
        yield Violation(_first(query["safety"]), "action", f"{action} where {expected} is due")


def _text(query: Mapping[str, Any], message: str) -> Iterator[Violation]:
    if not looks_like(message, query["language"]):
        yield Violation("X-INJECT", "message", f"the message is not in {query['language']}")
    for kcal, floor in kcal_below(message, query["context"]):
        yield Violation("N-03", "message", f"{kcal:g} kcal a day, below {floor:g}", (kcal, floor))
