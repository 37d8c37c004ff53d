"""The engine's own verdict on an answer, read back from its sets to the compact plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitsense.safety.notes import read_notes
from fitsense.training.case import Case
from fitsense.training.intake import normalised, notes_of, request_of_case
from fitsense.training.verify import verify_request
from tests.acceptance.answer import Answer, work_sets


def violations(answer: Answer) -> list[str]:
    """What verify finds in the days of ``answer``; nothing if there are none."""
    if not answer.out["days"]:
        return []
    case, _ = normalised(Case.model_validate(answer.case))
    request = request_of_case(case, read_notes(notes_of(case.history), case.profile.model_dump()))
    request = type(request)(
        **{
            **{name: getattr(request, name) for name in request.__dataclass_fields__},
            "context": {**request.context, "goal": answer.out["goal"]},
        }
    )
    return [f"verify: {one}" for one in verify_request(request, compact(answer.out))]


def compact(out: Mapping[str, Any]) -> dict[str, Any]:
    """The compact plan of an answer's days. Raises ValueError where work sets of an exercise differ."""
    days = [{"exercises": [_compact(exercise) for exercise in day["exercises"]]} for day in out["days"]]
    return {"goal": out["goal"], "deload": out["deload"]["active"], "days": days}


def _compact(exercise: Mapping[str, Any]) -> dict[str, Any]:
    sets = work_sets(exercise)
    if any(one != sets[0] for one in sets):
        raise ValueError(f"work sets of {exercise['exercise_id']} differ")
    first = sets[0]
    return {
        "id": exercise["exercise_id"],
        "sets": len(sets),
        "reps": [first["reps_min"], first["reps_max"]],
        "rir": first["rir"],
        "kg": first["weight_kg"],
        "rest_s": first["rest_s"],
    }
