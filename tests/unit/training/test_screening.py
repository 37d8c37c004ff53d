"""The gate: ages, pregnancy, conditions, red flags, and what holds for everybody (Q-*, X-*, C-*)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitsense.training.findings import LANGUAGES, sentences
from fitsense.training.people.conditions import load_conditions
from fitsense.training.people.screening import screen
from fitsense.training.people.screening_checks import PARQ
from fitsense.training.people.screening_parts import LEVELS, strictest_session
from tests.unit.training.people import anybody, context
from tests.unit.training.screened import Said, asked, keys, look


def test_a_healthy_adult_goes() -> None:
    found = look()
    assert (found.level, found.plan_allowed, found.session) == ("none", True, True)
    assert found.findings == found.questions == ()
    assert found.goal == "muscle_gain"


# ------------------------------------------------------------------------------------------------ ages


@pytest.mark.parametrize(
    ("age", "allowed", "key"),
    [(9, False, "child"), (12, False, "child"), (13, False, "minor"), (17, False, "minor"), (18, True, None)],
)
def test_the_product_is_for_adults(age: int, allowed: bool, key: str | None) -> None:
    found = look(age=age, medical_clearance=True)
    assert found.plan_allowed is allowed
    assert found.session is allowed
    assert [one.rule_id for one in found.findings if one.rule_id == "X-MIN"] == ["X-MIN"] * (key is not None)
    assert key is None or f"screening.{key}" in keys(found)


def test_an_age_that_notes_tell_counts() -> None:
    assert not look(Said(flags=(("X-MIN", "decline"),))).plan_allowed


# ------------------------------------------------------------------------------------- pregnancy and birth


def test_pregnant_without_clearance_gets_advice_only() -> None:
    found = look(conditions=["pregnant"], gestation_weeks=20)
    assert (found.level, found.plan_allowed, found.session) == ("advise_clearance", False, False)
    assert "screening.held.C-PREG" in keys(found)
    assert "clearance" in asked(found)


def test_pregnant_and_cleared_gets_a_plan() -> None:
    found = look(conditions=["pregnant"], gestation_weeks=20, medical_clearance=True)
    assert (found.level, found.plan_allowed, found.session) == ("none", True, True)
    assert "gestation" not in asked(found)


def test_an_unknown_week_of_pregnancy_is_asked_and_taken_as_late() -> None:
    found = look(conditions=["pregnant"], medical_clearance=True)
    assert "gestation" in asked(found)
    assert {"supine", "prone"} <= found.limits.tags


def test_a_complicated_pregnancy_gets_no_plan_even_if_cleared() -> None:
    assert not look(conditions=["placenta previa"], gestation_weeks=20, medical_clearance=True).plan_allowed


@pytest.mark.parametrize(
    ("weeks", "cleared", "allowed"),
    [(None, True, False), (3, True, False), (5, True, False), (6, True, True), (8, False, False),
     (8, True, True), (11, False, False), (12, False, True), (30, False, True)],
)  # fmt: skip
def test_after_a_birth_the_weeks_and_the_check_decide(
    weeks: int | None, cleared: bool, allowed: bool
) -> None:
    found = look(conditions=["postpartum"], postpartum_weeks=weeks, medical_clearance=cleared)
    assert found.plan_allowed is allowed
    assert ("postpartum" in asked(found)) is (weeks is None)


def test_the_check_alone_opens_the_plan_and_a_section_asks_for_the_wound() -> None:
    found = look(conditions=["postpartum"], postpartum_weeks=8, postpartum_check=True, c_section=True)
    assert found.plan_allowed
    assert "screening.c_section" in keys(found)
    assert {"wound", "pelvic", "breastfeeding"} <= asked(found)


# ------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("coronary_stent", "C-CARD"), ("heart_failure", "C-CARD"), ("stroke", "C-CARD"),
        ("arrhythmia", "C-CARD"), ("angina", "C-CARD"), ("hernia", "C-HERN"),
        ("post_surgery_abdominal", "C-HERN"), ("post_surgery_knee", "C-SURG"), ("fracture", "C-SURG"),
        ("vertebral_fracture", "C-OST"), ("retinopathy", "C-DM2"), ("neuropathy", "C-DM2"),
        ("hypertension_uncontrolled", "C-HTN"), ("pregnant", "C-PREG"), ("ed_current", "X-ED"),
        ("had a stent put in two years ago", "C-CARD"), ("told to rest", "C-SURG"),
    ],
)  # fmt: skip
def test_what_needs_clearance_waits_for_it(code: str, rule: str) -> None:
    found = look(conditions=[code])
    assert (found.level, found.plan_allowed, found.session) == ("advise_clearance", False, False)
    assert rule in {one.rule_id for one in found.findings}
    cleared = look(conditions=[code], medical_clearance=True)
    assert (cleared.level, cleared.plan_allowed) == ("none", True)
    assert rule in {one.rule_id for one in cleared.findings}


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("hypertension_controlled", "advise_clearance"), ("diabetes_t2", "advise_clearance"),
        ("osteoporosis", "advise_clearance"), ("asthma", "none"), ("obesity", "none"),
        ("low_back_pain", "none"),
        ("knee_pain", "none"), ("shoulder_pain", "none"), ("wrist_pain", "none"), ("trt_prescribed", "none"),
        ("depression", "none"),
    ],
)  # fmt: skip
def test_what_needs_no_clearance_gets_a_plan(code: str, level: str) -> None:
    found = look(conditions=[code])
    assert (found.level, found.plan_allowed, found.session) == (level, True, True)


def test_an_unknown_condition_is_a_reason_for_caution_and_is_named() -> None:
    found = look(conditions=["Flurbish's disease of the gribble"])
    assert (found.level, found.plan_allowed, found.session) == ("advise_clearance", True, "easy_only")
    assert "Flurbish" in " ".join(one.text("en") for one in found.findings)
    assert asked(found) == {"condition"}
    cleared = look(conditions=["Flurbish's disease"], medical_clearance=True)
    assert cleared.level == "advise_clearance"


def test_long_words_of_a_person_are_not_said_back_whole() -> None:
    found = look(conditions=["gribble " * 50])
    assert max(len(one.text("en")) for one in found.findings) < 300


def test_chest_pain_is_an_emergency_whoever_cleared_it() -> None:
    found = look(conditions=["chest pain when I climb stairs"], medical_clearance=True)
    assert (found.level, found.plan_allowed, found.session) == ("emergency", False, False)


@pytest.mark.parametrize(
    ("code", "active", "allowed"),
    [("diabetes_t2", False, False), ("diabetes_t2", None, True), ("diabetes_t2", True, True),
     ("ckd", False, False), ("ckd", None, False), ("ckd", True, True), ("asthma", False, True)],
)  # fmt: skip
def test_a_known_disease_in_the_inactive_needs_clearance(
    code: str, active: bool | None, allowed: bool
) -> None:
    found = look(conditions=[code], currently_active=active)
    assert found.plan_allowed is allowed
    assert bool(found.limits.blocked) is not allowed
    assert ("active" in asked(found)) is (active is None)
    assert look(conditions=[code], currently_active=active, medical_clearance=True).plan_allowed


def test_light_activity_is_not_active() -> None:
    assert not look(conditions=["diabetes_t2"], activity="light").plan_allowed
    assert look(conditions=["diabetes_t2"], activity="moderate").plan_allowed


@pytest.mark.parametrize("name", PARQ)
def test_any_yes_to_the_seven_questions_keeps_it_light_or_stops(name: str) -> None:
    found = look(parq={name: True})
    assert found.level in ("advise_clearance", "emergency")
    assert found.session in (False, "easy_only")
    assert look(parq=dict.fromkeys(PARQ, False)) == look()


def test_symptoms_need_clearance_always() -> None:
    assert look(parq={"chest_pain": True}, medical_clearance=True).level == "emergency"
    assert look(parq={"medication": True}, medical_clearance=True).level == "none"


# ---------------------------------------------------------------------------------- red flags in the notes


@pytest.mark.parametrize(
    ("rule", "level", "allowed"),
    [
        ("X-SH", "crisis", False), ("X-CARD", "emergency", False), ("X-RHAB", "emergency", False),
        ("X-INJ", "urgent", False), ("C-PREG-STOP", "urgent", False), ("X-ED", "care", True),
        ("O-01", "advise_clearance", True), ("X-PED", "decline", True),
    ],
)  # fmt: skip
def test_red_flags_stop_whoever_is_cleared(rule: str, level: str, allowed: bool) -> None:
    found = look(Said(flags=((rule, level),)), medical_clearance=True)
    expected = {"care": "advise_clearance", "decline": "none"}.get(level, level)
    assert (found.level, found.plan_allowed) == (expected, allowed)
    assert found.session is allowed
    assert rule in {one.rule_id for one in found.findings}


def test_the_gravest_comes_first() -> None:
    notes = Said(flags=(("X-INJ", "urgent"), ("X-SH", "crisis")))
    found = look(notes, conditions=["asthma"])
    assert found.level == "crisis"
    assert [one.rule_id for one in found.findings] == ["X-SH"]
    assert found.questions == ()


@pytest.mark.parametrize(
    ("rule", "level", "said"),
    [
        ("X-RHAB", "emergency", "emergency department today"),
        ("X-CARD", "emergency", "112/911/999/108"),
        ("C-PREG-STOP", "urgent", "maternity team"),
        ("C-PAINRULE", "advise_clearance", "see a clinician"),
        ("X-ODD", "emergency", "112/911/999/108"),
        ("X-ODD", "urgent", "same day"),
        ("X-ODD", "advise_clearance", "doctor"),
    ],
)
def test_a_flag_says_what_to_do_and_how_soon(rule: str, level: str, said: str) -> None:
    found = look(Said(flags=((rule, level),)))
    assert any(said in one.text("en") for one in found.findings)


def test_a_minor_hears_of_no_plan_but_of_red_flags() -> None:
    found = look(Said(flags=(("X-INJ", "urgent"),)), age=15, conditions=["obesity", "diabetes"])
    assert [one.rule_id for one in found.findings] == ["X-INJ", "X-MIN"]
    assert found.questions == ()


def test_who_gets_no_plan_is_not_told_what_is_in_it() -> None:
    found = look(conditions=["coronary_stent", "hypertension", "obesity"])
    assert {one.rule_id for one in found.findings} == {"C-CARD"}
    assert not any("bound" in key for key in keys(found))


# ---------------------------------------------------------------------------------------------- in general


def test_every_bound_can_be_told_in_every_language() -> None:
    known = sentences()
    data = load_conditions()
    for bound in (*data.conditions.values(), *data.derived):
        needed = [f"screening.ask_{one}" for one in bound.asks]
        needed += [] if bound.never else [f"screening.bound.{bound.rule}"]
        needed += [f"screening.held.{bound.rule}"] if bound.needs_clearance or bound.never else []
        for key in needed:
            assert set(known[key]) == set(LANGUAGES)


def test_sentences_are_short_and_blame_nobody() -> None:
    for key, texts in sentences().items():
        if key.startswith("screening."):
            assert all(len(text) <= 330 for text in texts.values()), key
            assert not re.search(r"\b(fault|lazy|fat|cheat|you have a tear)\b", texts["en"]), key


@settings(max_examples=300, deadline=None)
@given(anybody(), st.booleans())
def test_screening_never_fails_and_agrees_with_the_limits(person: dict[str, Any], cleared: bool) -> None:
    person = {**person, "medical_clearance": cleared}
    found = screen(person)
    assert found.level in LEVELS
    assert found.plan_allowed or found.session is False
    if found.limits.blocked:
        assert not found.plan_allowed
    for language in LANGUAGES:
        assert all(one.text(language) for one in (*found.findings, *found.questions))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=4), st.booleans())
def test_no_text_of_a_condition_breaks_it(conditions: list[str], cleared: bool) -> None:
    found = screen(context(conditions=conditions, medical_clearance=cleared))
    if any(one.strip() for one in conditions):
        assert found.codes or not found.findings
    assert all(one.text("en") for one in found.findings)


@settings(max_examples=150, deadline=None)
@given(anybody())
def test_clearance_never_makes_it_stricter(person: dict[str, Any]) -> None:
    before = screen({**person, "medical_clearance": False})
    after = screen({**person, "medical_clearance": True})
    assert LEVELS.index(after.level) <= LEVELS.index(before.level)
    assert after.plan_allowed or not before.plan_allowed
    assert after.limits.tags <= before.limits.tags


def test_the_strictest_session_wins() -> None:
    assert strictest_session([True, "easy_only"]) == "easy_only"
    assert strictest_session(["easy_only", False]) is False
    assert strictest_session([]) is True
