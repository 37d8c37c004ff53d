"""``fitsense triage``: what prompts call for, in a terminal. No cloud, no network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from fitsense.errors import FitSenseError, Permanent

STDIN = "-"
LANGUAGES = ("en", "es", "hi", "hinglish")
CaseFile = Annotated[str, typer.Option("--case", help="A JSON object, or JSONL; - reads standard input.")]


class BadPrompt(Permanent):
    """A line that cannot be read; names it, and says what would be right."""


def triage(case: CaseFile) -> None:
    """Print {action, level, rule_ids, reply, lang} as a JSON line for each {prompt, context, lang?}."""
    try:
        for answer in _answers(case):
            typer.echo(orjson.dumps(answer).decode())
    except FitSenseError as error:
        typer.echo(f"{type(error).__name__}: {error.message}", err=True)
        raise typer.Exit(error.exit_code) from None


def _answers(source: str) -> Iterator[dict[str, Any]]:
    from fitsense.safety.triage import triage as judge

    for number, case in read_cases(source):
        prompt, context, lang = _checked(number, case)
        found = judge(prompt, context, lang)
        yield {
            "action": found.action,
            "level": found.level,
            "rule_ids": list(found.rule_ids),
            "reply": found.reply,
            "lang": found.lang,
        }


def read_cases(source: str) -> Iterator[tuple[int, Any]]:
    """(line number, value) of one JSON object over any lines, or of one a line. Raises BadPrompt."""
    name = "standard input" if source == STDIN else source
    try:
        data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise BadPrompt(f"{name}: {error.strerror or error}") from error
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
