"""One person's context at one week of their history: ``fitsense.records.Context`` as a plain dict."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from jobs.queries.logs import MUSCLE_ORDER, Entries, ExerciseLog, UserLog

MAX_LIFTS = 5
MAX_NOTES = 3
MAX_WEEKS = 6
LIFT_WEEKS = 4
"""A lift that was not done for so many weeks is no longer current."""
NOTE_WEEKS = 3
_FROM_PROFILE = (
    "user_id", "age", "sex", "height_cm", "activity", "goal", "experience", "days_per_week",
    "minutes_per_session", "equipment", "conditions", "medical_clearance", "gestation_weeks",
    "postpartum_weeks", "units", "target_weight_kg", "kcal_target",
)  # fmt: skip


def build_context(profile: Mapping[str, Any], log: UserLog, week: int) -> dict[str, Any]:
    """What the coach may know after ``week`` weeks; at week 0 the logs are empty."""
    weeks, since = log.weeks, max(0, week - MAX_WEEKS)
    weights = _rounded(weeks["weight_mean_kg"][since:week], 1)
    area, pain = _pain(log, week)
    context = {name: profile[name] for name in _FROM_PROFILE}
    context |= {
        "weight_kg": weights[-1] if weights else round(profile["weight_kg"], 1),
        "week": week,
        "adherence": _adherence(weeks, week),
        "sleep_h": _rounded(weeks["sleep_mean_h"][since:week], 1),
        "kcal": _rounded(weeks["kcal_mean"][since:week], 0),
        "weights_kg": weights,
        "lifts": _lifts(log, week),
        "weekly_sets": _weekly_sets(log.sets, week - 1),
        "weeks_since_deload": _since_deload(weeks["deload"], week),
        "stalled": bool(week and weeks["stalled"][week - 1]),
        "pain_area": area,
        "pain": pain,
        "notes": [note for at, note in log.notes if week - NOTE_WEEKS <= at < week][-MAX_NOTES:],
    }
    _shift_body_weeks(context, week)
    return context


def _shift_body_weeks(context: dict[str, Any], week: int) -> None:
    """The profile holds the weeks at the start of the history; pregnancy and childhood go on."""
    if context["gestation_weeks"] is not None:
        context["gestation_weeks"] = min(context["gestation_weeks"] + week, 40)
    if context["postpartum_weeks"] is not None:
        context["postpartum_weeks"] += week


def _rounded(values: list[float], digits: int) -> list[float]:
    return [round(value, digits) for value in values]


def _adherence(weeks: Mapping[str, list[Any]], week: int) -> float:
    """Share of planned sessions done over 4 weeks; 1 while nothing was planned."""
    since = max(0, week - 4)
    planned = sum(weeks["planned_sessions"][since:week])
    return round(min(1.0, sum(weeks["done_sessions"][since:week]) / planned), 2) if planned else 1.0


def _since_deload(deloads: list[bool], week: int) -> int:
    return next((back for back, deload in enumerate(reversed(deloads[:week])) if deload), week)


def _pain(log: UserLog, week: int) -> tuple[str | None, int]:
    """The last painful area of the week before, with its worst score there."""
    recent = [(area, pain) for at, area, pain in log.pains if at == week - 1]
    if not recent:
        return None, 0
    area = recent[-1][0]
    return area, max(pain for where, pain in recent if where == area)


def _lifts(log: UserLog, week: int) -> list[dict[str, Any]]:
    """Up to five current lifts, the loaded and the main ones first."""
    entries, loaded, since = log.entries, 0, week - LIFT_WEEKS
    found: list[tuple[tuple[bool, int, int, str], ExerciseLog, int]] = []
    for exercise in log.exercises:
        if loaded >= MAX_LIFTS and exercise.main > found[-1][0][1]:
            break
        last = bisect_left(entries.weeks, week, exercise.first, exercise.end) - 1
        if last >= exercise.first and entries.weeks[last] >= since:
            bare = entries.kg[last] is None
            loaded += not bare
            found.append(((bare, exercise.main, exercise.first - last, exercise.exercise_id), exercise, last))
    found.sort()
    return [_lift(entries, exercise, last, week) for _, exercise, last in found[:MAX_LIFTS]]


def _lift(entries: Entries, exercise: ExerciseLog, last: int, week: int) -> dict[str, Any]:
    first = bisect_left(entries.weeks, week - MAX_WEEKS, exercise.first, exercise.end)
    return {
        "exercise_id": exercise.exercise_id,
        "weight_kg": entries.kg[last],
        "reps": entries.reps(last),
        "rir": entries.rir(last),
        "e1rm_kg": [value for value in entries.e1rm[first : last + 1] if value is not None],
    }


def _weekly_sets(sets: list[list[float]], week: int) -> dict[str, float]:
    """Fractional hard sets of ``week``, those muscles that had any; none before the first week."""
    row = sets[week] if week >= 0 else []
    return {muscle: sets for muscle, sets in zip(MUSCLE_ORDER, row, strict=False) if sets}
