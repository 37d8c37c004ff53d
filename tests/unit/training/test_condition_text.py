"""Conditions as people write them: codes, free text, typing errors, times (Q-01, C-SURG)."""

from __future__ import annotations

import pytest

from fitsense.training.people.condition_text import codes_of, weeks_ago
from fitsense.training.people.condition_words import plain
from fitsense.training.people.conditions import limits_for
from tests.unit.training.people import context

NAMED_IN_THE_RULES = (
    "hypertension_controlled", "hypertension_uncontrolled", "pregnant", "postpartum", "low_back_pain",
    "knee_pain", "shoulder_pain", "wrist_pain", "hip_pain", "foot_pain", "osteoporosis",
    "vertebral_fracture", "diabetes_t1", "diabetes_t2", "retinopathy", "neuropathy", "coronary_stent",
    "heart_failure", "stroke", "asthma", "copd", "ckd", "anticoagulant", "hernia", "post_surgery_knee",
    "post_surgery_abdominal", "ed_history", "trt_prescribed", "obesity", "arrhythmia", "angina", "epilepsy",
)  # fmt: skip


def test_every_named_code_is_known_as_itself() -> None:
    for code in NAMED_IN_THE_RULES:
        assert codes_of(code) == (code,)


@pytest.mark.parametrize(
    ("older", "code"),
    [
        ("hypertension", "hypertension_controlled"),
        ("cardiac", "heart_disease"),
        ("recent_surgery", "post_surgery"),
        ("eating_disorder_history", "ed_history"),
    ],
)
def test_older_codes_bind_as_the_new_ones(older: str, code: str) -> None:
    assert codes_of(older) == (code,)
    assert limits_for(context(conditions=[older])) == limits_for(context(conditions=[code]))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("had a stent put in two years ago", ("coronary_stent",)),
        ("ACL reconstruction 8 weeks ago", ("post_surgery_knee",)),
        ("ACL reconstruction 3 years ago", ("past_surgery", "knee_pain")),
        ("hernia inguinal", ("hernia",)),
        ("herniated disc at L5", ("disc_or_sciatica",)),
        ("hernia repair in 2015", ("past_surgery",)),
        ("presión alta", ("hypertension_controlled",)),
        ("me operaron de la rodilla hace 6 semanas", ("post_surgery_knee",)),
        ("embarazada", ("pregnant",)),
        ("मधुमेह", ("diabetes_t2",)),
        ("घुटने में दर्द", ("knee_pain",)),
        ("दिल की बीमारी", ("heart_disease",)),
        ("ghutne ka operation 2 mahine pehle", ("post_surgery_knee",)),
        ("sugar ki bimari", ("diabetes_t2",)),
        ("type 1 diabetic", ("diabetes_t1",)),
        ("type 2 diabetes on insulin", ("diabetes_t2", "insulin_treated")),
        ("diabetes, not on insulin", ("diabetes_t2",)),
        ("gestational diabetes", ("gestational_diabetes",)),
        ("blood pressure not controlled", ("hypertension_uncontrolled",)),
        ("recovered from anorexia", ("ed_history",)),
        ("bulimia", ("ed_current",)),
        ("knee pain and shoulder surgery 4 weeks ago", ("knee_pain", "post_surgery_shoulder")),
        ("Low-Back Pain", ("low_back_pain",)),
        ("c-section", ("c_section",)),
        ("broken wrist", ("post_surgery_hand",)),
        ("pre-diabetes", ("prediabetes",)),
    ],
)
def test_free_text_is_read(text: str, codes: tuple[str, ...]) -> None:
    assert codes_of(text) == codes


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("diabtes", "diabetes_t2"),
        ("hypertention", "hypertension_controlled"),
        ("high blod pressure", "hypertension_controlled"),
        ("asthama", "asthma"),
        ("fibromyalgea", "fibromyalgia"),
        ("osteoperosis", "osteoporosis"),
        ("preganant", "pregnant"),
        ("hipertencion", "hypertension_controlled"),
        ("epilesy", "epilepsy"),
    ],
)
def test_typing_errors_are_forgiven(typed: str, code: str) -> None:
    assert codes_of(typed) == (code,)


@pytest.mark.parametrize(
    "text", ["none", "None.", "ninguna", "n/a", "", "  ", "I do not have diabetes", "no known heart problems",
             "sin problemas de corazón", "मुझे शुगर नहीं है", "कोई नहीं"]
)  # fmt: skip
def test_what_says_that_there_is_nothing_binds_nothing(text: str) -> None:
    assert codes_of(text) == ()
    assert limits_for(context(conditions=[text])) == limits_for(context())


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("no heart problems, but a bad knee", ("knee_pain",)),
        ("no longer diabetic", ("diabetes_t2",)),
        ("family history of heart disease", ("family_history",)),
        ("family history of stroke; asthma", ("asthma", "family_history")),
    ],
)
def test_a_no_reaches_only_what_it_denies(text: str, codes: tuple[str, ...]) -> None:
    assert tuple(sorted(codes_of(text))) == codes


@pytest.mark.parametrize("text", ["xyzzy syndrome of Foo", "dodgy ticker", "Ягода", "🙂", "pkd7"])
def test_an_unknown_condition_binds_the_plan_and_is_named(text: str) -> None:
    limits = limits_for(context(conditions=[text]))
    assert limits.codes == ("unknown",)
    assert limits.unknown == (text,)
    assert limits.rules == ("Q-01",)
    assert limits.rir_floor == 4
    assert "high_intensity" in limits.tags


def test_text_without_any_letter_is_unknown_unless_empty() -> None:
    assert codes_of("???") == ("unknown",)
    assert codes_of("") == ()


@pytest.mark.parametrize(
    ("text", "tag", "out"),
    [
        ("20 weeks pregnant", "supine", True),
        ("pregnant, 10 weeks", "supine", False),
        ("embarazo de 10 semanas", "supine", False),
        ("pregnant, and knee surgery 8 weeks ago", "supine", True),
    ],
)
def test_weeks_in_words_count(text: str, tag: str, out: bool) -> None:
    assert (tag in limits_for(context(conditions=[text])).tags) is out


@pytest.mark.parametrize(
    ("text", "blocked"), [("gave birth 5 weeks ago", True), ("7 weeks postpartum", False)]
)
def test_weeks_since_a_birth_in_words_count(text: str, blocked: bool) -> None:
    assert bool(limits_for(context(conditions=[text], medical_clearance=True)).blocked) is blocked


def test_a_time_names_no_part_of_the_body() -> None:
    assert codes_of("c section 6 weeks back") == ("c_section",)
    assert codes_of("my back hurts") == ("low_back_pain",)


def test_what_is_too_long_to_read_is_a_reason_for_caution() -> None:
    assert codes_of("knee pain " * 5000) == ("knee_pain", "unknown")


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("8 weeks ago", 8),
        ("hace dos meses", 8.69),
        ("2 साल पहले", 104.36),
        ("since 2015", 52),
        ("often", None),
    ],
)
def test_how_long_ago(text: str, weeks: float | None) -> None:
    found = weeks_ago(plain(text))
    assert found == (None if weeks is None else pytest.approx(weeks))


@pytest.mark.parametrize(("weeks", "blocked"), [(None, True), (11, True), (12, False)])
def test_an_operation_heals_in_twelve_weeks(weeks: int | None, blocked: bool) -> None:
    limits = limits_for(context(conditions=["post_surgery_knee"], surgery_weeks=weeks))
    assert (limits.blocked == ("C-SURG",)) is blocked
    assert "deep_knee_flex" in limits.tags
