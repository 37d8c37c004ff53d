"""``fitsense plan`` and ``fitsense triage``: the engine in a terminal.

No cloud, no network; the engine is loaded on the first use.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from fitsense.errors import FitSenseError, Permanent, Problem

if TYPE_CHECKING:
    from fitsense.training.case import Case

STDIN = "-"
LANGUAGES = ("en", "es", "hi", "hinglish")
CaseFile = Annotated[str, typer.Option("--case", help="The case as JSON; - reads standard input.")]
Prompts = Annotated[str, typer.Option("--case", help="A JSON object, or JSONL; - reads standard input.")]


class BadCase(Permanent):
    """A case that cannot be read; says where, what, and what would be right."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{one.path}: {one.message}" for one in problems))
        self.problems = problems


class BadPrompt(Permanent):
    """A line that cannot be read; names it, and says what would be right."""


def plan(case: CaseFile) -> None:
    """Print the plan for a case, with its reasons, as JSON."""
    with _told():
        from fitsense.training.coach import plan_case

        answer = plan_case(read_case(case))
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())


def triage(case: Prompts) -> None:
    """Print {action, level, rule_ids, reply, lang} as a JSON line for each {prompt, context, lang?}."""
    with _told():
        from fitsense.safety.triage import triage as judge

        for number, value in read_prompts(case):
            found = judge(*_checked(number, value))
            typer.echo(orjson.dumps(found).decode())


@contextmanager
def _told() -> Iterator[None]:
    """An error becomes a line on stderr and an exit code."""
    try:
        yield
    except FitSenseError as error:
        typer.echo(f"{type(error).__name__}: {error.message}", err=True)
        raise typer.Exit(error.exit_code) from None


def _read(source: str) -> tuple[str, bytes]:
    """The name and the bytes of a file, or of standard input. Raises OSError."""
    if source == STDIN:
        return "standard input", sys.stdin.buffer.read()
    return source, Path(source).read_bytes()


def read_case(source: str) -> Case:
    """The case in a file, or on standard input. Raises BadCase, naming every bad field by its path."""
    from pydantic import ValidationError

    from fitsense.training.case import Case

    try:
        return Case.model_validate(_json(source))
    except ValidationError as error:
        raise BadCase(
            [
                Problem(".".join(map(str, one["loc"])) or "case", one["msg"])
                for one in error.errors(include_url=False, include_context=False)
            ]
        ) from error


def _json(source: str) -> object:
    try:
        name, data = _read(source)
    except OSError as error:
        raise BadCase([Problem(source, error.strerror or str(error))]) from error
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadCase([Problem(name, f"no JSON: {error}")]) from error


def read_prompts(source: str) -> Iterator[tuple[int, Any]]:
    """(line number, value) of one JSON object over any lines, or of one a line. Raises BadPrompt."""
    try:
        name, data = _read(source)
    except OSError as error:
        raise BadPrompt(f"{source}: {error.strerror or error}") from error
    if not data.strip():
        raise BadPrompt(f"{name}: line 1: empty; a JSON object with a prompt is due")
    try:
        yield 1, orjson.loads(data)
    except orjson.JSONDecodeError:
        yield from _lines(data, name)


def _lines(data: bytes, name: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadPrompt(f"{name}: line {number}: no JSON: {error}") from error


def _checked(number: int, case: Any) -> tuple[str, dict[str, Any], str | None]:
    if not isinstance(case, dict):
        raise BadPrompt(f"line {number}: a JSON object is due, not {type(case).__name__}")
    prompt, context, lang = case.get("prompt"), case.get("context") or {}, case.get("lang")
    if not isinstance(prompt, str):
        raise BadPrompt(f"line {number}: prompt: a text is due")
    if not isinstance(context, dict):
        raise BadPrompt(f"line {number}: context: an object is due")
    if lang is not None and lang not in LANGUAGES:
        raise BadPrompt(f"line {number}: lang: one of {', '.join(LANGUAGES)} is due")
    return prompt, context, lang
