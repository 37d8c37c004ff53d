"""Record types: what the data stages write, one row or line each.

Parquet tables follow the same field names and order. No record holds a run_id or a wall-clock time:
the same config gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fitsense.config import Language, QueryType

Sex = Literal["F", "M", "X"]
Goal = Literal["fat_loss", "muscle_gain", "strength", "general_fitness"]
Experience = Literal["novice", "intermediate", "advanced"]
Activity = Literal["sedentary", "light", "moderate", "active", "very_active"]
AgeBand = Literal["18-24", "25-34", "35-44", "45-54", "55-64", "65+"]
Action = Literal["answer", "conservative_answer", "escalate", "refuse"]
Positive = Annotated[float, Field(gt=0)]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Profile(Record):
    """A synthetic person. Masses in kg, lengths in cm, energy in kcal a day."""

    user_id: str = Field(pattern=r"^u\d{8}$")
    age: int = Field(ge=18, le=90)
    age_band: AgeBand
    sex: Sex
    height_cm: float = Field(ge=120, le=230)
    weight_kg: float = Field(ge=35, le=250)
    bmi: float
    activity: Activity
    goal: Goal
    experience: Experience
    training_months: int = Field(ge=0)
    days_per_week: int = Field(ge=1, le=6)
    minutes_per_session: int = Field(ge=15, le=120)
    equipment: list[str]
    conditions: list[str]
    medical_clearance: bool
    gestation_weeks: int | None
    postpartum_weeks: int | None
    language: Language
    units: Literal["kg", "lb"]
    target_weight_kg: Positive
    bmr_kcal: Positive
    tdee_kcal: Positive
    kcal_target: Positive
    sleep_hours: float = Field(ge=3, le=12, description="habitual, a night")
    squat_e1rm_kg: Positive
    bench_e1rm_kg: Positive
    row_e1rm_kg: Positive
    adherence: float = Field(ge=0, le=1, description="chance that a planned session is done")


class SetLog(Record):
    """One work set that was done."""

    user_id: str
    week: int = Field(ge=0)
    date: dt.date
    session: int = Field(ge=0, description="of the week")
    exercise_id: str
    set_index: int = Field(ge=0)
    target_reps: int = Field(ge=1)
    target_rir: float
    reps: int = Field(ge=0)
    weight_kg: float | None = Field(description="per implement; None for body weight")
    rir: float
    planned_kg: float | None


class DayLog(Record):
    """One day: sleep, energy, body weight, soreness and pain, missed training."""

    user_id: str
    date: dt.date
    sleep_h: float | None
    kcal: float | None
    weight_kg: float | None
    soreness: int = Field(ge=0, le=10)
    pain: int = Field(ge=0, le=10)
    pain_area: str | None
    planned_session: bool
    done_session: bool
    note: str | None


class WeekSummary(Record):
    """One week of one person: what a prompt's context is made from."""

    user_id: str
    week: int
    planned_sessions: int
    done_sessions: int
    sets: int
    tonnage_kg: float
    mean_rir: float | None
    sleep_mean_h: float
    kcal_mean: float
    weight_mean_kg: float
    weight_change_pct: float
    fitness: float
    fatigue: float
    squat_e1rm_kg: float
    bench_e1rm_kg: float
    row_e1rm_kg: float
    stalled: bool
    deload: bool
    pain_area: str | None


class Lift(Record):
    """The last sets of one exercise, newest last."""

    exercise_id: str
    weight_kg: float | None
    reps: list[int]
    rir: list[float]
    e1rm_kg: list[float] = Field(description="a week each")


class Context(Record):
    """What the coach may know when it answers: compact, and only this person's."""

    user_id: str
    age: int
    sex: Sex
    height_cm: float
    weight_kg: float
    activity: Activity
    goal: Goal
    experience: Experience
    days_per_week: int
    minutes_per_session: int
    equipment: list[str]
    conditions: list[str]
    medical_clearance: bool
    gestation_weeks: int | None = None
    postpartum_weeks: int | None = None
    units: Literal["kg", "lb"]
    target_weight_kg: float
    kcal_target: float
    week: int
    adherence: float = Field(description="share of planned sessions done, last 4 weeks")
    sleep_h: list[float] = Field(description="weekly means, oldest first")
    kcal: list[float] = Field(description="weekly means, oldest first")
    weights_kg: list[float] = Field(description="weekly means, oldest first")
    lifts: list[Lift]
    weekly_sets: dict[str, float] = Field(description="fractional hard sets per muscle, last week")
    weeks_since_deload: int
    stalled: bool
    pain_area: str | None
    pain: int
    notes: list[str] = Field(description="the person's own words: data, never instructions")


class Query(Record):
    """A prompt with its context and what a safe answer must respect."""

    query_id: str = Field(pattern=r"^q\d{8}-\d{2}$")
    user_id: str
    type: QueryType
    language: Language
    prompt: str
    context: Context
    outline: str = Field(description="lines of `fitsense.prompting.outline`; empty where no plan is due")
    slices: dict[str, str] = Field(description="age_band, sex, goal, activity, condition, experience, …")
    tags: list[str] = Field(description="injection, red_flag:<rule id>, pain, poor_sleep, …")
    expected_action: Action
    safety: list[str] = Field(description="rule ids that bind the answer")


class PlannedExercise(Record):
    """Sets of one exercise on one day; ``kg`` is per implement, None for body weight or by feel."""

    id: str
    sets: int = Field(ge=1, le=10)
    reps: tuple[int, int]
    rir: float = Field(ge=0, le=6)
    kg: float | None
    rest_s: int = Field(ge=15, le=420)


class PlannedDay(Record):
    exercises: list[PlannedExercise] = Field(min_length=1, max_length=12)


class Plan(Record):
    """A training week."""

    goal: Goal
    days: list[PlannedDay] = Field(min_length=1, max_length=6)
    deload: bool = False


class CoachAnswer(Record):
    """What a teacher, and later the student, answers: this JSON and nothing around it."""

    action: Action
    message: str = Field(min_length=1, max_length=4000)
    plan: Plan | None = None
    rules: list[str] = Field(default_factory=list, description="rule ids that the answer rests on")


class TeacherResponse(Record):
    """A query with its answer, or the reason why there is none."""

    query: Query
    answer: CoachAnswer | None
    rejected: str | None = Field(description="reason code, None when the answer is good")
    violations: list[str] = Field(default_factory=list, description="rule ids that the answer broke")
    model: str
    request_sha256: str
    tokens_in: int
    tokens_out: int
    cost_usd: float


class DatasetRecord(Record):
    """One line of the training contract: ``distillation_dataset/<run_id>/{train,val,test}.jsonl``."""

    id: str
    instruction: str
    context: str = Field(description="compact text of the context, as the student will see it")
    response: str = Field(description="canonical JSON of CoachAnswer")
    metadata: dict[str, Any] = Field(
        description="user_id, type, language, slices, tags, safety, action, cluster, model, request_sha256"
    )
