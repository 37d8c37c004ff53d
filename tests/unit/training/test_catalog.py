from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.coverage import coverage_problems
from fitsense.training.catalog.details import load_details
from fitsense.training.catalog.exercises import EQUIPMENT, LANGUAGES, allowed, load_catalog
from fitsense.training.load.rounding import step
from fitsense.training.people.conditions import bmi, limits_for, load_conditions
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
    [
        {"age": 64},
        {"postpartum_weeks": 12, "pelvic_symptoms": False},
        {"pain_area": "elbow", "pain": 0},
        {"bp": {"systolic": 139, "diastolic": 89}},
    ],
)
def test_bounds_begin_exactly_where_the_rules_say(change: dict[str, object]) -> None:
    assert allowed(context(**change)) == allowed(context())


def test_an_unknown_condition_never_passes_as_none() -> None:
    assert len(allowed(context(conditions=["gribble"]))) < len(allowed(context()))


@pytest.mark.parametrize("code", ["pregnant", "cardiac", "hernia", "recent_surgery", "vertebral_fracture"])
def test_without_clearance_these_conditions_block(code: str) -> None:
    rule = load_conditions().conditions[code].rule
    assert limits_for(context(conditions=[code])).blocked == (rule,)
    assert limits_for(context(conditions=[code], medical_clearance=True)).blocked == ()


def test_the_strictest_bound_wins() -> None:
    limits = limits_for(context(conditions=["asthma", "cardiac"], age=70, medical_clearance=True))
    assert (limits.rir_floor, limits.max_days, limits.step_pct, limits.volume_cap) == (4, 3, 5, 12)
    assert limits.rules == ("C-ASTH", "C-CARD", "C-65")


def test_every_condition_leaves_three_exercises_per_pattern_or_says_why_not() -> None:
    assert coverage_problems() == []


def _coverage(folder: Path, change: Callable[[dict[str, Any]], object]) -> list[str]:
    for name in ("conditions.yaml", "coverage.yaml"):
        (folder / "catalog" / name).write_text((CATALOG / name).read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / "catalog" / "coverage.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return coverage_problems(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data["exceptions"].pop(3), "legs, bodyweight, pain:knee: only ['sq05', 'sq15'] left"),
        (lambda data: data["exceptions"][3]["bounds"].append("asthma"), "asthma: the exception is stale"),
        (lambda data: data["exceptions"][3].update(leaves=1), "leaves 2, not 1"),
        (lambda data: data.update(least=4), "only"),
    ],
)
def test_a_gap_that_is_undeclared_stale_or_wrong_is_named(
    folder: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    assert any(said in one for one in _coverage(folder, change))


def test_an_exception_for_what_nobody_knows_is_an_error(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="gribble"):
        _coverage(folder, lambda data: data["exceptions"][0]["bounds"].append("gribble"))


# --------------------------------------------------------------------------------------------- the details


def test_every_exercise_has_cues_in_three_languages_and_a_rest() -> None:
    details = load_details()
    assert set(details) == set(load_catalog().by_id)
    for one in details.values():
        assert set(one.cues) == set(LANGUAGES)
        assert all(2 <= len(cues) <= 3 and all(len(cue) < 120 for cue in cues) for cues in one.cues.values())
        assert 45 <= one.default_rest_s <= 180


def test_a_substitute_is_of_the_same_pattern_and_easier_or_declared() -> None:
    catalog, details = load_catalog(), load_details()
    for one in catalog.by_id.values():
        assert details[one.id].substitutes
        for other in map(catalog.__getitem__, details[one.id].substitutes):
            assert other.contra_tags < one.contra_tags or not other.contra_tags
    assert details["sq01"].substitutes[0] == "sq09"
    assert details["sh01"].substitutes == ("hr05",)


@pytest.mark.parametrize("unit", ["kg", "lb"])
def test_increments_are_those_that_loads_are_rounded_to(unit: str) -> None:
    for one in load_catalog().by_id.values():
        increment = load_details()[one.id].increment
        if one.pattern == "cardio" or not one.loaded:
            assert increment is None
        else:
            assert increment is not None
            assert increment[unit] == (step(one, 1.0, unit), step(one, 1000.0, unit))


DETAILS, CUES = "exercise_details.yaml", "exercise_cues.yaml"
ANVIL = {"item": "anvil", "kg": [1, 1], "lb": [1, 1]}
STALE = {"sq01": {"instead": "sq05", "reason": "just so"}}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (DETAILS, lambda data: data["no_substitute"].pop("sh01"), "sh01: no easier exercise"),
        (DETAILS, lambda data: data["no_substitute"].update(STALE), "sq01: the exception is stale"),
        (DETAILS, lambda data: data["no_substitute"]["sh01"].update(instead="hp01"), "hp01 brings"),
        (DETAILS, lambda data: data["increments"].append(ANVIL), "anvil"),
        (CUES, lambda data: data["groups"]["shrug"].update(ids=["sh02"]), "sh01: no cues"),
        (CUES, lambda data: data["groups"]["shrug"].update(ids=["sh01", "sq01"]), "sq01: cues in 2 groups"),
    ],
)
def test_bad_details_are_named(
    folder: Path, name: str, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    for one in ("exercise_details.yaml", "exercise_cues.yaml"):
        data = yaml.safe_load((CATALOG / one).read_text(encoding="utf-8"))
        if one == name:
            change(data)
        (folder / "catalog" / one).write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(Misconfigured) as error:
        load_details(folder)
    assert said in error.value.message


def test_every_kit_item_of_the_catalogue_is_known() -> None:
    used = {item for exercise in load_catalog().by_id.values() for item in exercise.equipment}
    assert used <= EQUIPMENT
    assert set(GYM) <= EQUIPMENT


def test_bmi() -> None:
    assert bmi({"weight_kg": 81.0, "height_cm": 180.0}) == pytest.approx(25)
