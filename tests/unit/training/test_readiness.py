"""P-06, S-01 to S-03, O-02: what breaks, sleep and illness take off a week or a day."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.training.findings import sentences
from fitsense.training.history.log import Log
from fitsense.training.history.readiness import Readiness, readiness
from fitsense.training.request import Request
from tests.unit.training.lifting import day, log, sets
from tests.unit.training.people import context


def ready(own: Log | None = None, /, *, today: bool = False, **changes: Any) -> Readiness:
    asked = {name: changes.pop(name) for name in ("last_night_h", "break_days", "ill") if name in changes}
    return readiness(Request(context(**changes), log=own, today=today, **asked))


def nights(*hours: float) -> Log:
    return Log(sleep_h=hours, weeks_since_deload=3)


# ----------------------------------------------------------------------------------------------- sleep


@pytest.mark.parametrize(
    ("mean", "step_pct", "sets", "add_sets", "session"),
    [
        (7.0, 100, 1, True, True),
        (6.9, 2.5, 1, False, True),
        (6.0, 2.5, 1, False, True),
        (5.9, 0, 0.75, False, True),
        (5.0, 0, 0.75, False, True),
        (4.9, 0, 0.7, False, "easy_only"),
    ],
)
def test_a_weeks_mean_sleep_bounds_the_week(
    mean: float, step_pct: float, sets: float, add_sets: bool, session: bool | str
) -> None:
    for found in (ready(sleep_h=[mean]), ready(nights(*[mean] * 7))):
        assert (found.step_pct, found.set_factor, found.add_sets) == (step_pct, sets, add_sets)
        assert found.session == session
        assert found.rules == (("S-03",) if mean < 7 else ())
        assert 0.7 <= found.set_factor <= 1
        assert all(one.numbers["need"] == 7 for one in found.findings)  # S-01


def test_below_six_hours_sets_stay_within_a_fifth_to_three_tenths_less() -> None:
    found = ready(nights(*[5.5] * 7))
    assert 0.7 <= found.set_factor <= found.sets_cap == 0.8


def test_one_or_two_nights_are_no_week() -> None:
    assert ready(nights(4.0, 4.0), sleep_h=[]) == Readiness()
    assert ready(nights(4.0, 4.0, 4.0), sleep_h=[]).rules == ("S-03",)


def test_only_the_last_seven_nights_count() -> None:
    assert ready(nights(*[3.0] * 5, *[7.5] * 7)) == Readiness()


@pytest.mark.parametrize(
    ("weeks", "level"), [([4.8], "none"), ([4.8, 4.9], "advise_clearance"), ([5.2, 4.9], "none")]
)
def test_two_weeks_below_five_hours_are_for_a_clinician(weeks: list[float], level: str) -> None:
    assert ready(sleep_h=weeks).level == level


@pytest.mark.parametrize(
    ("hours", "factor", "rir", "hiit"), [(5.9, 0.95, 1, True), (5.0, 0.95, 1, True), (4.9, 0.9, 2, False)]
)
def test_one_bad_night_acts_on_today_alone(hours: float, factor: float, rir: float, hiit: bool) -> None:
    week = ready(last_night_h=hours)
    assert (week.compound_factor, week.rir_extra, week.step_pct, week.hiit, week.rules) == (
        1,
        0,
        100,
        True,
        (),
    )
    for day_one in (week.for_today(), ready(last_night_h=hours, today=True)):
        assert (day_one.compound_factor, day_one.rir_extra, day_one.hiit) == (factor, rir, hiit)
        assert (day_one.set_factor, day_one.rules, day_one.today) == (1, ("S-02",), None)


def test_a_night_of_six_hours_is_no_bad_night() -> None:
    assert ready(last_night_h=6.0, today=True) == Readiness()


def test_todays_session_looks_at_the_last_logged_night_and_a_week_does_not() -> None:
    own = nights(8, 8, 8, 8, 8, 8, 4)
    assert ready(own, today=True).rules == ("S-02",)
    assert ready(own) == Readiness()


# ---------------------------------------------------------------------------------------------- breaks


@pytest.mark.parametrize(
    ("days", "low", "high", "sets", "max_days", "novice"),
    [
        (7, 0.9, 0.95, 1, 7, False),
        (13, 0.9, 0.95, 1, 7, False),
        (14, 0, 0.9, 0.5, 7, False),
        (27, 0, 0.9, 0.5, 7, False),
        (28, 0, 0.8, 0.5, 3, True),
        (90, 0, 0.8, 0.5, 3, True),
    ],
)
def test_the_first_week_back(
    days: int, low: float, high: float, sets: float, max_days: int, novice: bool
) -> None:
    for found in (ready(break_days=days), ready(Log(days_since_last=days, weeks_since_deload=3))):
        assert low <= found.load_factor <= found.load_cap == high
        assert (found.set_factor, found.max_days, found.novice_block) == (sets, max_days, novice)
        assert (found.step_pct, found.rules) == (0, ("P-06",))
        assert found.sets_cap == (0.5 if days >= 14 else 100)


def test_six_days_are_no_break() -> None:
    assert ready(break_days=6) == Readiness()


def gap(days: int, back: int, as_of: int) -> Log:
    """Sessions on three days, a gap, and sessions since; read on day ``as_of`` after the return."""
    rows = [row for at in (0, 3, 6) for row in sets(at, "hp01", 60, [8, 8])]
    rows += [row for at in range(0, back, 3) for row in sets(6 + days + at, "hp01", 52.5, [8, 8])]
    return log(rows, as_of=day(6 + days + as_of).isoformat(), weeks_since_deload=3)


def test_the_second_week_back_is_seen_in_the_log() -> None:
    found = ready(gap(18, back=6, as_of=6))
    assert (found.set_factor, found.load_cap, found.rules) == (0.7, 0.9, ("P-06",))
    assert found.anchor == day(24)
    assert found.findings[0].numbers == {"days": 18, "percent": 70}


def test_within_the_first_week_back_todays_session_is_still_at_half() -> None:
    assert ready(gap(18, back=2, as_of=2), today=True).set_factor == 0.5


def test_a_short_gap_and_the_third_week_are_ordinary() -> None:
    assert ready(gap(10, back=6, as_of=6)) == Readiness()
    assert ready(gap(18, back=13, as_of=13)) == Readiness()


# ---------------------------------------------------------------------------------------------- illness


@pytest.mark.parametrize(
    ("kind", "session", "half"),
    [("fever", False, 2), ("below_neck", False, 2), ("cold", "easy_only", 0), ("recovered", True, 2)],
)
def test_the_neck_check(kind: str, session: bool | str, half: int) -> None:
    found = ready(ill=kind)
    assert (found.session, found.half_sessions, found.set_factor) == (session, half, 0.5)
    assert (found.step_pct, found.hiit, found.rules) == (0, False, ("O-02",))


# ------------------------------------------------------------------------------------------ together


def test_the_strictest_number_wins() -> None:
    found = ready(sleep_h=[5.5], break_days=20, weeks_since_deload=9)
    assert (found.set_factor, found.load_factor, found.load_cap) == (0.5, 0.9, 0.9)
    assert (found.step_pct, found.rir_extra, found.deload) == (0, 2, True)
    assert set(found.rules) == {"S-03", "P-06", "D-01", "D-02"}


@given(
    st.lists(st.floats(0, 24), max_size=3),
    st.none() | st.floats(0, 24),
    st.integers(0, 400),
    st.sampled_from(["", "cold", "fever", "below_neck", "recovered"]),
    st.integers(0, 20),
    st.booleans(),
)
def test_readiness_never_adds_and_every_reason_can_be_told(
    sleep: list[float], night: float | None, gap_days: int, ill: str, weeks: int, today: bool
) -> None:
    found = ready(
        sleep_h=sleep, last_night_h=night, break_days=gap_days, ill=ill, weeks_since_deload=weeks, today=today
    )
    assert max(found.load_factor, found.compound_factor, found.set_factor) <= 1
    assert found.rir_extra >= 0
    told = [*found.findings, *(found.today.findings if found.today else ())]
    assert all(one.key in sentences() and one.text("hi") for one in told)
    assert {one.rule_id for one in found.findings} <= set(found.rules) | {"D-01"}
