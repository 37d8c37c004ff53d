"""A line of the dataset, held strictly against the record models; what is wrong with it, by kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fitsense.config import Language, QueryType
from fitsense.records import Action, Activity, AgeBand, CoachAnswer, DatasetRecord, Experience, Goal, Sex

Kind = Literal["missing", "enum", "schema", "response"]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Slices(BaseModel):
    """Slice values; dimensions beyond these are allowed, values outside their vocabulary are not."""

    model_config = ConfigDict(extra="allow", strict=True)

    age_band: AgeBand
    sex: Sex
    goal: Goal
    activity: Activity
    experience: Experience
    condition: Text


class Metadata(BaseModel):
    """What the training and evaluation stages read of a record."""

    model_config = ConfigDict(extra="allow", strict=True)

    user_id: Annotated[str, Field(pattern=r"^u\d{8}$")]
    type: QueryType
    language: Language
    slices: Slices
    tags: list[str]
    safety: list[str]
    action: Action
    cluster: int | Text
    model: Text
    request_sha256: Text


class Line(DatasetRecord):
    """``DatasetRecord`` with nothing left open or empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text
    instruction: Text
    context: Text
    response: Text
    metadata: Metadata  # type: ignore[assignment]  # narrower than the open dict of the contract


_LINE = TypeAdapter(Line)
_ANSWER = TypeAdapter(CoachAnswer)
_MISSING = {"missing", "string_too_short", "string_pattern_mismatch", "none_required"}


class Wrong(Exception):
    """A line that breaks the contract: ``(kind, where, what)`` for each problem."""

    def __init__(self, problems: list[tuple[Kind, str, str]]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def parse(line: bytes) -> tuple[Line, CoachAnswer]:
    """A line and its answer. Raises Wrong, with every problem of the line or of its response."""
    try:
        record = _LINE.validate_json(line)
    except ValidationError as error:
        raise Wrong([_problem(item) for item in error.errors(include_url=False)]) from error
    try:
        return record, _ANSWER.validate_json(record.response)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in ("response", *first["loc"]))
        raise Wrong([("response", where, first["msg"])]) from error


def _problem(item: object) -> tuple[Kind, str, str]:
    assert isinstance(item, dict)
    where = ".".join(
        str(step) for step in item["loc"] if not str(step).startswith(("constrained", "int", "str"))
    )
    empty = item["type"] in _MISSING and not (isinstance(item["input"], str) and item["input"].strip())
    if empty or item["input"] is None:
        return "missing", where, "missing or empty"
    if item["type"] == "literal_error":
        return "enum", where, f"{item['input']!r} is not one of {item['ctx']['expected']}"
    return "schema", where, item["msg"]
