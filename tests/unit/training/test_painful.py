"""A lift that hurt is not in the plan, wherever it was told (C-PAINRULE)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fitsense.training.case import Case
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.coach import plan_case
from fitsense.training.people.painful import load_lift_words, painful_exercises

CASE: dict[str, Any] = {
    "request": "next_week_plan",
    "profile": {
        "age": 30, "sex": "M", "height_cm": 180, "weight_kg": 80, "goal": "muscle_gain",
        "experience": "intermediate",
        "days_per_week": 4, "minutes_per_session": 60, "equipment": ["full_gym"], "medical_clearance": True,
    },
    "history": {
        "as_of": "2026-11-15", "weeks_since_deload": 3, "days_since_last_session": 2, "training_weeks": 60,
        "sets": [
            {"date": date, "exercise": lift, "weight_kg": kg, "reps": 10, "rir": 2}
            for date in ("2026-11-09", "2026-11-12")
            for lift, kg in (("sq01", 100), ("hp01", 80))
            for _ in range(3)
        ],
    },
}  # fmt: skip


def planned(note: str = "", *, said: str = "") -> set[str]:
    """Patterns of next week's plan, with a note on the last bench set or said apart."""
    data = copy.deepcopy(CASE)
    if note:
        data["history"]["sets"][-1]["note"] = note
    data["history"]["user_notes"] = [said] if said else []
    answer = plan_case(Case.model_validate(data))
    assert answer["plan_allowed"], answer["statements"]
    catalog = load_catalog()
    return {catalog[one["exercise_id"]].pattern for day in answer["days"] for one in day["exercises"]}


@pytest.mark.parametrize("note", ["shoulder pain 4/10", "my elbow hurt", "me dolió el hombro", "कंधे में दर्द हुआ"])
def test_the_set_that_hurt_takes_its_pattern_out(note: str) -> None:
    assert "h_push" in planned()
    assert "h_push" not in planned(note)


@pytest.mark.parametrize(
    ("said", "pattern"),
    [
        ("My shoulder hurts when I bench press", "h_push"),
        ("Me duele el hombro derecho al hacer press de banca, 2 de 10", "h_push"),
        ("rows make my elbow ache", "h_pull"),
        ("hip pain on squats, 3/10", "squat"),
    ],
)
def test_the_lift_that_a_note_names_is_left_out(said: str, pattern: str) -> None:
    assert pattern in planned()
    assert pattern not in planned(said=said)


@pytest.mark.parametrize("note", ["felt great", "no pain at all", "knee ached a bit from running, 2/10"])
def test_a_note_without_pain_there_takes_nothing_out(note: str) -> None:
    assert "h_push" in planned(note)


def test_every_word_means_one_pattern() -> None:
    words = [word for ones in load_lift_words().words.values() for word in ones]
    assert len(words) == len(set(words))
    assert painful_exercises([], ["I love rows"], CASE["profile"]) == frozenset()
