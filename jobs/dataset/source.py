"""Lines of the teacher's files as plain data, checked against the models of ``fitsense.records``."""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel, ValidationError

from fitsense.errors import BadArtifact
from fitsense.records import (
    CoachAnswer,
    Context,
    Lift,
    Plan,
    PlannedDay,
    PlannedExercise,
    Query,
    TeacherResponse,
)

Row: TypeAlias = dict[str, Any]
"""A TeacherResponse, dumped."""


def _fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)


_RESPONSE, _QUERY = _fields(TeacherResponse), _fields(Query)
_CONTEXT, _LIFT = _fields(Context), _fields(Lift)
_ANSWER, _PLAN = _fields(CoachAnswer), _fields(Plan)
_DAY, _EXERCISE = _fields(PlannedDay), _fields(PlannedExercise)


def parse(line: bytes) -> Row:
    """Raises BadArtifact for a line that is no TeacherResponse.

    The teacher stage has dumped its lines from the models, which takes four times as long to check again
    as to read. What has the models' very fields, down to the last exercise, is taken as that.
    """
    try:
        row = orjson.loads(line)
        if _is_dumped(row):
            return row  # type: ignore[no-any-return]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        pass  # whatever it is, the model finds the words for it
    return parse_strictly(line)


def parse_strictly(line: bytes) -> Row:
    """The same by the models themselves, which know types and bounds and fill in defaults."""
    try:
        return TeacherResponse.model_validate_json(line).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadArtifact(
            f"a line is no teacher response: {where}: {first['msg']}: {line[:120]!r}"
        ) from error


def _is_dumped(row: Row) -> bool:
    """Raises AttributeError, KeyError or TypeError for what is something else altogether."""
    if row.keys() != _RESPONSE:
        return False
    query, answer = row["query"], row["answer"]
    if query.keys() != _QUERY or query["context"].keys() != _CONTEXT:
        return False
    if any(lift.keys() != _LIFT for lift in query["context"]["lifts"]):
        return False
    return answer is None or (answer.keys() == _ANSWER and _is_plan(answer["plan"]))


def _is_plan(plan: Row | None) -> bool:
    if plan is None:
        return True
    if plan.keys() != _PLAN:
        return False
    for day in plan["days"]:
        if day.keys() != _DAY:
            return False
        for exercise in day["exercises"]:
            if exercise.keys() != _EXERCISE:
                return False
    return True
