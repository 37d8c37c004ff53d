"""A compact plan as single sets, each lift with its warm-up (W-01), and the minutes that it takes (T-01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.load.rounding import rack_of, round_load
from fitsense.training.verify import session_minutes
from fitsense.training.week.prescription import RAMP_SET_MIN, ramps_at, warm_up_sets

RAMPS: Mapping[int, tuple[tuple[float, int], ...]] = {
    0: (),
    1: ((0.50, 8),),
    2: ((0.50, 8), (0.70, 4)),
    3: ((0.40, 8), (0.60, 5), (0.75, 3)),
}
"""W-01: (share of the work load, repetitions) of each ramp set, by their number."""
WARM_UP_RIR = 6.0
WARM_UP_REST_S = 30


def expand_days(
    days: Sequence[Mapping[str, Any]],
    offsets: Sequence[int],
    context: Mapping[str, Any],
    maxima: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The days of a compact plan with every set written out.

    ``offset`` counts days from the week's first; ``maxima`` are estimated maxima in kg by exercise id.
    """
    return [
        _day(number, day, offset, context, maxima)
        for number, (day, offset) in enumerate(zip(days, offsets, strict=True), start=1)
    ]


def _day(
    number: int,
    day: Mapping[str, Any],
    offset: int,
    context: Mapping[str, Any],
    maxima: Mapping[str, float],
) -> dict[str, Any]:
    """Ramp sets by the known maxima where their minutes fit, else as they were planned (T-01)."""
    minutes = session_minutes(day)
    more = minutes + RAMP_SET_MIN * _further_ramps(day, maxima)
    if more > context["minutes_per_session"]:
        more, maxima = minutes, {}
    return {
        "day": number,
        "offset": offset,
        "minutes": round(more, 1),
        "exercises": _exercises(day, context, maxima),
    }


def _further_ramps(day: Mapping[str, Any], maxima: Mapping[str, float]) -> int:
    """Ramp sets beyond those that the plan counted on."""
    catalog = load_catalog()
    firsts = {catalog[one["id"]].pattern: one for one in reversed(day["exercises"])}
    return sum(ramp_sets_of(one, maxima) - ramp_sets_of(one, {}) for one in firsts.values())


def _exercises(
    day: Mapping[str, Any], context: Mapping[str, Any], maxima: Mapping[str, float]
) -> list[dict[str, Any]]:
    catalog, warmed = load_catalog(), set[str]()
    found = []
    for planned in day["exercises"]:
        exercise = catalog[planned["id"]]
        first = exercise.pattern not in warmed
        ramps = _warm_ups(planned, context, ramp_sets_of(planned, maxima)) if first else []
        warmed.add(exercise.pattern)
        found.append(
            {
                "exercise_id": exercise.id,
                "name": catalog.name(exercise.id, context.get("language", "en")),
                "sets": [*ramps, *[_work(planned)] * planned["sets"]],
            }
        )
    return found


def _work(planned: Mapping[str, Any]) -> dict[str, Any]:
    low, high = planned["reps"]
    return _set(low, high, planned["kg"], planned["rir"], planned["rest_s"], warmup=False)


def _set(low: int, high: int, kg: float | None, rir: float, rest_s: int, *, warmup: bool) -> dict[str, Any]:
    return {
        "reps_min": low,
        "reps_max": high,
        "weight_kg": kg,
        "rir": rir,
        "rest_s": rest_s,
        "warmup": warmup,
    }


def ramp_sets_of(planned: Mapping[str, Any], maxima: Mapping[str, float]) -> int:
    """W-01: by the load's share of the known maximum, else by repetitions and RIR."""
    exercise, kg = load_catalog()[planned["id"]], planned["kg"]
    plain = warm_up_sets(exercise, planned["reps"][1], planned["rir"])
    if not plain or not kg or not maxima.get(exercise.id):
        return plain
    return max(plain, ramps_at(kg / maxima[exercise.id]))


def _warm_ups(planned: Mapping[str, Any], context: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    ramp = RAMPS[number]
    return [
        _set(reps, reps, _ramp_load(planned, share, context), WARM_UP_RIR, WARM_UP_REST_S, warmup=True)
        for share, reps in ramp
    ]


def _ramp_load(planned: Mapping[str, Any], share: float, context: Mapping[str, Any]) -> float | None:
    """The load of a ramp set: the bar at the least, never more than the work load."""
    work = planned["kg"]
    if work is None:
        return None
    exercise = load_catalog()[planned["id"]]
    kg = round_load(exercise, share * work, rack_of(context), work)
    return min(kg, float(work))
