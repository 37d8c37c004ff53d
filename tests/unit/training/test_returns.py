"""What a break or a deload took off comes back, once, and no easy week is taken for a decline."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from fitsense.training.history.deload import rir_drops
from fitsense.training.history.log import Exposure, Log
from fitsense.training.history.readiness import Readiness, readiness
from fitsense.training.request import Request
from tests.unit.training.lifting import change, day, session
from tests.unit.training.people import context

SHORT_BREAK = Readiness(step_pct=0, load_factor=0.95, load_cap=0.95, add_sets=False, rules=("P-06",))
SHORT_SLEEP = Readiness(step_pct=2.5, add_sets=False, rules=("S-03",))


def logged(*exposures: Exposure, exercise: str = "hp01", until: int = 0, **more: object) -> Log:
    last = max(one.date for one in exposures if one.date)
    return replace(Log(lifts={exercise: exposures}, as_of=last + dt.timedelta(days=until or 2)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kit", "eased", "back"), [("hp01", 97.5, 100.0), ("hp03", 17.5, 20.0)])
def test_a_load_eased_by_a_break_comes_back_though_the_step_is_coarse(
    kit: str, eased: float, back: float
) -> None:
    before, after = session(0, back, [9, 9, 8]), session(9, eased, [10, 10, 9])
    own = logged(before, after, exercise=kit)
    found = change(kit, before, after, own_log=own)
    assert (found.new_kg, found.why, found.findings[0].key) == (back, "raise", "adapt.regain")
    assert change(kit, before, after, own_log=own, ready=SHORT_SLEEP).new_kg == back
    hard = session(9, eased, [10, 9, 7])
    assert change(kit, before, hard, own_log=logged(before, hard, exercise=kit)).new_kg == eased


def test_a_coarse_load_that_never_was_in_range_does_not_come_back() -> None:
    before, after = session(0, 20, [7, 6, 6]), session(9, 17.5, [10, 10, 9])
    found = change("hp03", before, after, own_log=logged(before, after, exercise="hp03"))
    assert found.new_kg == 17.5


def test_breaks_in_a_row_ease_a_load_once() -> None:
    first, second = session(0, 100, [9, 9, 8]), session(8, 95, [9, 9, 8])
    one = change("hp01", first, own_log=logged(first, until=8), ready=SHORT_BREAK)
    again = change("hp01", first, second, own_log=logged(first, second, until=8), ready=SHORT_BREAK)
    assert (one.new_kg, again.new_kg) == (95, 95)


@pytest.mark.parametrize(("days", "away", "rules"), [(1, 7, ()), (1, 8, ("P-06",)), (2, 7, ("P-06",))])
def test_who_lifts_once_a_week_has_no_break_after_a_week(
    days: int, away: int, rules: tuple[str, ...]
) -> None:
    own = Log(days_since_last=away, weeks_since_deload=3)
    assert readiness(Request(context(days_per_week=days), log=own)).rules == rules


def test_repetitions_go_on_while_short_sleep_holds_a_load_that_was_earned() -> None:
    done = [session(number, 40, [12, 12, 12], 3) for number in (0, 3)]
    found = change("hp01", *done, own_log=logged(*done), ready=SHORT_SLEEP)
    assert (found.new_kg, found.reps) == (40, (12, 15))


def test_who_is_past_the_top_does_not_fall_back_to_the_short_range() -> None:
    done = [session(number, 10, [13, 13, 13], 1) for number in (0, 3)]
    assert change("hp03", *done, own_log=logged(*done, exercise="hp03")).reps == (12, 15)


@pytest.mark.parametrize(("weeks", "falls"), [(1, 0), (8, 2)])
def test_a_deloads_easy_sets_are_no_measure_of_effort(weeks: int, falls: int) -> None:
    easy, usual = session(0, 50, [8, 8, 8], 5), session(9, 50, [8, 8, 8], 2)
    lifts = {"hp01": (easy, usual), "sq01": (easy, usual)}
    own = Log(lifts=lifts, as_of=day(10), weeks_since_deload=weeks)
    assert len(rir_drops(own, 2.0)) == falls


def test_one_set_alike_and_small_lifts_tell_nothing_of_fatigue() -> None:
    def told(*reps: int, rir: float, on: int) -> Exposure:
        return session(on, 50, list(reps), rir)

    lone = (told(10, 9, 8, rir=4, on=0), told(8, 7, 7, rir=1, on=7))
    alike = (told(8, 8, 8, rir=4, on=0), told(8, 8, 7, rir=1, on=7))
    assert not rir_drops(Log(lifts={"hp01": lone}), 2.0)
    assert rir_drops(Log(lifts={"hp01": alike}), 2.0)
    assert not rir_drops(Log(lifts={"bc01": alike}), 2.0)
