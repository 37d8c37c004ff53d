"""Readings, goals, pain and illness of today (C-HTN, C-DM1, X-HYPO, N-08, C-PAINRULE, O-02)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fitsense.training.findings import LANGUAGES, sentences
from fitsense.training.people.measures import Pressure, glucose_of, pressure_of
from tests.unit.training.screened import Said, asked, keys, look

# --------------------------------------------------------------------------------------- blood pressure


@pytest.mark.parametrize(
    ("bp", "allowed", "level"),
    [
        ("179/109", True, "advise_clearance"),
        ("180/90", False, "urgent"),
        ("150/110", False, "urgent"),
        ("185/112", False, "urgent"),
        ("190/125", False, "urgent"),
        ("139/89", True, "none"),
    ],
)
@pytest.mark.parametrize("conditions", [[], ["hypertension_controlled"]])
def test_a_reading_out_of_bounds_stops_the_session(
    bp: str, allowed: bool, level: str, conditions: list[str]
) -> None:
    found = look(bp=bp, conditions=conditions)
    assert (found.session is not False) is allowed
    assert found.plan_allowed is allowed
    assert "C-HTN" in {one.rule_id for one in found.findings} or level == "none"
    assert found.level == (level if level != "none" or not conditions else "advise_clearance")


def test_clearance_does_not_lift_a_reading() -> None:
    found = look(bp={"systolic": 185, "diastolic": 112}, conditions=["hypertension"], medical_clearance=True)
    assert (found.level, found.plan_allowed, found.session) == ("urgent", False, False)
    assert "pressure_symptoms" in asked(found)


@pytest.mark.parametrize(
    ("bp", "notes", "level"),
    [
        ("185/120", Said(signs=frozenset({"headache"})), "emergency"),
        ("185/120", Said(flags=(("X-CARD", "emergency"),)), "emergency"),
        ("170/120", Said(signs=frozenset({"vision"})), "emergency"),
        ("185/120", Said(signs=frozenset({"fatigue"})), "urgent"),
        ("170/111", Said(signs=frozenset({"headache"})), "urgent"),
    ],
)
def test_very_high_with_symptoms_is_an_emergency(bp: str, notes: Said, level: str) -> None:
    assert look(notes, bp=bp).level == level


@pytest.mark.parametrize(
    "value", ["150/95", "150 over 95", [150, 95], (95, 150), {"systolic": 150, "diastolic": 95}]
)
def test_readings_are_read_however_they_are_written(value: Any) -> None:
    assert pressure_of(value) == Pressure(150, 95)
    assert pressure_of("high") is None
    assert pressure_of(None) is None


# ---------------------------------------------------------------------------------------------- glucose


@pytest.mark.parametrize(
    ("glucose", "session", "level", "key"),
    [
        (69, False, "urgent", "glucose_hypo"),
        (70, True, "none", "glucose_low"),
        (89, True, "none", "glucose_low"),
        (90, True, "none", None),
        (249, True, "none", None),
        (250, "easy_only", "none", "glucose_high"),
        (349, "easy_only", "none", "glucose_high"),
        (350, False, "urgent", "glucose_stop"),
        (15.0, "easy_only", "none", "glucose_high"),
        (3.5, False, "urgent", "glucose_hypo"),
    ],
)
def test_glucose_before_training(glucose: float, session: object, level: str, key: str | None) -> None:
    found = look(conditions=["diabetes_t1"], medical_clearance=True, glucose_mgdl=glucose)
    assert (found.session, found.level) == (session, level)
    told = {one for one in keys(found) if "glucose" in one}
    assert told == ({f"screening.{key}"} if key else set())


def test_low_sugar_with_confusion_is_an_emergency() -> None:
    notes = Said(signs=frozenset({"confused"}))
    assert look(notes, conditions=["diabetes_t1"], glucose_mgdl=50).level == "emergency"


@pytest.mark.parametrize("change", [{"ketones": "large"}, {"ketones": "moderate"}])
def test_ketones_stop_the_session(change: dict[str, Any]) -> None:
    assert look(conditions=["diabetes_t1"], medical_clearance=True, **change).session is False
    assert look(conditions=["diabetes_t1"], medical_clearance=True, ketones="none").session is True


def test_mmol_is_converted() -> None:
    assert glucose_of(5.0) == pytest.approx(90.08)
    assert glucose_of(95) == 95


def test_no_sentence_speaks_of_doses() -> None:
    for key, texts in sentences().items():
        if key.startswith("screening."):
            assert not re.search(r"units? of insulin|insulin dose|dosis|डोज़", " ".join(texts.values())), key


# ------------------------------------------------------------------------------------------ goals, weight


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weight_kg": 52.0}, "underweight"),
        ({"conditions": ["ed_history"]}, "eating"),
        ({"conditions": ["pregnant"], "gestation_weeks": 9, "medical_clearance": True}, "pregnant"),
        ({"conditions": ["postpartum"], "postpartum_weeks": 5}, "postpartum"),
        ({"target_weight_kg": 51.0}, "target"),
        ({"conditions": ["reds"]}, "low_energy"),
        ({"conditions": ["stress_fracture"]}, "healing"),
    ],
)
def test_losing_weight_where_it_is_not_safe_becomes_another_goal(change: dict[str, Any], reason: str) -> None:
    found = look(**{"goal": "fat_loss", "target_weight_kg": 60.0, **change})
    assert found.goal == "general_fitness"
    assert found.level == "advise_clearance"
    assert f"screening.goal.{reason}" in keys(found)


def test_low_mass_that_wants_loss_is_met_with_care() -> None:
    found = look(goal="fat_loss", weight_kg=50.0, target_weight_kg=47.0)
    assert "X-ED" in {one.rule_id for one in found.findings}
    assert found.plan_allowed
    assert found.limits.no_deficit


def test_the_goal_stays_where_nothing_speaks_against_it() -> None:
    assert look(goal="fat_loss", weight_kg=80.0, target_weight_kg=70.0).goal == "fat_loss"
    assert look(goal="strength", conditions=["ed_history"]).goal == "strength"
    assert look(goal="fat_loss", weight_kg=80.0, conditions=["asthma"], target_weight_kg=72.0).level == "none"


def test_a_target_below_a_healthy_weight_is_noticed_with_any_goal() -> None:
    assert "screening.goal.target" in keys(look(goal="general_fitness", target_weight_kg=50.0))
    assert "screening.goal.target" not in keys(look(goal="general_fitness", target_weight_kg=60.0))


def test_no_sentence_after_an_eating_disorder_holds_a_weight_or_energy() -> None:
    found = look(goal="fat_loss", conditions=["ed_history"], target_weight_kg=50.0)
    text = " ".join(one.text(language) for one in found.findings for language in LANGUAGES)
    assert not re.search(r"\d+\s*(kg|kcal|BMI)", text)


# ------------------------------------------------------------------------------------------ pain, illness


@pytest.mark.parametrize(
    ("severity", "level"), [(0, "none"), (3, "none"), (5, "none"), (6, "advise_clearance")]
)
def test_pain_above_five_goes_to_a_clinician(severity: float, level: str) -> None:
    found = look(Said(pain={"knee": severity}))
    assert (found.level, found.plan_allowed) == (level, True)
    assert "C-PAINRULE" in {one.rule_id for one in found.findings}
    assert {"deep_knee_flex"} <= found.limits.tags


def test_logged_pain_counts_too() -> None:
    assert look(pain_area="shoulder", pain=7).level == "advise_clearance"


@pytest.mark.parametrize(
    ("illness", "session"), [("fever", False), ("below_neck", False), ("cold", "easy_only"), ("", True)]
)
def test_illness_decides_on_today(illness: str, session: object) -> None:
    assert look(Said(illness=illness)).session == session
