from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog import EQUIPMENT, allowed, load_catalog
from fitsense.training.conditions import bmi, limits_for, load_conditions
from tests.unit.training.people import GYM, context

CATALOG = DEFAULT_SCHEMA_DIR / "catalog"


def _copy(folder: Path, name: str, change: dict[str, str]) -> None:
    """The catalogue with one cell of its first exercise changed."""
    with (CATALOG / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= change
    with (folder / "catalog" / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog").mkdir()
    _copy(tmp_path, "exercises.csv", {})
    _copy(tmp_path, "exercise_names.csv", {})
    return tmp_path


def test_the_catalogue_holds_158_exercises_each_named_in_three_languages() -> None:
    catalog = load_catalog()
    assert len(catalog.by_id) == 158
    assert catalog.name("hp01", "en") == "bench press"
    assert catalog.name("hp01", "es") == "press de banca"
    assert catalog.name("hp01", "hi") == "बेंच प्रेस"
    for names in catalog.names.values():
        assert len(set(names.values())) == 158


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "sq02"}, "sq02: not unique"),
        ({"pattern": "hop"}, "unknown pattern ['hop']"),
        ({"primary": "soul"}, "unknown muscle ['soul']"),
        ({"equipment": "barbell;anvil"}, "unknown equipment ['anvil']"),
        ({"level": "god"}, "unknown level ['god']"),
        ({"contra_tags": "axial_load;evil"}, "unknown contra_tag ['evil']"),
        ({"id": "sq99"}, "sq99: named in one file only"),
    ],
)
def test_a_bad_row_is_named(folder: Path, change: dict[str, str], said: str) -> None:
    _copy(folder, "exercises.csv", change)
    with pytest.raises(Misconfigured) as error:
        load_catalog(folder)
    assert said in error.value.message


def test_a_missing_name_is_named(folder: Path) -> None:
    _copy(folder, "exercise_names.csv", {"hi": ""})
    with pytest.raises(Misconfigured, match="sq01: no hi name"):
        load_catalog(folder)


def test_the_whole_equipment_list_must_be_owned_and_body_weight_is_implied() -> None:
    ids = {exercise.id for exercise in allowed(context(equipment=["barbell"]))}
    assert "hi01" in ids  # barbell alone
    assert "hp01" not in ids  # needs bench and rack, too
    assert "sq06" in ids  # body weight


def test_the_level_gates() -> None:
    ids = {exercise.id for exercise in allowed(context(experience="novice"))}
    assert "sq03" in ids
    assert not ids & {"sq01", "sq02"}


@pytest.mark.parametrize(
    ("change", "out", "still_in"),
    [
        ({"conditions": ["hypertension"]}, "sq01", "hp03"),
        ({"conditions": ["low_back_pain"]}, "hi01", "hp01"),
        ({"conditions": ["knee_pain"]}, "sq07", "sq08"),
        ({"conditions": ["shoulder_pain"]}, "vr03", "hr04"),
        ({"conditions": ["wrist_pain"]}, "hp07", "hp06"),
        ({"age": 65}, "pl02", "sq01"),
        ({"gestation_weeks": 14}, "hp01", "hp04"),
        ({"postpartum_weeks": 11}, "pl02", "hp03"),
        ({"weight_kg": 110.0}, "pl02", "sq01"),
        ({"pain_area": "elbow", "pain": 3}, "bc01", "hp01"),
    ],
)
def test_conditions_age_weeks_and_pain_take_exercises_out(
    change: dict[str, object], out: str, still_in: str
) -> None:
    before = {exercise.id for exercise in allowed(context())}
    after = {exercise.id for exercise in allowed(context(**change))}
    assert {out, still_in} <= before
    assert out not in after
    assert still_in in after


@pytest.mark.parametrize(
    "change",
    [{"age": 64}, {"gestation_weeks": 13}, {"postpartum_weeks": 12}, {"pain_area": "elbow", "pain": 0}],
)
def test_bounds_begin_exactly_where_the_rules_say(change: dict[str, object]) -> None:
    assert allowed(context(**change)) == allowed(context())


def test_an_unknown_condition_never_passes_as_none() -> None:
    with pytest.raises(KeyError, match="lupus"):
        limits_for(context(conditions=["lupus"]))


@pytest.mark.parametrize("code", ["pregnant", "cardiac", "hernia", "recent_surgery", "vertebral_fracture"])
def test_without_clearance_these_conditions_block(code: str) -> None:
    rule = load_conditions().conditions[code].rule
    assert limits_for(context(conditions=[code])).blocked == (rule,)
    assert limits_for(context(conditions=[code], medical_clearance=True)).blocked == ()


def test_the_strictest_bound_wins() -> None:
    limits = limits_for(context(conditions=["asthma", "cardiac"], age=70, medical_clearance=True))
    assert (limits.rir_floor, limits.max_days, limits.step_pct, limits.volume_cap) == (4, 3, 5, 12)
    assert limits.rules == ("C-ASTH", "C-CARD", "C-65")


def test_every_single_condition_leaves_leg_push_and_pull_work_in_a_gym() -> None:
    for code in load_conditions().conditions:
        patterns = {exercise.pattern for exercise in allowed(context(conditions=[code], experience="novice"))}
        assert patterns & {"squat", "lunge"}, code
        assert patterns & {"h_push", "v_push"}, code
        assert patterns & {"h_pull", "v_pull"}, code


def test_every_kit_item_of_the_catalogue_is_known() -> None:
    used = {item for exercise in load_catalog().by_id.values() for item in exercise.equipment}
    assert used <= EQUIPMENT
    assert set(GYM) <= EQUIPMENT


def test_bmi() -> None:
    assert bmi({"weight_kg": 81.0, "height_cm": 180.0}) == pytest.approx(25)
