"""Contexts for the engine's tests: one plain person, and any person."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fitsense.training.catalog.exercises import LEVELS, load_catalog
from fitsense.training.people.conditions import load_conditions

GYM = ["barbell", "rack", "bench", "dumbbell", "cable", "machine", "mat", "box", "band", "pullup_bar"]
KITS = [[], ["band", "mat"], ["dumbbell", "bench", "mat"], ["wall", "box"], ["kettlebell"], ["machine"], GYM]


def lift(
    exercise_id: str, kg: float | None, reps: list[int], rir: list[float], *e1rm: float
) -> dict[str, Any]:
    return {"exercise_id": exercise_id, "weight_kg": kg, "reps": reps, "rir": rir, "e1rm_kg": list(e1rm)}


def context(**changes: Any) -> dict[str, Any]:
    """An intermediate woman with a full gym, six weeks in, well rested."""
    return {
        "user_id": "u00000001",
        "age": 34,
        "sex": "F",
        "height_cm": 168.0,
        "weight_kg": 68.0,
        "activity": "moderate",
        "goal": "muscle_gain",
        "experience": "intermediate",
        "days_per_week": 4,
        "minutes_per_session": 60,
        "equipment": GYM,
        "conditions": [],
        "medical_clearance": False,
        "gestation_weeks": None,
        "postpartum_weeks": None,
        "units": "kg",
        "target_weight_kg": 70.0,
        "kcal_target": 2200.0,
        "week": 6,
        "adherence": 0.9,
        "sleep_h": [7.4, 7.2, 7.5],
        "kcal": [2150.0, 2210.0],
        "weights_kg": [67.2, 67.4, 67.7, 68.0],
        "lifts": [
            lift("sq01", 80.0, [10, 10, 10], [2.0, 2.0, 2.0], 106.0, 107.0, 108.0),
            lift("hp01", 50.0, [7, 7, 6], [2.0, 2.0, 1.5], 63.0, 63.5),
        ],
        "weekly_sets": {"quads": 9.0, "chest": 8.0},
        "weeks_since_deload": 5,
        "stalled": False,
        "pain_area": None,
        "pain": 0,
        "notes": [],
        **changes,
    }


@st.composite
def anybody(draw: st.DrawFn) -> dict[str, Any]:
    """Anyone whom the catalogue knows, cleared, with any kit, time, sleep and history."""
    conditions = load_conditions()
    loaded = [one.id for one in load_catalog().by_id.values() if one.loaded and one.compound]
    ids = draw(st.lists(st.sampled_from(loaded), max_size=5, unique=True))
    area = draw(st.none() | st.sampled_from(sorted(conditions.pain_areas)))
    return context(
        age=draw(st.integers(18, 90)),
        weight_kg=draw(st.floats(45, 140)),
        goal=draw(st.sampled_from(["fat_loss", "muscle_gain", "strength", "general_fitness"])),
        experience=draw(st.sampled_from(sorted(LEVELS))),
        days_per_week=draw(st.integers(1, 6)),
        minutes_per_session=draw(st.integers(15, 120)),
        equipment=draw(st.sampled_from(KITS)),
        conditions=draw(st.lists(st.sampled_from(sorted(conditions.conditions)), max_size=2, unique=True)),
        medical_clearance=True,
        gestation_weeks=draw(st.none() | st.integers(4, 40)),
        postpartum_weeks=draw(st.none() | st.integers(0, 40)),
        units=draw(st.sampled_from(["kg", "lb"])),
        week=draw(st.integers(0, 30)),
        adherence=draw(st.floats(0, 1)),
        sleep_h=draw(st.lists(st.floats(3.5, 9.5), max_size=3)),
        weeks_since_deload=draw(st.integers(0, 12)),
        pain_area=area,
        pain=draw(st.integers(1, 8)) if area else 0,
        lifts=[
            lift(one, draw(st.floats(8, 150)), [draw(st.integers(1, 20))] * 3, [draw(st.floats(0, 5))] * 3)
            | {"e1rm_kg": draw(st.lists(st.floats(10, 200), max_size=4))}
            for one in ids
        ],
        weekly_sets=draw(st.dictionaries(st.sampled_from(["quads", "chest", "lats"]), st.floats(0, 24))),
    )
