from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.safety.text_checks import kcal_below
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history import e1rm as m
from fitsense.training.load.rounding import KG_PER_LB, next_load, round_load
from fitsense.training.nutrition.energy import deficit_forbidden, kcal_floor, weekly_change_pct
from fitsense.training.week.volume import allowed_rise, session_sets, weekly_cap, weekly_sets
from tests.unit.training.people import context

CATALOG = load_catalog()


def test_published_formulas() -> None:
    assert m.epley(100, 1) == 100
    assert m.epley(90, 10) == pytest.approx(120)
    assert m.brzycki(90, 10) == pytest.approx(120)  # equals Epley at 10
    assert m.lombardi(100, 10) == pytest.approx(125.89, abs=0.01)
    assert m.wathan(100, 10) == pytest.approx(134.7, abs=0.1)
    with pytest.raises(ValueError, match="undefined"):
        m.brzycki(100, 37)


def test_the_engine_takes_the_formula_that_fits_or_none() -> None:
    assert m.e1rm(100, 5, 0) == pytest.approx((m.epley(100, 5) + m.brzycki(100, 5)) / 2)
    assert m.e1rm(100, 10, 2) == pytest.approx(m.wathan(100, 12))
    assert m.e1rm(100, 14, 2) is None  # 16 to failure
    assert m.e1rm(100, 5, 3.5) is None  # too far from failure
    assert m.e1rm(0, 5, 1) is None


def test_the_rir_table() -> None:
    assert m.percent_of_1rm(5, 2) == pytest.approx(0.811)  # the rules' own example
    assert m.percent_of_1rm(1, 0) == 1
    assert m.percent_of_1rm(30, 4) == pytest.approx(0.586)
    assert m.reps_at(0.81, 2) == 5
    assert m.reps_at(1.0, 0) == 1


@given(st.floats(1, 12), st.floats(0, 3))
def test_more_repetitions_never_allow_more_load(reps: float, rir: float) -> None:
    assert m.percent_of_1rm(reps + 1, rir) <= m.percent_of_1rm(reps, rir)


@pytest.mark.parametrize(
    ("exercise", "target", "units", "kg"),
    [
        ("sq01", 81.0, "kg", 80.0),
        ("sq01", 81.3, "kg", 82.5),
        ("sq01", 12.0, "kg", 20.0),  # never lighter than the bar
        ("bc01", 9.1, "kg", 10.0),
        ("hp03", 23.0, "kg", 22.5),
        ("sq07", 83.0, "kg", 85.0),
        ("hi07", 17.0, "kg", 16.0),
        ("sq01", 61.0, "lb", round(135 * KG_PER_LB, 2)),
        ("bc01", 5.5, "lb", round(12.5 * KG_PER_LB, 2)),
    ],
)
def test_rounding_to_what_exists(exercise: str, target: float, units: str, kg: float) -> None:
    assert round_load(CATALOG[exercise], target, units) == pytest.approx(kg)


def test_rounding_goes_down_where_up_would_cross_the_cap() -> None:
    assert round_load(CATALOG["hp01"], 51.4, "kg") == 52.5
    assert round_load(CATALOG["hp01"], 51.4, "kg", ceiling_kg=52.0) == 50.0


@pytest.mark.parametrize(
    ("exercise", "kg", "units", "heavier"), [("sq01", 80, "kg", 82.5), ("bc01", 10, "kg", 12.5)]
)
def test_the_next_load(exercise: str, kg: float, units: str, heavier: float) -> None:
    assert next_load(CATALOG[exercise], kg, units) == heavier


@pytest.mark.parametrize("exercise", ["hp01", "bc01", "hi07", "sq07"])
def test_the_next_load_in_pounds_is_the_next_plate_up_from_what_was_stored(exercise: str) -> None:
    pounds, found = 45.0, [round(45 * KG_PER_LB, 2)]
    while pounds < 300:
        pounds += 5
        found.append(next_load(CATALOG[exercise], found[-1], "lb"))
        assert found[-1] == round(pounds * KG_PER_LB, 2)


def test_the_next_load_never_skips_one() -> None:
    assert next_load(CATALOG["bc01"], round(17.5 * KG_PER_LB, 2), "lb") == round(20 * KG_PER_LB, 2)
    assert next_load(CATALOG["bc01"], round(20 * KG_PER_LB, 2), "lb") == round(25 * KG_PER_LB, 2)
    assert next_load(CATALOG["hp01"], 81.2, "kg") == 82.5


def test_fractional_sets() -> None:
    day = {"exercises": [{"id": "hp01", "sets": 4}, {"id": "te01", "sets": 3}, {"id": "??", "sets": 9}]}
    assert session_sets(day) == {"chest": 4, "triceps": 5, "front_delt": 2}
    assert weekly_sets([day, day])["triceps"] == 10


def test_volume_bounds() -> None:
    assert weekly_cap("advanced", 0) == 25
    assert weekly_cap("advanced", 12) == 12
    assert allowed_rise(4) == 6
    assert allowed_rise(20) == 24


def test_energy_bounds() -> None:
    assert [kcal_floor(context(sex=sex, days_per_week=3)) for sex in "FMX"] == [1200, 1500, 1500]
    assert kcal_floor(context(postpartum_weeks=8, days_per_week=3)) == 1500
    assert kcal_floor(context(postpartum_weeks=40, days_per_week=3)) == 1200
    assert not deficit_forbidden(context())
    assert deficit_forbidden(context(weight_kg=50.0))
    assert deficit_forbidden(context(conditions=["pregnant"]))
    assert deficit_forbidden(context(postpartum_weeks=5))


def test_weekly_change_is_per_cent_of_body_weight_a_week() -> None:
    assert weekly_change_pct([100.0, 99.0, 98.0]) == pytest.approx(-1)
    assert weekly_change_pct([100.0]) is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Eat 900 kcal a day.", [900]),
        ("Come 1.100 kcal al día.", [1100]),
        ("रोज़ 800 कैलोरी खाइए।", [800]),
        ("Eat 1,800 kcal a day.", []),
        ("Add 100 to 250 kcal more a day.", []),
        ("Don't go below 1200 kcal.", []),
        ("A target of 600 kcal below nothing.", []),
    ],
)
def test_energy_targets_below_the_floor_are_found(message: str, found: list[float]) -> None:
    assert [kcal for kcal, _ in kcal_below(message, context())] == found
