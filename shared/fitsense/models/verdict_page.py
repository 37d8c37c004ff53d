"""What a run says of its model, in 80 columns."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.markup import escape

from fitsense.models.outcome import Outcome
from fitsense.models.pages import headline

WIDTH = 80
INDENT = " " * 11
_COLOUR = {"champion": "green", "challenger": "cyan", "rejected": "bold red"}


def verdict(console: Console, outcome: Outcome) -> None:
    """The version, what the gates decided and why, and what it was measured at."""
    record, now = outcome.registration, outcome.channels
    decision = record.decision if record else "not judged"
    colour = _COLOUR.get(decision, "yellow")
    console.print(f"\n model     [bold]{outcome.version}[/]  [{colour}]{decision}[/]", highlight=False)
    console.print(f"{INDENT}{headline(outcome.evaluation)}", highlight=False)
    if record and record.decision != "champion":
        for reason in record.reasons:
            for line in textwrap.wrap(f"{INDENT}· {reason}", WIDTH, subsequent_indent=INDENT + "  "):
                console.print(escape(line), highlight=False)
    if now.champion != outcome.version:
        console.print(f"{INDENT}champion: {now.champion or 'none'}", highlight=False)


def go_on(console: Console, outcome: Outcome, *, stops: bool) -> None:
    """What to do next; ``stops``: the local cloud ends with this command."""
    lines = [f"fitsense models show {outcome.version}"]
    if outcome.registration and outcome.registration.decision == "challenger":
        lines.append(f"fitsense models promote {outcome.version}")
    if stops and outcome.channels.champion:
        lines.append(f"fitsense up   (serves {outcome.channels.champion})")
    for label, line in zip(["go on", "", ""], lines, strict=False):
        console.print(f" {label:<10}{line}", highlight=False)
