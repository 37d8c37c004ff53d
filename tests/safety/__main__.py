"""``python -m tests.safety dev|sealed|sealed2|all [--out DIR] [--quote]``: the triage, measured.

Sealed prompts are quoted only with ``--quote``: whoever tunes the triage should not read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fitsense.safety.triage import triage
from tests.safety import measure, report
from tests.safety.cases import SETS, load


def main(
    name: Annotated[str, typer.Argument(help=f"all, or one of {', '.join(SETS)}")],
    out: Annotated[Path | None, typer.Option(help="folder for the JSON and the Markdown page")] = None,
    quote: Annotated[bool, typer.Option(help="quote prompts of sealed sets, too")] = False,
) -> None:
    """Prints the table of each set and writes its report."""
    for chosen in SETS if name == "all" else (name,):
        summary = measure.summary(measure.run(load(chosen), triage))
        seen = quote or chosen == "dev"
        typer.echo(report.terminal(chosen, summary, seen) + "\n")
        if out is not None:
            report.write(chosen, summary, out, seen)


if __name__ == "__main__":
    typer.run(main)
