"""A case: one person with a history and what is asked, as ``fitsense plan --case FILE`` reads it.

Loads in kg, of dumbbells and kettlebells per implement. Lists run from the oldest entry to the newest.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fitsense.records import Experience, Goal, Sex

Language = Literal["en", "es", "hi"]
RepRange = tuple[int, int]
Hours = Annotated[float, Field(ge=0, le=24)]
Kilograms = Annotated[float, Field(gt=0, le=1000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class BloodPressure(_Model):
    """A reading at rest, mmHg."""

    systolic: float = Field(ge=40, le=320)
    diastolic: float = Field(ge=20, le=220)


class CaseProfile(_Model):
    """The person. ``conditions`` are codes of ``schema/catalog/conditions.yaml`` or free text."""

    age: int = Field(ge=0, le=120)
    sex: Sex
    height_cm: float = Field(ge=50, le=260)
    weight_kg: float = Field(ge=15, le=400)
    goal: Goal
    experience: Experience
    days_per_week: int = Field(ge=1, le=7)
    minutes_per_session: int = Field(ge=5, le=240)
    equipment: list[str] = Field(default_factory=list)
    conditions: list[str] = Field(default_factory=list)
    medical_clearance: bool = False
    dumbbell_step_kg: float | None = Field(default=None, gt=0, le=10)
    bar_kg: float | None = Field(default=None, gt=0, le=30)
    target_range: RepRange | dict[str, RepRange] | None = None
    bp: BloodPressure | None = None
    gestation_weeks: int | None = Field(default=None, ge=0, le=45)
    postpartum_weeks: int | None = Field(default=None, ge=0)
    breastfeeding: bool | None = None
    c_section: bool | None = None
    units: Literal["kg", "lb"] = "kg"
    language: Language = "en"


class CaseSet(_Model):
    """One work set that was done."""

    date: dt.date
    exercise: str
    weight_kg: float | None = Field(default=None, ge=0, le=1000, description="None or 0 for body weight")
    reps: int = Field(ge=0, le=200)
    rir: float | None = Field(default=None, ge=0, le=20)
    note: str | None = None


class CaseHistory(_Model):
    """What was logged. Absent means unknown, never zero."""

    as_of: dt.date | None = None
    sets: list[CaseSet] = Field(default_factory=list)
    sleep_h_last7: list[Hours] = Field(default_factory=list)
    weight_7d_means: list[Kilograms] = Field(default_factory=list, description="a week each")
    kcal_7d_mean: float | None = Field(default=None, ge=0, le=20000)
    user_notes: list[str] = Field(default_factory=list)
    weeks_since_deload: int | None = Field(default=None, ge=0)
    days_since_last_session: int | None = Field(default=None, ge=0)
    training_weeks: int | None = Field(default=None, ge=0)
    prior_week_sets: dict[str, float] = Field(default_factory=dict, description="muscle → fractional sets")
    target_range: RepRange | dict[str, RepRange] | None = None
    ffm_kg: float | None = Field(default=None, gt=0, le=200)
    exercise_kcal_day: float | None = Field(default=None, ge=0)
    glucose_mgdl: float | None = Field(default=None, gt=0, le=1500)


class Case(_Model):
    request: Literal["next_week_plan", "today_session"]
    profile: CaseProfile
    history: CaseHistory = Field(default_factory=CaseHistory)
