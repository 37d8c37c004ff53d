from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitsense.training.history.log import exposures_of, lifts_of_log, log_of_case, log_of_context
from fitsense.training.load.progression import succeeded
from tests.unit.training.lifting import case, day, log, session, sets
from tests.unit.training.people import context


def test_sets_become_sessions_by_exercise_and_date() -> None:
    found = log([*sets(2, "hp01", 50, [8, 8]), *sets(0, "hp01", 47.5, [10]), *sets(0, "sq01", 80, [6])])
    assert [(one.date, one.kg, one.reps) for one in found.lifts["hp01"]] == [
        (day(0), 47.5, (10,)),
        (day(2), 50.0, (8, 8)),
    ]
    assert found.lifts["sq01"][0].e1rm_kg == pytest.approx((80 * (1 + 8 / 30) + 36 * 80 / 29) / 2)
    assert found.dates() == [day(0), day(2)]


@pytest.mark.parametrize(
    ("rows", "kg", "reps"),
    [
        # a ramp: far lighter, or lighter and easy or without an RIR before the heaviest
        (
            [*sets(0, "sq01", 50, [8], None), *sets(0, "sq01", 90, [4], None), *sets(0, "sq01", 100, [5, 5])],
            100.0,
            (5, 5),
        ),
        ([*sets(0, "sq01", 80, [5], 5), *sets(0, "sq01", 100, [5])], 100.0, (5,)),
        ([*sets(0, "sq01", 95, [8], 2, note="warm-up"), *sets(0, "sq01", 90, [8, 8])], 90.0, (8, 8)),
        # a heavy single above the work is no work load
        ([*sets(0, "sq01", 110, [1], 1), *sets(0, "sq01", 100, [5, 5, 5])], 100.0, (5, 5, 5)),
    ],
)
def test_warm_ups_and_single_tries_are_no_work(
    rows: list[dict[str, object]], kg: float, reps: tuple[int]
) -> None:
    (found,) = log(rows).lifts["sq01"]
    assert (found.kg, found.reps) == (kg, reps)


def test_a_load_that_was_taken_off_the_bar_is_no_full_success() -> None:
    (dropped,) = log([*sets(0, "hp01", 50, [12, 12]), *sets(0, "hp01", 45, [12])]).lifts["hp01"]
    (failed,) = log([*sets(0, "hp01", 50, [12, 12]), *sets(0, "hp01", 50, [0], 0)]).lifts["hp01"]
    assert not succeeded(dropped, 12, 2)
    assert not succeeded(failed, 12, 2)


def test_an_rir_that_was_not_logged_is_unknown_and_never_success() -> None:
    (found,) = log(sets(0, "hp01", 50, [12, 12], None)).lifts["hp01"]
    assert found.rir == (None, None)
    assert found.e1rm_kg is None
    assert not succeeded(found, 12, 0)
    assert succeeded(session(0, 50, [12, 12], 2), 12, 2)


def test_an_rir_that_nobody_can_tell_is_dropped_and_the_set_stays() -> None:
    (found,) = log(sets(0, "hp01", 50, [12], 15)).lifts["hp01"]
    assert (found.reps, found.rir) == ((12,), (None,))


def test_what_cannot_be_counted_is_named() -> None:
    rows = [
        *sets(0, "moon_press", 50, [5]),
        *sets(9, "hp01", 50, [5, 5]),
        *sets(0, "hp01", 50, [5], id="a"),
        *sets(0, "hp01", 50, [5], id="a"),
        *sets(0, "hp01", 50, [5], id="b"),
    ]
    found = log(rows, as_of=day(5).isoformat())
    told = {one.key: one for one in found.findings}
    assert told["adapt.log_unknown"].numbers == {"names": "moon_press"}
    assert told["adapt.log_future"].numbers == {"count": 2}
    assert told["adapt.log_repeated"].numbers == {"count": 1}
    assert [one.reps for one in found.lifts["hp01"]] == [(5, 5)]
    assert all(one.text(language) for one in found.findings for language in ("en", "es", "hi"))


@pytest.mark.parametrize("name", ["hp01", "HP01", "Barbell bench press", " barbell bench press "])
def test_an_exercise_may_be_named(name: str) -> None:
    assert list(log(sets(0, name, 50, [5])).lifts) == ["hp01"]


@pytest.mark.parametrize("slip", [1000, 525, 110])
def test_a_slip_of_the_pen_is_not_taken_as_strength(slip: float) -> None:
    rows = [*sets(0, "hp01", 50, [8, 8]), *sets(3, "hp01", 52.5, [8]), *sets(6, "hp01", slip, [8])]
    found = log(rows)
    assert [one.kg for one in found.lifts["hp01"]] == [50, 52.5]
    assert [one.key for one in found.findings] == ["adapt.log_odd"]


def test_a_jump_that_a_second_day_confirms_is_real_and_a_log_of_one_day_stands() -> None:
    rows = [*sets(0, "hp01", 20, [8]), *sets(3, "hp01", 40, [8]), *sets(6, "hp01", 40, [8])]
    assert [one.kg for one in log(rows).lifts["hp01"]] == [20, 40, 40]
    ramp = [*sets(0, "sq01", 60, [8], None), *sets(0, "sq01", 140, [5, 5])]
    assert log(ramp).lifts["sq01"][0].kg == 140


@pytest.mark.parametrize(("exercise", "kg"), [("hp03", 160), ("sq01", 600), ("hp04", 101)])
def test_no_implement_is_that_heavy(exercise: str, kg: float) -> None:
    assert exercise not in log(sets(0, exercise, kg, [5])).lifts


def test_two_hundred_repetitions_with_a_load_are_a_slip_and_a_long_plank_is_none() -> None:
    found = log([*sets(0, "hp01", 50, [8, 120]), *sets(0, "co01", None, [90], None)])
    assert [one.reps for one in found.lifts["hp01"]] == [(8,)]
    assert [one.reps for one in found.lifts["co01"]] == [(90,)]


def test_last_weeks_sets_are_as_stated_or_the_hard_ones_of_the_log() -> None:
    rows = [*sets(0, "hp01", 50, [8] * 3), *sets(8, "hp01", 50, [8] * 4, 2), *sets(9, "hp01", 50, [8], 5)]
    assert log(rows).weekly_sets == {"chest": 4.0, "triceps": 2.0, "front_delt": 2.0}
    assert log(rows, prior_week_sets={"Back": 8, "hams": 5}).weekly_sets == {
        "lats": 8,
        "upper_back": 8,
        "hamstrings": 5,
    }


def test_days_since_the_last_session() -> None:
    rows = sets(0, "hp01", 50, [8])
    assert log(rows, as_of=day(15).isoformat()).days_since_last == 15
    assert log(rows, as_of=day(15).isoformat(), days_since_last_session=3).days_since_last == 3
    assert log(rows).days_since_last is None


def test_target_ranges_of_one_exercise_or_of_all() -> None:
    one = case(sets(0, "hp01", 50, [8]), {"target_range": [8, 12]}, target_range={"hp01": [5, 8]})
    assert log_of_case(one).target_reps == {"": (8, 12), "hp01": (5, 8)}


def test_a_context_gives_the_last_session_and_the_weeks_estimates() -> None:
    found = log_of_context(context())
    squat = found.lifts["sq01"]
    assert [one.e1rm_kg for one in squat] == [106.0, 107.0, 108.0]
    assert (squat[-1].kg, squat[-1].reps, squat[-1].rir) == (80.0, (10, 10, 10), (2.0, 2.0, 2.0))
    assert squat[0].reps == ()
    assert (found.sleep_weeks_h, found.weeks_since_deload) == ((7.4, 7.2, 7.5), 5)
    assert found.lifts["hp01"] == exposures_of(context()["lifts"][1])


def test_the_contexts_lifts_of_a_log_the_most_recent_first() -> None:
    rows = [*sets(0, "hp01", 50, [8, 8]), *sets(3, "sq01", 80, [6], None)]
    squat, bench = lifts_of_log(log(rows))
    assert squat == {"exercise_id": "sq01", "weight_kg": 80, "reps": [6], "rir": [], "e1rm_kg": []}
    assert (bench["exercise_id"], bench["rir"], len(bench["e1rm_kg"])) == ("hp01", [2, 2], 1)


_ROW = st.fixed_dictionaries(
    {
        "date": st.dates(day(0), day(60)).map(str),
        "exercise": st.sampled_from(["hp01", "sq01", "bc01", "hp07", "", "??"]),
        "weight_kg": st.none() | st.floats(0, 1000),
        "reps": st.integers(0, 200),
        "rir": st.none() | st.floats(0, 20),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_ROW, max_size=40))
def test_any_log_can_be_read(rows: list[dict[str, object]]) -> None:
    found = log(rows, as_of=day(50).isoformat())
    for exposures in found.lifts.values():
        assert [one.date for one in exposures] == sorted({one.date for one in exposures if one.date})
        for one in exposures:
            assert len(one.reps) == len(one.rir) > 0
            assert min(one.reps) >= 1
            assert one.e1rm_kg is None or one.e1rm_kg > 0
