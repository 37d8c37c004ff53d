"""``fitsense plan``: the engine in a terminal. No cloud, no network; it is loaded on the first use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from fitsense.errors import FitSenseError, Permanent, Problem

if TYPE_CHECKING:
    from fitsense.training.case import Case

STDIN = "-"
CaseFile = Annotated[str, typer.Option("--case", help="The case as JSON; - reads standard input.")]


class BadCase(Permanent):
    """A case that cannot be read; says where, what, and what would be right."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{one.path}: {one.message}" for one in problems))
        self.problems = problems


def plan(case: CaseFile) -> None:
    """Print the plan for a case, with its reasons, as JSON."""
    try:
        answer = _plan(case)
    except FitSenseError as error:
        typer.echo(f"{type(error).__name__}: {error.message}", err=True)
        raise typer.Exit(error.exit_code) from None
    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())


def _plan(source: str) -> dict[str, object]:
    from fitsense.training.coach import plan_case

    return plan_case(read_case(source))


def read_case(source: str) -> Case:
    """The case in a file, or on standard input. Raises BadCase, naming every bad field by its path."""
    from pydantic import ValidationError

    from fitsense.training.case import Case

    try:
        return Case.model_validate(read_json(source))
    except ValidationError as error:
        raise BadCase(
            [
                Problem(".".join(map(str, one["loc"])) or "case", one["msg"])
                for one in error.errors(include_url=False, include_context=False)
            ]
        ) from error


def read_json(source: str) -> object:
    """JSON of a file, or of standard input. Raises BadCase."""
    name = "standard input" if source == STDIN else source
    try:
        data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
        return orjson.loads(data)
    except OSError as error:
        raise BadCase([Problem(name, error.strerror or str(error))]) from error
    except orjson.JSONDecodeError as error:
        raise BadCase([Problem(name, f"no JSON: {error}")]) from error
