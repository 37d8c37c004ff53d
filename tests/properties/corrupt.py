"""Ways in which a plan goes wrong, as hypothesis strategies: each takes a plan apart in one place."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from fitsense.training.catalog.exercises import load_catalog

Plan = dict[str, Any]
Corruption = Callable[[Any, Plan], None]
FIELDS = ("id", "sets", "reps", "rir", "kg", "rest_s")
GARBAGE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["3", "8-12", "60 s", "to failure", "sq01", "NaN", "-1", ""]),
    st.lists(st.integers(-5, 60), max_size=4),
    st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
"""Values of no use to a plan, and some that nearly are."""
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["goal", "days", "deload", "exercises", *FIELDS]) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
"""Anything that JSON can say, often with the words of a plan."""


def _day(draw: st.DrawFn, plan: Plan) -> dict[str, Any] | None:
    days = [day for day in plan["days"] if isinstance(day, dict) and isinstance(day.get("exercises"), list)]
    return draw(st.sampled_from(days)) if days else None


def _exercise(draw: st.DrawFn, plan: Plan) -> dict[str, Any] | None:
    day = _day(draw, plan)
    found = [one for one in day["exercises"] if isinstance(one, dict)] if day else []
    return draw(st.sampled_from(found)) if found else None


def _put(field: str, values: st.SearchStrategy[Any]) -> Corruption:
    def corrupt(draw: st.DrawFn, plan: Plan) -> None:
        if (one := _exercise(draw, plan)) is not None:
            one[field] = draw(values)

    return corrupt


def _any_field(draw: st.DrawFn, plan: Plan) -> None:
    if (one := _exercise(draw, plan)) is not None:
        one[draw(st.sampled_from(FIELDS))] = draw(GARBAGE)


def _lose_field(draw: st.DrawFn, plan: Plan) -> None:
    if (one := _exercise(draw, plan)) is not None:
        one.pop(draw(st.sampled_from(FIELDS)), None)


def _heavier(draw: st.DrawFn, plan: Plan) -> None:
    if (one := _exercise(draw, plan)) is not None and isinstance(one.get("kg"), (int, float)):
        one["kg"] = one["kg"] * draw(st.floats(1.0, 3.0))


def _twice(draw: st.DrawFn, plan: Plan) -> None:
    if (day := _day(draw, plan)) is not None and day["exercises"]:
        day["exercises"].append(deepcopy(draw(st.sampled_from(day["exercises"]))))


def _more_exercises(draw: st.DrawFn, plan: Plan) -> None:
    if (day := _day(draw, plan)) is not None:
        for one in draw(st.lists(st.sampled_from(sorted(load_catalog().by_id)), min_size=1, max_size=15)):
            day["exercises"].append(
                {"id": one, "sets": 3, "reps": [8, 12], "rir": 2, "kg": None, "rest_s": 90}
            )


def _more_days(draw: st.DrawFn, plan: Plan) -> None:
    if plan["days"]:
        plan["days"] += deepcopy(plan["days"]) * draw(st.integers(1, 4))


def _empty_day(draw: st.DrawFn, plan: Plan) -> None:
    plan["days"].insert(draw(st.integers(0, len(plan["days"]))), {"exercises": []})


def _garbage_day(draw: st.DrawFn, plan: Plan) -> None:
    plan["days"].append(draw(GARBAGE))


def _garbage_exercise(draw: st.DrawFn, plan: Plan) -> None:
    if (day := _day(draw, plan)) is not None:
        day["exercises"].append(draw(GARBAGE))


def _shuffle(draw: st.DrawFn, plan: Plan) -> None:
    plan["days"] = draw(st.permutations(plan["days"]))


def _offsets(draw: st.DrawFn, plan: Plan) -> None:
    for number, day in enumerate(plan["days"]):
        if isinstance(day, dict):
            day["offset"] = draw(st.just(number) | st.integers(-1, 8))


def _all_sets(draw: st.DrawFn, plan: Plan) -> None:
    more = draw(st.integers(1, 8))
    for day in plan["days"]:
        for one in day.get("exercises", []) if isinstance(day, dict) else []:
            if isinstance(one, dict) and isinstance(one.get("sets"), int):
                one["sets"] += more


def _top(field: str, values: st.SearchStrategy[Any]) -> Corruption:
    def corrupt(draw: st.DrawFn, plan: Plan) -> None:
        plan[field] = draw(values)

    return corrupt


def _lose_goal(draw: st.DrawFn, plan: Plan) -> None:
    plan.pop("goal", None)


GOALS = st.sampled_from(["fat_loss", "muscle_gain", "strength", "general_fitness"])
KINDS: dict[str, Corruption] = {
    "another exercise": _put("id", st.sampled_from(sorted(load_catalog().by_id))),
    "an unknown exercise": _put("id", st.sampled_from(["xx99", "Barbell back squat", "plancha", ""])),
    "sets": _put("sets", st.integers(-2, 14)),
    "repetitions": _put("reps", st.lists(st.integers(-3, 60), min_size=2, max_size=2)),
    "effort": _put("rir", st.floats(-2, 9, allow_nan=False)),
    "a load from nowhere": _put("kg", st.floats(-10, 500, allow_nan=False)),
    "too heavy": _heavier,
    "rest": _put("rest_s", st.integers(0, 700)),
    "garbage in a field": _any_field,
    "a lost field": _lose_field,
    "twice": _twice,
    "more exercises": _more_exercises,
    "more days": _more_days,
    "more sets everywhere": _all_sets,
    "an empty day": _empty_day,
    "a day of garbage": _garbage_day,
    "an exercise of garbage": _garbage_exercise,
    "days in another order": _shuffle,
    "days of its own": _offsets,
    "another goal": _top("goal", GOALS | GARBAGE),
    "no goal": _lose_goal,
    "deload": _top("deload", st.booleans() | GARBAGE),
    "words": _top("notes", st.text(max_size=20)),
}


@st.composite
def corrupted(draw: st.DrawFn, plan: Plan, most: int = 5) -> Plan:
    """A copy of ``plan`` with one to ``most`` things wrong at once."""
    broken = deepcopy(plan)
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=most)):
        KINDS[kind](draw, broken)
    return broken
