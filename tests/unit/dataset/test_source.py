from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from fitsense.errors import BadArtifact
from fitsense.prompting import context_of
from fitsense.records import TeacherResponse
from jobs.dataset.read import fingerprint
from jobs.dataset.source import parse, parse_strictly
from tests.factories import responses

Row = dict[str, Any]


@pytest.fixture(scope="module")
def planned() -> Row:
    """A response with a plan and with every field, as the teacher stage dumps it."""
    row = next(row for row in responses(50, seed=3) if row["answer"] and row["answer"]["plan"])
    return TeacherResponse.model_validate(row).model_dump(mode="json")


def test_what_the_teacher_wrote_is_read_as_the_models_read_it() -> None:
    for row in responses(100, seed=3):
        line = TeacherResponse.model_validate(row).model_dump_json().encode()
        assert parse(line) == parse_strictly(line) == orjson.loads(line)


def test_fields_left_out_get_their_defaults(planned: Row) -> None:
    row = copy.deepcopy(planned)
    del row["query"]["context"]["gestation_weeks"], row["answer"]["plan"]["deload"], row["violations"]
    assert parse(orjson.dumps(row)) == planned


def first_exercise(row: Row) -> Row:
    exercise: Row = row["answer"]["plan"]["days"][0]["exercises"][0]
    return exercise


CHANGES: dict[str, Callable[[Row], Any]] = {
    "query": lambda row: row.update(query=3),
    "query.surplus": lambda row: row["query"].update(surplus=1),
    "query.context.lifts.0.reps": lambda row: row["query"]["context"]["lifts"][0].pop("reps"),
    "query.context.lifts": lambda row: row["query"]["context"].update(lifts=5),
    "answer.message": lambda row: row["answer"].pop("message"),
    "answer.plan.days.0.exercises": lambda row: row["answer"]["plan"]["days"][0].pop("exercises"),
    "answer.plan.days.0.exercises.0.rir": lambda row: row["answer"]["plan"]["days"][0]["exercises"][0].pop(
        "rir"
    ),
}


@pytest.mark.parametrize("where", CHANGES)
def test_what_lacks_a_field_is_refused_by_its_name(planned: Row, where: str) -> None:
    row = copy.deepcopy(planned)
    CHANGES[where](row)
    with pytest.raises(BadArtifact, match=f"no teacher response: {where}: "):
        parse(orjson.dumps(row))


WRONG: dict[str, Callable[[Row], Any]] = {
    "query.prompt": lambda row: row["query"].update(prompt=7),
    "query.user_id": lambda row: row["query"].update(user_id=7),
    "query.query_id": lambda row: row["query"].update(query_id="me"),
    "query.context.kcal_target": lambda row: row["query"]["context"].update(kcal_target="much"),
    "answer.message": lambda row: row["answer"].update(message=None),
    "answer.plan.days.0.exercises.0.reps": lambda row: first_exercise(row).update(reps=[1]),
}


@pytest.mark.parametrize("where", WRONG)
def test_a_wrong_value_that_cannot_be_worked_with_is_refused_by_its_name(planned: Row, where: str) -> None:
    row = copy.deepcopy(planned)
    WRONG[where](row)
    with pytest.raises(BadArtifact, match=f"no teacher response: {where}"):
        fingerprint([orjson.dumps(row)], context_of, 24_000, 8)


def test_no_json_is_refused() -> None:
    for line in (b"", b"{", b"[]", b"3", b"null"):
        with pytest.raises(BadArtifact, match="no teacher response"):
            parse(line)
