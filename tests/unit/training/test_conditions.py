"""The bounds that conditions, ages, weeks and readings set, and their file (C-*, Q-01, A-03, N-08, F-03)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.people.condition_words import load_words
from fitsense.training.people.conditions import limits_for, load_conditions
from tests.unit.training.people import context

# ------------------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("code", "tags", "patterns"),
    [
        ("pregnant", {"valsalva", "high_impact", "fall_risk", "explosive", "abdominal_bulge",
                      "high_intensity"}, {"olympic", "plyo"}),
        ("hypertension_controlled", {"valsalva", "isometric_hold", "inverted", "high_intensity"}, set()),
        ("retinopathy", {"valsalva", "inverted", "high_impact", "explosive"}, set()),
        ("neuropathy", {"high_impact", "fall_risk"}, set()),
        ("osteoporosis", {"spinal_flex", "spinal_twist", "lumbar_flex_load"}, {"core_flex", "core_rot"}),
        ("vertebral_fracture", {"spinal_flex", "spinal_twist", "lumbar_flex_load", "high_impact", "explosive",
                                "axial_load"}, {"core_flex", "core_rot"}),
        ("low_back_pain", {"lumbar_flex_load", "axial_load", "spinal_flex", "spinal_twist"}, {"olympic"}),
        ("knee_pain", {"deep_knee_flex", "open_chain_knee", "high_impact"}, {"plyo"}),
        ("shoulder_pain", {"overhead", "shoulder_end_range"}, set()),
        ("wrist_pain", {"wrist_ext_load"}, set()),
        ("hernia", {"valsalva", "abdominal_bulge", "axial_load"}, set()),
        ("coronary_stent", {"valsalva", "high_intensity", "explosive"}, set()),
        ("postpartum", {"abdominal_bulge", "valsalva", "explosive", "high_impact"}, {"plyo"}),
        ("obesity", {"high_impact"}, set()),
    ],
)  # fmt: skip
def test_each_condition_excludes_what_its_rule_names(code: str, tags: set[str], patterns: set[str]) -> None:
    limits = limits_for(context(conditions=[code]))
    assert tags <= limits.tags
    assert patterns <= limits.patterns


@pytest.mark.parametrize(
    ("code", "rir", "days", "reps"),
    [
        ("hypertension_controlled", 3, 3, (10, 15)),
        ("coronary_stent", 4, 3, (10, 15)),
        ("pregnant", 3, 3, (10, 15)),
        ("osteoporosis", 2, 3, (8, 12)),
        ("diabetes_t2", 2, 3, (8, 12)),
    ],
)
def test_each_condition_sets_the_numbers_of_its_rule(
    code: str, rir: float, days: int, reps: tuple[int, int]
) -> None:
    limits = limits_for(context(conditions=[code], medical_clearance=True))
    assert (limits.rir_floor, limits.max_days, limits.reps) == (rir, days, reps)
    assert (limits.volume_cap, limits.step_pct) == (12, 5)


UNBOUND = {
    "high_cholesterol", "thyroid", "pcos", "menopause", "mental_health", "depression", "anxiety", "digestive",
    "migraine", "minor", "sleep_apnoea", "family_history", "hypothyroidism", "hyperthyroidism",
    "breastfeeding",
}  # fmt: skip


def test_every_condition_that_binds_keeps_two_days_of_rest_and_small_steps() -> None:
    for code in load_conditions().conditions:
        limits = limits_for(context(conditions=[code]))
        found = (limits.max_days <= 5, limits.step_pct == 5, limits.volume_cap == 12)
        assert found == ((False,) * 3 if code in UNBOUND else (True,) * 3), code


def test_what_binds_nothing_leaves_every_exercise() -> None:
    for code in UNBOUND:
        assert not limits_for(context(conditions=[code])).tags, code


def test_clearance_brings_intervals_back_where_the_rule_says_so() -> None:
    for cleared, out in ((False, True), (True, False)):
        limits = limits_for(context(conditions=["hypertension_controlled"], medical_clearance=cleared))
        assert ("high_intensity" in limits.tags) is out


def test_no_intervals_with_any_uncleared_condition() -> None:
    assert "high_intensity" in limits_for(context(conditions=["asthma"])).tags
    assert "high_intensity" not in limits_for(context(conditions=["asthma"], medical_clearance=True)).tags
    assert "high_intensity" not in limits_for(context()).tags


def test_effort_stays_light_until_a_clinician_has_cleared_it() -> None:
    assert limits_for(context(conditions=["copd"])).rir_floor == 4
    assert limits_for(context(conditions=["copd"], medical_clearance=True)).rir_floor == 3


@pytest.mark.parametrize(
    ("change", "tag", "out"),
    [
        ({"age": 65}, "high_impact", True),
        ({"age": 64}, "high_impact", False),
        ({"age": 70, "experience": "advanced", "medical_clearance": True}, "high_impact", True),
        ({"age": 65, "experience": "novice"}, "fall_risk", True),
        ({"age": 65, "experience": "advanced"}, "fall_risk", False),
        ({"conditions": ["pregnant"], "gestation_weeks": 13}, "supine", False),
        ({"gestation_weeks": 0}, "valsalva", False),
        ({"gestation_weeks": 1}, "valsalva", True),
        ({"conditions": ["pregnant"], "gestation_weeks": 14}, "supine", True),
        ({"conditions": ["pregnant"]}, "supine", True),
        (
            {"conditions": ["postpartum"], "postpartum_weeks": 11, "pelvic_symptoms": False},
            "high_impact",
            True,
        ),
        (
            {"conditions": ["postpartum"], "postpartum_weeks": 12, "pelvic_symptoms": False},
            "high_impact",
            False,
        ),
        ({"conditions": ["postpartum"], "postpartum_weeks": 20}, "high_impact", True),
        ({"bp": {"systolic": 140, "diastolic": 80}}, "valsalva", True),
        ({"bp": "128/90"}, "valsalva", True),
        ({"bp": [139, 89]}, "valsalva", False),
        ({"glucose_mgdl": 250}, "high_intensity", True),
        ({"glucose_mgdl": 249}, "high_intensity", False),
        ({"height_cm": 170.0, "weight_kg": 101.2}, "high_impact", True),
        ({"height_cm": 170.0, "weight_kg": 101.1}, "high_impact", False),
    ],
)
def test_bounds_of_numbers_begin_exactly_where_the_rules_say(
    change: dict[str, Any], tag: str, out: bool
) -> None:
    assert (tag in limits_for(context(**change)).tags) is out


@pytest.mark.parametrize(
    ("change", "rir"),
    [
        ({"conditions": ["postpartum"], "postpartum_weeks": 8, "medical_clearance": True}, 4),
        ({"conditions": ["postpartum"], "postpartum_weeks": 12, "medical_clearance": True}, 3),
    ],
)
def test_after_a_birth_the_reserve_follows_the_weeks(change: dict[str, Any], rir: float) -> None:
    assert limits_for(context(**change)).rir_floor == rir


@pytest.mark.parametrize(
    ("change", "no_deficit", "no_numbers"),
    [
        ({"conditions": ["pregnant"]}, True, False),
        ({"conditions": ["ed_history"]}, True, True),
        ({"conditions": ["used to be bulimic, recovered bulimia"]}, True, True),
        ({"weight_kg": 52.0}, True, False),
        ({"weight_kg": 52.3}, False, False),
        ({"conditions": ["postpartum"], "postpartum_weeks": 5}, True, False),
        ({"conditions": ["postpartum"], "postpartum_weeks": 6}, False, False),
        ({"conditions": ["asthma"]}, False, False),
    ],
)
def test_where_no_deficit_and_no_numbers_are_allowed(
    change: dict[str, Any], no_deficit: bool, no_numbers: bool
) -> None:
    limits = limits_for(context(**change))
    assert (limits.no_deficit, limits.no_numbers) == (no_deficit, no_numbers)


def test_other_bounds_of_the_rules() -> None:
    assert limits_for(context(conditions=["hypertension_controlled"])).intensity_max_pct == 70
    assert 0.5 <= limits_for(context(conditions=["low_back_pain"])).load_factor <= 0.7
    assert limits_for(context(conditions=["diabetes_t2"])).apart
    assert limits_for(context(conditions=["ckd"])).ask_protein
    assert limits_for(context(conditions=["coronary_stent"])).supervised


def test_every_further_area_takes_something_out() -> None:
    exercises = load_catalog().by_id.values()
    for area, exclusion in load_conditions().areas.items():
        assert any(exclusion.takes_out(one) for one in exercises), area


def test_an_unknown_area_is_an_error() -> None:
    with pytest.raises(KeyError, match="earlobe"):
        limits_for(context(), pain=["earlobe"])


# --------------------------------------------------------------------------------------------- bad files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog").mkdir()
    for name in ("conditions.yaml", "condition_words.yaml"):
        text = (DEFAULT_SCHEMA_DIR / "catalog" / name).read_text(encoding="utf-8")
        (tmp_path / "catalog" / name).write_text(text, encoding="utf-8")
    return tmp_path


def _change(folder: Path, name: str, part: str, key: str, value: object) -> None:
    path = folder / "catalog" / name
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data[part][key] = value
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("conditions", "asthma", {"rule": "C-ASTH", "exclude_tags": ["wheeze"]}, "wheeze"),
        ("conditions", "asthma", {"rule": "C-ASTH", "colour": "blue"}, "colour"),
        ("aliases", "flu", "influenza", "'influenza' is no condition"),
        ("aliases", "asthma", "copd", "is a code itself"),
        ("healing", "fracture", ["bone"], "'bone' is no condition"),
        ("further_areas", "toe", {"rule": "C-PAINRULE", "exclude_patterns": ["kick"]}, "kick"),
    ],
)
def test_a_bad_conditions_file_is_named(folder: Path, part: str, key: str, value: object, said: str) -> None:
    _change(folder, "conditions.yaml", part, key, value)
    with pytest.raises(Misconfigured) as error:
        load_conditions(folder)
    assert said in error.value.message


@pytest.mark.parametrize(("key", "value"), [("gremlins", ["gremlin"]), ("asthma", ["@nonsense attack"])])
def test_words_for_no_code_or_of_no_group_are_named(folder: Path, key: str, value: list[str]) -> None:
    _change(folder, "condition_words.yaml", "phrases", key, value)
    with pytest.raises(Misconfigured, match=r"gremlins|nonsense"):
        load_words(folder)
