from __future__ import annotations

from typing import Any

import pytest

from fitsense.training.week.expand import expand_days
from tests.unit.training.people import context


def day(exercise: str = "hp01", kg: float | None = 80.0, **changes: Any) -> dict[str, Any]:
    planned = {"id": exercise, "sets": 3, "reps": [6, 10], "rir": 2.0, "kg": kg, "rest_s": 120, **changes}
    return {"exercises": [planned]}


def expand(days: list[dict[str, Any]], maxima: dict[str, float] | None = None, **changes: Any) -> list[Any]:
    return expand_days(days, tuple(range(len(days))), context(**changes), maxima or {})


def ramp(found: list[Any], place: int = 0) -> list[tuple[float | None, int]]:
    return [
        (one["weight_kg"], one["reps_max"]) for one in found[0]["exercises"][place]["sets"] if one["warmup"]
    ]


def test_work_sets_are_written_out() -> None:
    found = expand([day()])
    work = [one for one in found[0]["exercises"][0]["sets"] if not one["warmup"]]
    assert len(work) == 3
    assert work[0] == {
        "reps_min": 6, "reps_max": 10, "weight_kg": 80.0, "rir": 2.0, "rest_s": 120, "warmup": False,
    }  # fmt: skip
    assert (found[0]["day"], found[0]["offset"]) == (1, 0)


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (130.0, [(40.0, 8)]),
        (105.0, [(40.0, 8), (55.0, 4)]),
        (90.0, [(32.5, 8), (47.5, 5), (60.0, 3)]),
    ],
)
def test_the_ramp_follows_the_share_of_the_maximum(maximum: float, expected: list[tuple[float, int]]) -> None:
    assert ramp(expand([day(reps=[8, 15])], {"hp01": maximum})) == expected


def test_only_the_first_lift_of_a_pattern_has_a_ramp() -> None:
    both = {"exercises": [*day()["exercises"], *day("hp02")["exercises"]]}
    found = expand([both])
    assert ramp(found)
    assert ramp(found, 1) == []


def test_a_lift_by_feel_ramps_without_a_load_and_body_weight_not_at_all() -> None:
    assert ramp(expand([day(kg=None)])) == [(None, 8)]
    assert ramp(expand([day("hp07", None)])) == []


def test_a_ramp_is_on_the_persons_rack_and_never_below_the_bar() -> None:
    assert ramp(expand([day("hp03", 24.0)], dumbbell_step_kg=4)) == [(12.0, 8)]
    assert ramp(expand([day(kg=25.0)], bar_kg=20)) == [(20.0, 8)]


def test_further_ramp_sets_wait_where_the_minutes_are_full() -> None:
    plain = expand([day()])[0]["minutes"]
    tight = expand([day()], {"hp01": 85.0}, minutes_per_session=plain)
    assert len(ramp(tight)) == 1
    assert tight[0]["minutes"] == plain
    assert len(ramp(expand([day()], {"hp01": 85.0}))) == 3
