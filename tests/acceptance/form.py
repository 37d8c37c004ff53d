"""The format of an answer of ``fitsense plan``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KEYS = frozenset(
    {
        *(
            "plan_allowed",
            "today_session_allowed",
            "escalate",
            "days",
            "weekly_sets",
            "deload",
            "kcal",
            "goal",
        ),
        *("weight_rate_pct_wk", "aerobic_min", "e1rm_kg", "changes", "reasons", "statements", "questions"),
    }
)
LEVELS = ("none", "advise_clearance", "urgent", "emergency", "crisis")
SET_KEYS = {"reps_min", "reps_max", "weight_kg", "rir", "rest_s", "warmup"}


def misshapen(out: Mapping[str, Any]) -> Iterator[str]:
    """What in ``out`` is not the format of ``fitsense plan``."""
    if missing := KEYS - set(out):
        yield f"no {sorted(missing)} in the answer"
        return
    if not isinstance(out["plan_allowed"], bool):
        yield f"plan_allowed is {out['plan_allowed']!r}"
    if not any(
        out["today_session_allowed"] is one or out["today_session_allowed"] == "easy_only"
        for one in (True, False)
    ):
        yield f"today_session_allowed is {out['today_session_allowed']!r}"
    if out["escalate"] not in LEVELS:
        yield f"escalate is {out['escalate']!r}"
    if set(out["deload"]) < {"active", "suggested"}:
        yield f"deload is {out['deload']!r}"
    if out["kcal"] is not None and not {"target", "floor", "deficit"} <= set(out["kcal"]):
        yield f"kcal is {out['kcal']!r}"
    rate = out["weight_rate_pct_wk"]
    if rate is not None and (len(rate) != 2 or rate[0] > rate[1]):
        yield f"weight_rate_pct_wk is {rate!r}"
    for one in [*out["reasons"], *out["changes"]]:
        if not {"rule_id", "text", "numbers"} <= set(one):
            yield f"a reason is {one!r}"
    for day in out["days"]:
        yield from _day(day)


def _day(day: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(day.get("minutes"), int | float) or not day.get("exercises"):
        yield f"a day is without minutes or exercises: {sorted(day)}"
        return
    for exercise in day["exercises"]:
        if not {"exercise_id", "sets"} <= set(exercise) or not exercise["sets"]:
            yield f"an exercise is without id or sets: {exercise!r}"
            continue
        for one in exercise["sets"]:
            if set(one) != SET_KEYS:
                yield f"a set has the keys {sorted(one)}"
            elif not 1 <= one["reps_min"] <= one["reps_max"]:
                yield f"a set has {one['reps_min']} to {one['reps_max']} repetitions"
