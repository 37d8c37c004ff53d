"""What a case may expect of the days: name → a function that lists what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.acceptance.answer import EASY, ISOLATION, Answer, work_sets
from tests.acceptance.bounds import bounded

Expected = Any
Check = Callable[[Expected, Answer], Iterable[str]]
COVERS = {
    "leg": {"squat", "lunge", "hinge", "knee_flex", "knee_ext"},
    "push": {"h_push", "v_push", "chest_iso"},
    "pull": {"h_pull", "v_pull"},
}


def _days(expected: Expected, answer: Answer) -> list[str]:
    return bounded("days", len(answer.out["days"]), expected)


def _strength_days(expected: Expected, answer: Answer) -> list[str]:
    return bounded("strength days", len({day for day, _, _ in answer.strength()}), expected)


def _no_days(_: Expected, answer: Answer) -> list[str]:
    return ["days of training were written"] if answer.out["days"] else []


def _of_work_sets(key: str, name: str, which: Callable[[str], bool]) -> Check:
    def check(expected: Expected, answer: Answer) -> list[str]:
        return [
            problem
            for _, entry, sets in answer.strength()
            if which(entry.pattern)
            for one in sets
            if one[key] is not None
            for problem in bounded(f"{entry.id} {name}", one[key], expected)
        ]

    return check


def _both_reps(which: Callable[[str], bool]) -> Check:
    low, high = _of_work_sets("reps_min", "reps_min", which), _of_work_sets("reps_max", "reps_max", which)
    return lambda expected, answer: [*low(expected, answer), *high(expected, answer)]


def _everything(_: str) -> bool:
    return True


def _compound(pattern: str) -> bool:
    return pattern not in ISOLATION | EASY | {"plyo"}


def _rir_min(expected: Expected, answer: Answer) -> Iterable[str]:
    return _of_work_sets("rir", "RIR", _everything)({"min": expected}, answer)


def _rir_max(expected: Expected, answer: Answer) -> Iterable[str]:
    return _of_work_sets("rir", "RIR", _everything)({"max": expected}, answer)


def _of(expected: Expected, answer: Answer) -> list[str]:
    today = answer.case["request"] == "today_session"
    here = answer.entries()
    absent = [one for one, bounds in expected.items() if one not in here and not bounds.get("optional")]
    problems = [f"{one} is not in the plan" for one in absent if not today or len(absent) == len(expected)]
    for _, entry, exercise in answer.exercises():
        for key, bound in expected.get(entry.id, {}).items():
            problems += _one_of(key, bound, entry.id, exercise)
    return problems


def _one_of(key: str, bound: Any, name: str, exercise: Mapping[str, Any]) -> list[str]:
    sets = work_sets(exercise)
    if key == "optional":
        return []
    if key in ("sets", "warmups"):
        return bounded(
            f"{name} {key}", len(sets) if key == "sets" else len(exercise["sets"]) - len(sets), bound
        )
    field = {"kg": "weight_kg"}.get(key, key)
    return [problem for one in sets for problem in bounded(f"{name} {field}", one[field], bound)]


def _weekly_sets(expected: Expected, answer: Answer) -> list[str]:
    return [
        p
        for muscle, bound in expected.items()
        for p in bounded(f"weekly_sets.{muscle}", answer.out["weekly_sets"].get(muscle, 0), bound)
    ]


def _weekly_sets_each(expected: Expected, answer: Answer) -> list[str]:
    return [
        p
        for muscle, sets in answer.out["weekly_sets"].items()
        for p in bounded(f"weekly_sets.{muscle}", sets, expected)
    ]


def _volume(expected: Expected, answer: Answer) -> list[str]:
    found = answer.volume()
    return [
        p
        for muscle, bound in expected.items()
        for p in bounded(f"work sets of {muscle}", found[muscle], bound)
    ]


def _excludes_tags(expected: Expected, answer: Answer) -> list[str]:
    return [
        f"{entry.id} has {tag}"
        for entry in answer.entries().values()
        for tag in expected
        if tag in entry.tags
    ]


def _excludes_patterns(expected: Expected, answer: Answer) -> list[str]:
    # Heel drops are a plyo by their pattern alone; rules.md gives them to the bones that plyo is kept from.
    return [
        f"{e.id} is a {e.pattern}"
        for e in answer.entries().values()
        if e.pattern in expected and e.id != "pl06"
    ]


def _excludes_exercises(expected: Expected, answer: Answer) -> list[str]:
    return [f"{one} is in the plan" for one in expected if one in answer.entries()]


def _includes_patterns(expected: Expected, answer: Answer) -> list[str]:
    here = {entry.pattern for entry in answer.entries().values()}
    return [f"no {pattern} in the plan" for pattern in expected if pattern not in here]


def _covers(expected: Expected, answer: Answer) -> list[str]:
    here = {entry.pattern for entry in answer.entries().values()}
    return [f"nothing trains {one}" for one in expected if not here & COVERS[one]]


def _kg_all_null(_: Expected, answer: Answer) -> list[str]:
    return [
        f"{e.id} has a weight"
        for _, e, x in answer.exercises()
        for one in x["sets"]
        if one["weight_kg"] is not None
    ]


def _twice_a_week(expected: Expected, answer: Answer) -> list[str]:
    days = {
        one: {day for day, entry, _ in answer.strength() if one == entry.primary or one in entry.secondary}
        for one in expected
    }
    return [f"{muscle} works on {len(on)} day" for muscle, on in days.items() if len(on) < 2]


TRAINING: dict[str, Check] = {
    "twice_a_week": _twice_a_week,
    "days": _days,
    "strength_days": _strength_days,
    "no_days": _no_days,
    "rir_min": _rir_min,
    "rir_max": _rir_max,
    "reps": _both_reps(_everything),
    "compound_reps": _both_reps(_compound),
    "compound_rest_s": _of_work_sets("rest_s", "rest", _compound),
    "of": _of,
    "weekly_sets": _weekly_sets,
    "weekly_sets_each": _weekly_sets_each,
    "volume": _volume,
    "excludes_tags": _excludes_tags,
    "excludes_patterns": _excludes_patterns,
    "excludes_exercises": _excludes_exercises,
    "includes_patterns": _includes_patterns,
    "covers": _covers,
    "kg_all_null": _kg_all_null,
}
