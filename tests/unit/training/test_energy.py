from __future__ import annotations

from typing import Any

import pytest

from fitsense.training.nutrition.aerobic import aerobic, next_minutes
from fitsense.training.nutrition.energy import (
    deficit_forbidden,
    energy_availability,
    goal_of,
    kcal_floor,
    resting_kcal,
)
from fitsense.training.nutrition.targets import Nutrition, nutrition
from fitsense.training.people.conditions import limits_for
from tests.unit.training.people import context


def food(
    *, weights: tuple[float, ...] = (), kcal: float | None = None, weeks: int | None = 20, **changes: Any
) -> Nutrition:
    person = context(
        **{
            "sex": "M",
            "height_cm": 178.0,
            "weight_kg": 95.0,
            "goal": "fat_loss",
            "days_per_week": 3,
            **changes,
        }
    )
    signs = changes.pop("signs", frozenset())
    return nutrition(
        person, limits_for(person), weights_kg=weights, kcal=kcal, training_weeks=weeks, signs=signs
    )


def rules(found: Nutrition) -> set[str]:
    return {one.rule_id for one in found.findings}


def test_resting_need_is_mifflin_st_jeor() -> None:
    person = {"weight_kg": 80, "height_cm": 180, "age": 30}
    assert resting_kcal({**person, "sex": "M"}) == 1780
    assert resting_kcal({**person, "sex": "F"}) == 1614
    assert resting_kcal({**person, "sex": "X"}) == 1697


@pytest.mark.parametrize(
    ("person", "floor"),
    [
        ({"sex": "F"}, 1200),
        ({"sex": "M"}, 1500),
        ({"sex": "X"}, 1500),
        ({"sex": "F", "postpartum_weeks": 10}, 1500),
        ({"sex": "F", "postpartum_weeks": 10, "breastfeeding": False}, 1200),
        ({"sex": "F", "breastfeeding": True}, 1500),
        ({"sex": "F", "days_per_week": 4, "weight_kg": 70, "height_cm": 170, "age": 30}, 1452),
        ({"sex": "F", "days_per_week": 3, "weight_kg": 70, "height_cm": 170, "age": 30}, 1200),
    ],
)
def test_floors(person: dict[str, Any], floor: float) -> None:
    assert kcal_floor(person) == floor


def test_a_loss_stays_within_every_bound() -> None:
    found = food()
    assert found.kcal is not None
    assert 0 < found.kcal["deficit"] <= 750
    assert found.kcal["deficit"] <= 0.25 * (found.kcal["target"] + found.kcal["deficit"])
    assert found.rate_pct == (-0.7, -0.5)
    assert {"N-01", "N-02", "N-03", "N-07"} <= rules(found)


@pytest.mark.parametrize(
    ("changes", "most"),
    [({"weight_kg": 180.0}, 750), ({"age": 70, "weight_kg": 180.0}, 500), ({"breastfeeding": True}, 300)],
)
def test_the_largest_deficit(changes: dict[str, Any], most: float) -> None:
    found = food(**changes)
    assert found.kcal is not None
    assert most - 10 <= found.kcal["deficit"] <= most


def test_a_small_person_stops_at_the_floor_and_loses_more_slowly() -> None:
    found = food(sex="F", age=60, height_cm=150.0, weight_kg=50.0)
    assert found.kcal is not None
    assert found.rate_pct is not None
    assert found.kcal["target"] >= found.kcal["floor"] == 1200
    assert -0.5 < found.rate_pct[0] < found.rate_pct[1] <= 0


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_kg": 55.0},
        {"conditions": ["pregnant"], "sex": "F"},
        {"postpartum_weeks": 4, "sex": "F"},
        {"conditions": ["ed_history"]},
        {"age": 16},
    ],
)
def test_no_deficit_where_none_is_allowed(changes: dict[str, Any]) -> None:
    found = food(**changes)
    assert found.goal == "general_fitness"
    assert found.rate_pct is None
    assert found.kcal is None or found.kcal["deficit"] == 0
    person = context(goal="fat_loss", height_cm=178.0, **changes)
    assert goal_of(person, no_deficit=limits_for(person).no_deficit) == "general_fitness"


@pytest.mark.parametrize("changes", [{"conditions": ["ed_history"]}, {"weight_kg": 55.0}, {"age": 15}])
def test_no_number_at_all_for_those_it_could_harm(changes: dict[str, Any]) -> None:
    found = food(**changes)
    assert (found.kcal, found.rate_pct) == (None, None)
    assert not any(finding.numbers for finding in found.findings)


def test_the_goal_of_others_stays() -> None:
    assert goal_of(context(goal="fat_loss")) == "fat_loss"
    assert not deficit_forbidden(context())


def test_need_comes_from_intake_and_trend_where_there_are_weeks_of_both() -> None:
    steady = food(weights=(95.0, 95.0, 95.0), kcal=3000)
    guessed = food(weights=(95.0,), kcal=3000)
    assert steady.kcal is not None
    assert guessed.kcal is not None
    assert steady.kcal["target"] + steady.kcal["deficit"] == pytest.approx(3000, abs=1)
    assert guessed.kcal["target"] + guessed.kcal["deficit"] != pytest.approx(3000, abs=50)


def test_an_intake_nobody_could_live_on_is_not_believed() -> None:
    found = food(weights=(95.0, 95.0, 95.0), kcal=1000)
    assert found.kcal is not None
    assert found.kcal["target"] >= 1500


def test_losing_too_fast_twice_raises_the_intake() -> None:
    found = food(weights=(90.0, 89.3, 88.7, 87.5, 86.3), kcal=1800, weight_kg=86.3)
    assert found.kcal is not None
    assert 1900 <= found.kcal["target"] <= 2050
    assert found.level == "none"
    assert "plan.raise_intake" in {one.key for one in found.findings}


def test_losing_too_fast_once_does_not() -> None:
    found = food(weights=(90.0, 89.4, 88.8, 88.3, 87.2), kcal=2000, weight_kg=87.2)
    assert "plan.raise_intake" not in {one.key for one in found.findings}


def test_the_first_two_weeks_are_water() -> None:
    found = food(weights=(90.5, 89.0, 87.5), kcal=2000, weight_kg=87.5, weeks=2)
    assert "plan.raise_intake" not in {one.key for one in found.findings}
    later = food(weights=(90.5, 89.0, 87.5), kcal=2000, weight_kg=87.5, weeks=20)
    assert "plan.raise_intake" in {one.key for one in later.findings}


@pytest.mark.parametrize("weights", [(90.0, 89.3, 88.7, 87.0, 85.3), (170.0, 169.0, 168.0, 165.7, 163.4)])
def test_far_too_fast_asks_for_a_clinician(weights: tuple[float, ...]) -> None:
    found = food(weights=weights, kcal=1900, weight_kg=weights[-1])
    assert found.level == "advise_clearance"
    assert "plan.far_too_fast" in {one.key for one in found.findings}


def test_under_800_kcal_only_in_medical_care() -> None:
    found = food(kcal=700)
    assert found.kcal is not None
    assert (found.level, found.kcal["target"] >= 1500) == ("advise_clearance", True)
    assert "N-04" in rules(found)


def test_low_energy_availability_holds_a_deficit_back() -> None:
    assert energy_availability({"ffm_kg": 45, "exercise_kcal_day": 400}, 1600) == pytest.approx(26.7, abs=0.1)
    found = food(sex="F", weight_kg=65.0, kcal=1600, ffm_kg=45, exercise_kcal_day=400)
    assert found.kcal is not None
    assert (found.goal, found.kcal["deficit"], found.level) == ("general_fitness", 0, "advise_clearance")
    assert found.kcal["target"] >= 45 * 45 + 400
    assert "N-05" in rules(found)
    enough = food(sex="F", weight_kg=65.0, kcal=2000, ffm_kg=45, exercise_kcal_day=200)
    assert "N-05" not in rules(enough)


@pytest.mark.parametrize(
    ("level", "rate"), [("novice", (0.25, 0.5)), ("intermediate", (0.25, 0.5)), ("advanced", (0.1, 0.25))]
)
def test_a_gain_by_level(level: str, rate: tuple[float, float]) -> None:
    found = food(goal="muscle_gain", experience=level)
    maintained = food(goal="strength", experience=level)
    assert found.kcal is not None
    assert maintained.kcal is not None
    assert found.rate_pct == rate
    assert maintained.rate_pct is None
    surplus = found.kcal["target"] - maintained.kcal["target"]
    assert 0.1 * maintained.kcal["target"] - 20 <= surplus <= 500


def test_protein_is_a_clinicians_with_kidney_disease() -> None:
    keys = {one.key for one in food(conditions=["ckd"]).findings}
    assert "plan.protein_clinician" in keys
    assert "plan.protein" not in keys


def test_aerobic_minutes() -> None:
    plain = aerobic(context())
    assert (plain.minutes, plain.hiit) == (150, 2)
    assert aerobic(context(), last_week=40).minutes == 55
    assert aerobic(context(), last_week=120).minutes == 132
    assert aerobic(context(), last_week=200).minutes == 200
    assert next_minutes(100, 150) == pytest.approx(110)
    assert aerobic(context(), extra=False).minutes == 0


@pytest.mark.parametrize(
    ("changes", "hiit"),
    [
        ({"experience": "novice", "week": 2}, 0),
        ({"experience": "novice", "week": 4}, 1),
        ({"conditions": ["asthma"]}, 0),
        ({"age": 70}, 0),
    ],
)
def test_intervals_are_for_the_trained_and_healthy(changes: dict[str, Any], hiit: int) -> None:
    assert aerobic(context(**changes)).hiit == hiit


def test_older_people_get_balance_and_early_mothers_walk() -> None:
    assert "A-02" in {one.rule_id for one in aerobic(context(age=70)).findings}
    assert aerobic(context(postpartum_weeks=3)).minutes == 60
