"""Cases for the engine's tests: one plain person, changed key by key."""

from __future__ import annotations

from typing import Any

from fitsense.training.case import Case

GYM = [
    "barbell", "rack", "bench", "dumbbell", "cable", "machine", "mat", "box", "band", "pullup_bar",
]  # fmt: skip


def case(
    request: str = "next_week_plan", history: dict[str, Any] | None = None, **profile: Any
) -> dict[str, Any]:
    """A rested intermediate man with a gym, four days and an hour, as plain data."""
    return {
        "request": request,
        "profile": {
            "age": 32,
            "sex": "M",
            "height_cm": 178,
            "weight_kg": 85,
            "goal": "muscle_gain",
            "experience": "intermediate",
            "days_per_week": 4,
            "minutes_per_session": 60,
            "equipment": GYM,
            "conditions": [],
            "medical_clearance": False,
            **profile,
        },
        "history": {
            "as_of": "2026-05-11",
            "sets": [],
            "sleep_h_last7": [7.5] * 7,
            "weeks_since_deload": 3,
            "days_since_last_session": 3,
            "training_weeks": 80,
            **(history or {}),
        },
    }


def read(**changes: Any) -> Case:
    """The same as a Case."""
    return Case.model_validate(case(**changes))


def sets(date: str, exercise: str, kg: float | None, *done: tuple[int, float]) -> list[dict[str, Any]]:
    """Work sets of one exercise on one day: (repetitions, RIR) each."""
    return [
        {"date": date, "exercise": exercise, "weight_kg": kg, "reps": reps, "rir": rir} for reps, rir in done
    ]
