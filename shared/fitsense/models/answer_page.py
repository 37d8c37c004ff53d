"""A student's answer for people, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from fitsense.models.serving import Reply
from fitsense.records import CoachAnswer, PlannedExercise
from fitsense.training.catalog.exercises import load_catalog

WIDTH = 80
INDENT = " " * 11
MESSAGE_LINES = 4


def answer(console: Console, query: Mapping[str, Any], reply: Reply) -> None:
    """Who asked what, which version answered how fast, what the engine says of it, and the plan."""
    asked = textwrap.shorten(str(query["prompt"]), 2 * (WIDTH - len(INDENT)) - 20, placeholder=" …")
    _wrapped(console, f" asked     {query['user_id']}: {asked}")
    speed = f"{reply.tokens} tokens in {reply.seconds:.1f} s"
    console.print(f" answered  by [bold]{reply.version}[/], {speed}", highlight=False)
    if reply.answer is None:
        console.print(f"{INDENT}[bold red]no answer[/]: {escape(reply.problem)}", highlight=False)
        return
    _message(console, reply.answer.message)
    for line in _plan(reply.answer):
        _wrapped(console, line)
    if not reply.objections:
        console.print(" verified  [green]by the engine: it breaks no rule[/]", highlight=False)
    for objection in reply.objections:
        _wrapped(console, f" objection {objection}")


def _message(console: Console, message: str) -> None:
    lines = textwrap.wrap(message, WIDTH - len(INDENT), max_lines=MESSAGE_LINES, placeholder=" …")
    for line in lines:
        console.print(f"{INDENT}{escape(line)}", highlight=False)


def _plan(said: CoachAnswer) -> Iterator[str]:
    for number, day in enumerate(said.plan.days if said.plan else [], 1):
        yield f"{INDENT}day {number}  " + "; ".join(_exercise(one) for one in day.exercises)


def _exercise(planned: PlannedExercise) -> str:
    """``goblet squat 3 x 8-12, 20 kg``."""
    low, high = planned.reps
    names = load_catalog().names["en"]
    load = f", {planned.kg:g} kg" if planned.kg is not None else ""
    reps = f"{low}-{high}" if low != high else str(low)
    return f"{names.get(planned.id, planned.id)} {planned.sets} x {reps}{load}"


def _wrapped(console: Console, text: str) -> None:
    for line in textwrap.wrap(
        text, WIDTH, subsequent_indent=INDENT, break_on_hyphens=False, drop_whitespace=True
    ):
        console.print(escape(line), highlight=False)
