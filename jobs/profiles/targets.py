"""Whom the population is made of: the one table of target shares.

The shares are those of people who train with an app, not of a country, and rare groups that need care
(pregnancy, cardiac disease, diabetes) are over-sampled, so that every slice can be judged at 500 people.

Orders of magnitude follow: age and sex of fitness-club members, Health & Fitness Association consumer reports
(about half women, a quarter 25-34, a tenth 65+); activity, WHO 2022 (27.5 % of adults insufficiently
active) and Tudor-Locke 2011 step bands; adult asthma 8 %, diabetes 12 %, hypertension 45 % (of whom
few train), CDC national reports; low-back pain 8-12 % and anterior knee pain 10-20 % point prevalence, Hoy
2012 and Smith 2018; shoulder pain 7-26 %, Luime 2004 (mild cases are not conditions here).
"""

from __future__ import annotations

from dataclasses import dataclass

SEXES = ("F", "M", "X")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
AGE_EDGES = (18, 25, 35, 45, 55, 65, 89)
ACTIVITIES = ("sedentary", "light", "moderate", "active", "very_active")
EXPERIENCES = ("novice", "intermediate", "advanced")
GOALS = ("fat_loss", "muscle_gain", "strength", "general_fitness")
KITS = ("gym", "home_dumbbells", "bands", "bodyweight", "mixed")

SHARES: dict[str, dict[str, float]] = {
    "age_band": {"18-24": 0.16, "25-34": 0.26, "35-44": 0.21, "45-54": 0.16, "55-64": 0.12, "65+": 0.09},
    "sex": {"F": 0.49, "M": 0.49, "X": 0.02},
    "activity": {"sedentary": 0.22, "light": 0.30, "moderate": 0.27, "active": 0.15, "very_active": 0.06},
    "experience": {"novice": 0.44, "intermediate": 0.38, "advanced": 0.18},
    "goal": {"fat_loss": 0.34, "muscle_gain": 0.26, "strength": 0.18, "general_fitness": 0.22},
    "kit": {"gym": 0.46, "home_dumbbells": 0.19, "bands": 0.10, "bodyweight": 0.12, "mixed": 0.13},
}

OBESITY_BMI = 35.0
"""C-OBES: the code ``obesity`` is set from here on; its share follows from the BMI distribution."""


@dataclass(frozen=True)
class Condition:
    """How a condition spreads: ``share`` of all people, log-odds per 15 years and per 5 BMI points."""

    share: float
    per_15_years: float = 0.0
    per_5_bmi: float = 0.0
    ages: tuple[int, int] = (18, 90)
    sexes: str = "FMX"
    female: float = 0.0
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    clearance: float = 0.85


_MATERNITY = ("cardiac", "hernia", "recent_surgery")
CONDITIONS: dict[str, Condition] = {
    "pregnant": Condition(0.025, -0.5, ages=(18, 45), sexes="F", clearance=0.75),
    "postpartum": Condition(0.025, -0.4, ages=(18, 46), sexes="F", excludes=("pregnant",), clearance=0.7),
    "hypertension": Condition(0.09, 0.8, 0.4),
    "cardiac": Condition(0.016, 1.0, 0.2, ages=(35, 90), excludes=("pregnant", "postpartum"), clearance=0.7),
    "diabetes_t2": Condition(0.045, 0.6, 0.6, ages=(25, 90), excludes=("pregnant",)),
    "diabetes_t1": Condition(0.017, -0.2, excludes=("diabetes_t2",)),
    "retinopathy": Condition(0.006, 0.3, requires=("diabetes_t1", "diabetes_t2")),
    "neuropathy": Condition(0.008, 0.3, requires=("diabetes_t1", "diabetes_t2")),
    "osteoporosis": Condition(0.025, 1.2, -0.3, ages=(50, 90), female=1.2),
    "vertebral_fracture": Condition(0.006, 0.4, requires=("osteoporosis",)),
    "low_back_pain": Condition(0.09, 0.25, 0.2, clearance=0.6),
    "knee_pain": Condition(0.08, 0.2, 0.3, female=0.3, clearance=0.6),
    "shoulder_pain": Condition(0.05, 0.35, clearance=0.6),
    "wrist_pain": Condition(0.025, female=0.2, clearance=0.6),
    "hernia": Condition(0.016, 0.3, ages=(20, 90), female=-0.8, excludes=("pregnant", "postpartum")),
    "recent_surgery": Condition(0.012, 0.3, excludes=("pregnant", "postpartum"), clearance=0.7),
    "asthma": Condition(0.06, -0.1, 0.1, female=0.2, clearance=0.7),
    "eating_disorder_history": Condition(0.015, -0.5, -0.2, ages=(18, 60), female=1.0, clearance=0.6),
}
"""Codes of ``schema/catalog/conditions.yaml``. A condition comes after those that it requires or excludes."""

MAIN_CONDITIONS = tuple(code for code, condition in CONDITIONS.items() if condition.share >= 0.015)

KIT_ALWAYS: dict[str, tuple[str, ...]] = {
    "gym": (
        "barbell",
        "rack",
        "bench",
        "dumbbell",
        "cable",
        "machine",
        "mat",
        "wall",
        "box",
        "treadmill",
        "bike",
    ),
    "home_dumbbells": ("dumbbell", "mat", "wall"),
    "bands": ("band", "mat", "wall"),
    "bodyweight": ("wall",),
    "mixed": ("bench", "mat", "wall"),
}  # fmt: skip
KIT_MAYBE: dict[str, dict[str, float]] = {
    "gym": {"kettlebell": 0.8, "smith": 0.7, "band": 0.6, "pullup_bar": 0.85, "dip_bars": 0.7, "ez_bar": 0.8,
            "trap_bar": 0.4, "med_ball": 0.5, "stability_ball": 0.6, "ab_wheel": 0.4, "rower": 0.7,
            "elliptical": 0.7, "rope": 0.3},
    "home_dumbbells": {"bench": 0.5, "band": 0.35, "box": 0.4, "pullup_bar": 0.2, "stability_ball": 0.15,
                       "kettlebell": 0.2, "bike": 0.1},
    "bands": {"box": 0.4, "pullup_bar": 0.15, "stability_ball": 0.15, "rope": 0.15},
    "bodyweight": {"mat": 0.75, "box": 0.55, "bench": 0.2, "pullup_bar": 0.15, "rope": 0.1},
    "mixed": {"barbell": 0.75, "rack": 0.65, "dumbbell": 0.75, "kettlebell": 0.5, "band": 0.5,
              "pullup_bar": 0.5, "box": 0.4, "ez_bar": 0.2, "ab_wheel": 0.3, "rower": 0.15, "bike": 0.2,
              "stability_ball": 0.2},
}  # fmt: skip
EQUIPMENT = (
    "barbell", "rack", "bench", "dumbbell", "kettlebell", "cable", "machine", "smith", "band", "pullup_bar",
    "dip_bars", "box", "ez_bar", "trap_bar", "med_ball", "stability_ball", "ab_wheel", "rope", "treadmill",
    "bike", "rower", "elliptical", "mat", "wall",
)  # fmt: skip

DAYS_WEIGHTS = (
    (0.03, 0.38, 0.45, 0.12, 0.02, 0.0),
    (0.0, 0.12, 0.42, 0.34, 0.11, 0.01),
    (0.0, 0.03, 0.2, 0.42, 0.28, 0.07),
)
"""F-01: experience by 1-6 days a week."""
MINUTES = (20, 30, 45, 60, 75, 90)
MINUTES_WEIGHTS = ((0.07, 0.2, 0.34, 0.3, 0.07, 0.02), (0.03, 0.11, 0.27, 0.38, 0.15, 0.06),
                   (0.01, 0.06, 0.18, 0.39, 0.23, 0.13))  # fmt: skip
POUNDS_SHARE = {"en": 0.55, "es": 0.15, "hi": 0.0}
