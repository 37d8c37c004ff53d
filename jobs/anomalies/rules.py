"""What cannot be (rules) and what is held against its peers (numbers), table by table."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fitsense.training.nutrition.energy import KCAL_FLOOR

c = pl.col


@dataclass(frozen=True)
class Rule:
    """Rows for which ``broken`` is true cannot be; null is not judged."""

    name: str
    broken: pl.Expr
    says: str


@dataclass(frozen=True)
class Number:
    """A value whose distance from the median of its ``group`` is measured in MADs.

    ``least`` is the smallest MAD that means something, in the number's own unit: where most values are
    equal by rule (targets met to the repetition, energy at the need), the next one is no outlier yet.
    """

    name: str
    value: pl.Expr
    group: pl.Expr = pl.lit("all")  # noqa: RUF009  # an expression is immutable
    least: float = 0.02


@dataclass(frozen=True)
class Table:
    """``person`` and ``when`` name a row to a reader."""

    columns: tuple[str, ...]
    rules: tuple[Rule, ...]
    numbers: tuple[Number, ...]
    person: str = "user_id"
    when: str | None = None


def outside(column: str, low: float, high: float, unit: str = "") -> Rule:
    return Rule(
        column, ~c(column).is_between(low, high), f"{column} outside {low:g} to {high:g} {unit}".strip()
    )


_BMI = c("weight_kg") / (c("height_cm") / 100) ** 2
_FLOOR = pl.min_horizontal(
    pl.max_horizontal(
        c("sex").replace_strict(KCAL_FLOOR, default=1500.0),
        pl.when(c("days_per_week") >= 4).then(c("bmr_kcal")),
        pl.when(c("postpartum_weeks").is_not_null()).then(1500.0),
    ),
    c("tdee_kcal"),
)
"""N-03, and no surplus that nobody asked for: a floor above the need is the need."""
_BAND_LOW = c("age_band").str.slice(0, 2).cast(pl.Int16, strict=False)
_BAND_HIGH = c("age_band").str.slice(3, 2).cast(pl.Int16, strict=False).fill_null(90)

_MATERNAL = c("gestation_weeks").is_not_null() | c("postpartum_weeks").is_not_null()
_DEFICIT = c("kcal_target") < c("tdee_kcal") - 10
_STRENGTH = ("squat_e1rm_kg", "bench_e1rm_kg", "row_e1rm_kg")
_PEERS = c("sex") + "/" + c("experience")

PROFILES = Table(
    columns=(
        *("user_id", "age", "age_band", "sex", "height_cm", "weight_kg", "bmi", "goal", "experience"),
        *("days_per_week", "gestation_weeks", "postpartum_weeks", "bmr_kcal", "tdee_kcal", "kcal_target"),
        *("sleep_hours", *_STRENGTH),
    ),
    rules=(
        outside("age", 18, 90, "years"),
        Rule("age_band", ~c("age").is_between(_BAND_LOW, _BAND_HIGH), "age outside its age band"),
        outside("height_cm", 120, 230, "cm"),
        outside("weight_kg", 35, 250, "kg"),
        outside("bmi", 12, 70, "kg/m²"),
        Rule("bmi_of_height", (c("bmi") - _BMI).abs() > 0.1, "BMI that height and weight do not give"),
        Rule("kcal_floor", c("kcal_target") < _FLOOR - 10, "N-03: energy target below the floor"),
        Rule("tdee", c("tdee_kcal") < c("bmr_kcal"), "daily need below the basal rate"),
        Rule("deficit", (c("bmi") < 18.5) & _DEFICIT, "N-08: deficit below BMI 18.5"),
        outside("sleep_hours", 3, 12, "h"),
        Rule("pregnancy", (c("sex") == "M") & _MATERNAL, "a man pregnant or postpartum"),
        outside("gestation_weeks", 0, 42),
        Rule("strength", pl.min_horizontal(_STRENGTH) <= 0, "a one-repetition maximum of nothing"),
    ),
    numbers=(
        Number("height_cm", c("height_cm"), c("sex"), least=1),
        Number("bmi", c("bmi").log()),
        Number("bmr_per_kg", c("bmr_kcal") / c("weight_kg"), c("sex"), least=0.3),
        Number("kcal_over_need", c("kcal_target") / c("tdee_kcal"), c("goal")),
        Number("squat_per_kg", (c("squat_e1rm_kg") / c("weight_kg")).log(), _PEERS),
        Number("bench_per_kg", (c("bench_e1rm_kg") / c("weight_kg")).log(), _PEERS),
    ),
)

SETS = Table(
    columns=(
        "user_id",
        "week",
        "date",
        "exercise_id",
        "target_reps",
        "target_rir",
        "reps",
        "weight_kg",
        "rir",
        "planned_kg",
    ),
    rules=(
        outside("reps", 0, 60),
        outside("target_reps", 1, 60),
        Rule("load", (c("weight_kg") <= 0) | (c("weight_kg") > 400), "load of nothing or over 400 kg"),
        outside("rir", 0, 10),
        outside("target_rir", 0, 10),
        Rule("week", c("week") < 0, "week before the first"),
    ),
    numbers=(
        Number("load", c("weight_kg").log(), c("exercise_id"), least=0.1),
        Number("load_over_planned", (c("weight_kg") / c("planned_kg"))),
        Number("reps_over_target", c("reps") - c("target_reps"), least=1),
        Number("rir_over_target", c("rir") - c("target_rir"), least=0.5),
    ),
    when="date",
)

DAYS = Table(
    columns=(
        "user_id",
        "date",
        "sleep_h",
        "kcal",
        "weight_kg",
        "soreness",
        "pain",
        "pain_area",
        "planned_session",
        "done_session",
    ),
    rules=(
        outside("sleep_h", 0, 16, "h"),
        outside("kcal", 200, 9000),
        outside("weight_kg", 30, 300, "kg"),
        outside("soreness", 0, 10),
        outside("pain", 0, 10),
        Rule("unplanned", c("done_session") & ~c("planned_session"), "a session done that was not planned"),
    ),
    numbers=(
        Number("sleep_h", c("sleep_h"), least=0.3),
        Number("kcal_over_need", c("kcal") / c("tdee_kcal")),
        Number("weight_over_start", c("weight_kg") / c("start_kg")),
    ),
    when="date",
)

WEEKS = Table(
    columns=(
        "user_id",
        "week",
        "planned_sessions",
        "done_sessions",
        "sets",
        "tonnage_kg",
        "mean_rir",
        "sleep_mean_h",
        "kcal_mean",
        "weight_mean_kg",
        "weight_change_pct",
    ),
    rules=(
        Rule("sessions", c("done_sessions") > c("planned_sessions"), "more sessions done than planned"),
        Rule("volume", (c("sets") < 0) | (c("tonnage_kg") < 0), "negative volume"),
        Rule("idle_sets", (c("done_sessions") == 0) & (c("sets") > 0), "sets without a session"),
        Rule("weight_change", c("weight_change_pct").abs() > 10, "body weight moved by over 10 % in a week"),
    ),
    numbers=(
        Number(
            "sets_per_session",
            c("sets") / pl.when(c("done_sessions") > 0).then(c("done_sessions")),
            pl.lit("all"),
        ),
        Number("mean_rir", c("mean_rir"), least=0.3),
        Number("weight_change_pct", c("weight_change_pct"), least=0.2),
    ),
    when="week",
)

_LOGGED = pl.when(pl.all_horizontal("has_sleep", "has_kcal", "has_weight")).then(pl.lit("logged"))
_ANSWER = (
    c("type") + "/" + c("action") + "/" + pl.when("has_plan").then(pl.lit("plan")).otherwise(pl.lit("words"))
)

DATASET = Table(
    columns=(
        *("id", "type", "action", "language", "prompt_chars", "context_chars", "response_chars"),
        *("has_plan", "plan_days", "has_sleep", "has_kcal", "has_weight"),
    ),
    rules=(
        Rule(
            "empty",
            pl.min_horizontal("prompt_chars", "context_chars", "response_chars") == 0,
            "an empty text",
        ),
        Rule("plan_days", c("has_plan") & ~c("plan_days").is_between(1, 6), "a plan of no day or over six"),
        Rule(
            "plan_where_none",
            c("action").is_in(["escalate", "refuse"]) & c("has_plan"),
            "a plan beside an escalation or refusal",
        ),
    ),
    numbers=(
        Number("prompt_chars", c("prompt_chars").log1p(), c("type") + "/" + c("language"), least=0.1),
        Number("context_chars", c("context_chars").log1p(), _LOGGED.otherwise(pl.lit("new")), least=0.1),
        Number("response_chars", c("response_chars").log1p(), _ANSWER, least=0.1),
    ),
    person="id",
)

TABLES = {"profiles": PROFILES, "sets": SETS, "days": DAYS, "weeks": WEEKS, "dataset": DATASET}
