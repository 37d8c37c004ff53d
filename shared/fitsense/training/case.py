"""A case: one person with a history and what is asked, as ``fitsense plan --case FILE`` reads it.

Loads in kg, of dumbbells and kettlebells per implement. Lists run from the oldest entry to the newest.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fitsense.records import Experience, Goal, Sex

Language = Literal["en", "es", "hi"]
Progression = Literal["double", "linear", "rir", "percentage"]


def _texts(value: Any) -> Any:
    """One text, or notes as ``{text: …}``, where a list of texts is due."""
    found = [value] if isinstance(value, str | Mapping) else value
    if not isinstance(found, list | tuple):
        return found
    return [one.get("text", one.get("note")) if isinstance(one, Mapping) else one for one in found if one]


def _known(value: Any) -> Any:
    """A list without its gaps: a night that was not measured is no night of zero hours."""
    return [one for one in value if one is not None] if isinstance(value, list) else value


def _reading(value: Any) -> Any:
    """``150/95`` and ``[150, 95]`` as a reading."""
    if isinstance(value, str) and (
        found := re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*(?:mm ?hg)?\s*", value, re.I)
    ):
        value = [int(found[1]), int(found[2])]
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"systolic": value[0], "diastolic": value[1]}
    return value


def _range(value: Any) -> Any:
    """``{min, max}``, ``"8-12"`` and one number as a range; a mapping of exercises keeps its keys."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+)\s*[-\u2013]\s*(\d+)\s*", value)):
        return (int(found[1]), int(found[2]))
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if isinstance(value, Mapping):
        for low, high in (("min", "max"), ("low", "high"), ("reps_min", "reps_max")):
            if set(value) == {low, high}:
                return (value[low], value[high])
        return {key: _range(one) for key, one in value.items()}
    return value


_SYNONYMS = {
    "female": "F", "woman": "F", "f": "F", "male": "M", "man": "M", "m": "M",
    "other": "X", "nonbinary": "X", "non-binary": "X", "unknown": "X", "x": "X",
    "beginner": "novice", "expert": "advanced",
    "weight_loss": "fat_loss", "lose_fat": "fat_loss", "lose_weight": "fat_loss", "cut": "fat_loss",
    "hypertrophy": "muscle_gain", "build_muscle": "muscle_gain", "gain_muscle": "muscle_gain",
    "bulk": "muscle_gain", "general": "general_fitness", "fitness": "general_fitness",
    "health": "general_fitness", "endurance": "general_fitness", "powerlifting": "strength",
}  # fmt: skip


def _word(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower().replace(" ", "_")
    return _SYNONYMS.get(word, word)


RepRange = tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]]
Target = Annotated[RepRange | dict[str, RepRange] | None, BeforeValidator(_range)]
Hours = Annotated[float, Field(ge=0, le=24)]
Kilograms = Annotated[float, Field(gt=0, le=1000)]
Texts = Annotated[list[str], BeforeValidator(_texts)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        """A null is as good as an absent key: unknown."""
        return {key: one for key, one in data.items() if one is not None} if isinstance(data, dict) else data


class BloodPressure(_Model):
    """A reading at rest, mmHg."""

    systolic: float = Field(ge=40, le=320, validation_alias=AliasChoices("systolic", "sys", "sbp"))
    diastolic: float = Field(ge=20, le=220, validation_alias=AliasChoices("diastolic", "dia", "dbp"))


class CaseProfile(_Model):
    """The person. ``conditions`` are codes of ``schema/catalog/conditions.yaml`` or free text."""

    age: int = Field(ge=0, le=120)
    sex: Annotated[Sex, BeforeValidator(_word)]
    height_cm: float = Field(ge=50, le=260)
    weight_kg: float = Field(ge=15, le=400)
    goal: Annotated[Goal, BeforeValidator(_word)]
    experience: Annotated[Experience, BeforeValidator(_word)]
    days_per_week: int = Field(ge=1, le=7)
    minutes_per_session: int = Field(ge=5, le=240)
    equipment: Texts = Field(default_factory=list)
    conditions: Texts = Field(default_factory=list)
    medical_clearance: bool = False
    dumbbell_step_kg: float | None = Field(default=None, gt=0, le=10)
    bar_kg: float | None = Field(default=None, gt=0, le=30)
    target_range: Target = None
    bp: Annotated[BloodPressure | None, BeforeValidator(_reading)] = None
    gestation_weeks: int | None = Field(default=None, ge=0, le=45)
    postpartum_weeks: int | None = Field(default=None, ge=0)
    breastfeeding: bool | None = None
    c_section: bool | None = None
    postpartum_check: bool | None = None
    pelvic_symptoms: bool | None = None
    surgery_weeks: int | None = Field(default=None, ge=0)
    currently_active: bool | None = None
    parq: dict[str, bool] | None = None
    ketones: bool | float | str | None = None
    micro_plates: bool | None = None
    progression: Progression | None = None
    template: str | None = Field(default=None, description="a name of schema/catalog/templates.yaml")
    units: Literal["kg", "lb"] = "kg"
    language: Language = "en"


class CaseSet(_Model):
    """One work set that was done."""

    date: dt.date
    exercise: str = Field(validation_alias=AliasChoices("exercise", "exercise_id"))
    weight_kg: float | None = Field(default=None, ge=0, le=1000, description="None or 0 for body weight")
    reps: int = Field(ge=0, le=200)
    rir: float | None = Field(default=None, ge=0, le=20)
    note: str | None = None


class CaseHistory(_Model):
    """What was logged. Absent means unknown, never zero."""

    as_of: dt.date | None = None
    sets: list[CaseSet] = Field(default_factory=list)
    sleep_h_last7: Annotated[list[Hours], BeforeValidator(_known)] = Field(default_factory=list)
    weight_7d_means: Annotated[list[Kilograms], BeforeValidator(_known)] = Field(
        default_factory=list, description="a week each"
    )
    kcal_7d_mean: float | None = Field(default=None, ge=0, le=20000)
    user_notes: Texts = Field(default_factory=list)
    weeks_since_deload: int | None = Field(default=None, ge=0)
    days_since_last_session: int | None = Field(default=None, ge=0)
    training_weeks: int | None = Field(default=None, ge=0)
    prior_week_sets: dict[str, Annotated[float, Field(ge=0, le=200)]] = Field(
        default_factory=dict, description="muscle → fractional sets"
    )
    target_range: Target = None
    ffm_kg: float | None = Field(default=None, gt=0, le=200)
    exercise_kcal_day: float | None = Field(default=None, ge=0)
    glucose_mgdl: float | None = Field(default=None, gt=0, le=1500)
    aerobic_min: float | None = Field(
        default=None, ge=0, le=5000, description="moderate minutes of last week"
    )


class Case(_Model):
    request: Literal["next_week_plan", "today_session"]
    profile: CaseProfile
    history: CaseHistory = Field(default_factory=CaseHistory)
