"""The context of a prompt as compact text, as teacher and student see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson


def context_text(context: Mapping[str, Any]) -> str:
    """A ``records.Context`` as a dict → lines ``Label: values`` in a fixed order, about 150 tokens.

    Series are weekly, oldest first. What says nothing (no pain, no pregnancy, an empty log) has no line,
    numbers have no needless digits, ids of people are left out. Notes come last, each as a JSON string:
    a quotation that its own words cannot close.
    """
    return "\n".join(_lines(context))


def _lines(c: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Person: {c['age']} y, {c['sex']}, {_number(c['height_cm'])} cm, {_number(c['weight_kg'])} kg, "
        f"{_words(c['activity'])} daily life, {c['experience']}, thinks in {c['units']}"
    )
    yield (
        f"Goal: {_words(c['goal'])}, target {_number(c['target_weight_kg'])} kg, "
        f"{_number(c['kcal_target'], 0)} kcal a day"
    )
    yield (
        f"Training: week {c['week']}, {c['days_per_week']} days x {c['minutes_per_session']} min, "
        f"{_number(100 * c['adherence'], 0)} % of sessions done, "
        f"deload {c['weeks_since_deload']} weeks ago{', stalled' if c['stalled'] else ''}"
    )
    yield f"Equipment: {', '.join(sorted(c['equipment'])) or 'none'}"
    yield f"Health: {', '.join(_health(c))}"
    for label, field, digits in (
        ("Sleep h", "sleep_h", 1),
        ("Energy kcal", "kcal", 0),
        ("Weight kg", "weights_kg", 1),
    ):
        if c[field]:
            yield f"{label}: {_series(c[field], digits)}"
    if c["weekly_sets"]:
        sets = (f"{_words(muscle)} {_number(n)}" for muscle, n in sorted(c["weekly_sets"].items()))
        yield f"Sets last week: {', '.join(sets)}"
    yield from (_lift(lift) for lift in c["lifts"])
    yield from (f"Note: {orjson.dumps(note).decode()}" for note in c["notes"])


def _health(c: Mapping[str, Any]) -> Iterator[str]:
    conditions = [_words(condition) for condition in sorted(c["conditions"])]
    yield from conditions or ["no conditions"]
    if c.get("gestation_weeks") is not None:
        yield f"week {c['gestation_weeks']} of pregnancy"
    if c.get("postpartum_weeks") is not None:
        yield f"{c['postpartum_weeks']} weeks after birth"
    yield "cleared by a clinician" if c["medical_clearance"] else "not cleared by a clinician"
    if c["pain"]:
        yield f"pain {c['pain']}/10{' ' + _words(c['pain_area']) if c['pain_area'] else ''}"


def _lift(lift: Mapping[str, Any]) -> str:
    load = "body weight" if lift["weight_kg"] is None else f"{_number(lift['weight_kg'])} kg"
    e1rm = f", e1RM {_series(lift['e1rm_kg'], 1)}" if lift["e1rm_kg"] else ""
    done = f"reps {_series(lift['reps'], 0)}, RIR {_series(lift['rir'], 1)}"
    return f"Lift {lift['exercise_id']}: {load}, {done}{e1rm}"


def _series(values: Iterable[float], digits: int) -> str:
    return " ".join(_number(value, digits) for value in values)


@lru_cache(1 << 16)  # the same repetitions, reserves and loads in every line
def _number(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _words(name: str) -> str:
    return name.replace("_", " ")
