"""D-01 to D-04 and O-01: when a light week is due, and what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fitsense.training.history.deload import deload_finding, e1rm_drops, estimates_of, letters, rir_drops
from fitsense.training.history.log import Exposure, Log
from fitsense.training.history.readiness import Readiness, deload_reason, readiness
from fitsense.training.request import Request
from tests.unit.training.lifting import day, log, session, sets
from tests.unit.training.people import context, lift


def estimated(*points: tuple[int, float]) -> tuple[Exposure, ...]:
    return tuple(Exposure(day(at), 100.0, (5,), (2.0,), value) for at, value in points)


def of_lifts(**lifts: tuple[Exposure, ...]) -> Log:
    return Log(lifts=lifts, weeks_since_deload=3, training_weeks=20)


def why(own: Log, sleep_h: float | None = 8.0, **changes: Any) -> str:
    found = deload_finding(context(**changes), own, sleep_h)
    return letters([found]) if found else ""


DOWN = estimated((0, 100), (7, 100), (14, 94), (21, 93))


def test_strength_down_on_two_main_lifts_twice_in_a_row() -> None:
    assert why(of_lifts(sq01=DOWN, hp01=DOWN)) == "a"


@pytest.mark.parametrize(
    "own",
    [
        of_lifts(sq01=DOWN),  # one lift
        of_lifts(sq01=DOWN, bc01=DOWN),  # a curl is no main lift
        of_lifts(sq01=DOWN, hp01=estimated((0, 100), (7, 100), (14, 94), (21, 97))),  # not twice in a row
        of_lifts(sq01=DOWN, hp01=estimated((0, 100), (7, 100), (14, 95.5), (21, 95.5))),  # 4.5 %
        of_lifts(sq01=DOWN, hp01=estimated((0, 100), (40, 94), (47, 93))),  # the best is older than 3 weeks
    ],
)
def test_less_than_that_is_no_deload(own: Log) -> None:
    assert why(own) == ""


def test_the_finding_names_the_numbers_that_were_looked_at() -> None:
    found = deload_finding(context(), of_lifts(sq01=DOWN, hp01=DOWN), 8.0)
    assert found is not None
    assert found.numbers == {"lifts": 2, "percent": 6.0, "ids": "sq01, hp01"}


def test_a_context_without_dates_counts_a_week_each() -> None:
    lifts = [lift(one, 50.0, [8], [2.0], 100, 101, 100, 94, 93) for one in ("sq01", "hp01")]
    drops = e1rm_drops(estimates_of(context(lifts=lifts), None), 0.05)
    assert [drop.exercise_id for drop in drops] == ["sq01", "hp01"]
    assert deload_reason(context(lifts=lifts)) == "a"
    assert deload_reason(context(lifts=lifts[:1])) == ""


def efforts(*rirs: float, kg: float = 100.0, reps: int = 5) -> tuple[Exposure, ...]:
    found = [session(7 * at, kg, [reps] * 3, rir) for at, rir in enumerate(rirs)]
    return tuple(replace(one, e1rm_kg=None) for one in found)


@pytest.mark.parametrize("rirs", [(3, 1), (3, 2, 1), (3, 1, 1), (3, 3, 1)])
def test_the_same_sets_getting_harder_on_two_lifts(rirs: tuple[float, ...]) -> None:
    assert why(of_lifts(sq01=efforts(*rirs), hp01=efforts(*rirs))) == "b"
    assert why(of_lifts(sq01=efforts(*rirs))) == ""


@pytest.mark.parametrize("last", [efforts(1, kg=102.5), efforts(1, reps=6), efforts(1.5)])
def test_harder_at_another_load_or_other_repetitions_is_no_sign(last: tuple[Exposure, ...]) -> None:
    fallen = efforts(3) + tuple(replace(one, date=day(7)) for one in last)
    assert why(of_lifts(sq01=fallen, hp01=fallen)) == ""


def test_an_rir_that_was_not_logged_is_no_fall() -> None:
    unknown = (session(0, 100, [5], 3), session(7, 100, [5], None))
    assert rir_drops(of_lifts(sq01=unknown), 2) == []


@pytest.mark.parametrize(
    ("weeks", "experience", "deload", "suggested"),
    [
        (8, "intermediate", True, False),
        (8, "advanced", True, False),
        (8, "novice", False, False),
        (7, "intermediate", False, True),
        (6, "intermediate", False, True),
        (6, "novice", False, False),
        (5, "intermediate", False, False),
    ],
)
def test_eight_weeks_require_and_six_suggest_one(
    weeks: int, experience: str, deload: bool, suggested: bool
) -> None:
    person = context(experience=experience, week=30, weeks_since_deload=weeks, lifts=[])
    for own in (None, Log(weeks_since_deload=weeks, training_weeks=30)):
        found = readiness(Request(person, log=own))
        assert (found.deload, found.deload_suggested) == (deload, suggested)


def weekly(*counts: int) -> Log:
    rows = [
        row for week, count in enumerate(counts) for row in sets(7 * week, "hp07", None, [8] * count, None)
    ]
    return log(rows, as_of=day(7 * len(counts) - 1).isoformat())


def test_weeks_that_nobody_stated_are_read_from_the_log() -> None:
    person = context(lifts=[])
    assert readiness(Request(person, log=weekly(*[9] * 9))).deload
    light = readiness(Request(person, log=weekly(9, 9, 9, 9, 4, 9, 9, 9, 9)))
    assert not light.deload
    assert not light.deload_suggested
    assert readiness(Request(person, log=weekly(9, 9, 0, 9, 9, 9, 9, 9, 9))).deload_suggested


@pytest.mark.parametrize(
    ("percent", "sleep", "letter"), [(97, 5.9, "d"), (97, 6.0, ""), (97, None, ""), (98, 5.9, "")]
)
def test_short_sleep_halves_what_it_takes(percent: float, sleep: float | None, letter: str) -> None:
    slight = estimated((0, 100), (7, 100), (14, percent), (21, percent))
    assert why(of_lifts(sq01=slight, hp01=slight), sleep) == letter


def test_short_sleep_halves_the_fall_in_reserve_too() -> None:
    own = of_lifts(sq01=efforts(3, 2), hp01=efforts(3, 2))
    assert (why(own, 5.5), why(own, 7.5)) == ("d", "")


def test_lasting_soreness_in_two_muscles() -> None:
    assert why(Log(sore_muscles=frozenset({"quads", "glutes"}))) == "e"
    assert why(Log(sore_muscles=frozenset({"quads"}))) == ""


def test_a_novice_below_eight_weeks_has_none_but_rests_when_very_sore() -> None:
    sore = frozenset({"quads", "glutes"})
    own = replace(of_lifts(sq01=DOWN, hp01=DOWN), training_weeks=7, sore_muscles=sore)
    found = readiness(Request(context(experience="novice", week=30), log=own))
    assert (found.deload, found.step_pct, found.add_sets, found.rules) == (False, 0, False, ("D-04",))
    assert why(replace(own, training_weeks=8), experience="novice") == "a"


def test_a_light_week_is_what_the_published_survey_found() -> None:
    found = readiness(Request(context(weeks_since_deload=8)))
    assert found.deload
    assert 0.4 <= found.set_factor <= 0.6
    assert found.sets_cap == 0.6
    assert 0.8 <= found.load_factor <= 1
    assert (found.rir_extra, found.max_days) == (2, 7)
    assert [one.rule_id for one in found.findings] == ["D-01", "D-02"]


def test_after_a_deload_no_new_one_and_the_old_load_is_the_base() -> None:
    own = replace(of_lifts(sq01=DOWN, hp01=DOWN), weeks_since_deload=0)
    found = readiness(Request(context(), log=own))
    assert (found.deload, found.restart, found.anchor) == (False, True, day(15))
    assert found.rules == ("D-03",)
    assert readiness(Request(context(week=0, weeks_since_deload=0, lifts=[]))) == Readiness()


@pytest.mark.parametrize(
    ("last", "signs", "sleep", "flagged"),
    [
        (90, {"fatigue", "low_mood"}, (8.0,) * 7, True),
        (90, {"fatigue"}, (5.5,) * 7, True),  # short sleep is a sign itself
        (90, {"fatigue"}, (8.0,) * 7, False),
        (90, {"fatigue", "loves_curls"}, (8.0,) * 7, False),
        (91, {"fatigue", "low_mood"}, (8.0,) * 7, False),
    ],
)
def test_strength_down_by_a_tenth_with_two_signs_stops_progress(
    last: float, signs: set[str], sleep: tuple[float, ...], flagged: bool
) -> None:
    own = replace(
        of_lifts(sq01=estimated((0, 100), (7, 100), (14, last))), signs=frozenset(signs), sleep_h=sleep
    )
    found = readiness(Request(context(), log=own))
    assert ("O-01" in found.rules) == flagged
    assert (found.level == "advise_clearance") == flagged
    if flagged:
        assert (found.step_pct, found.add_sets) == (0, False)


def test_what_a_deload_did_not_mend_is_overreaching_too() -> None:
    tired = frozenset({"fatigue", "appetite"})
    down = estimated((0, 100), (7, 94), (21, 94))
    own = replace(of_lifts(sq01=down, hp01=down), signs=tired, weeks_since_deload=1)
    assert "O-01" in readiness(Request(context(), log=own)).rules
    assert "O-01" not in readiness(Request(context(), log=replace(own, weeks_since_deload=5))).rules


def test_what_a_novice_reports_above_four_is_no_base() -> None:
    own = replace(of_lifts(sq01=efforts(6, 3), hp01=efforts(6, 3)), training_weeks=20)
    assert (why(own, experience="novice", week=20), why(own)) == ("", "b")
