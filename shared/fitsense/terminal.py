"""What every command of ``fitsense`` shares: consoles, exit codes, and which cloud is meant.

Exit codes: 0 done · 1 the run failed, its model was rejected, or replays differ · 2 usage · 65 bad input ·
75 try again later.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from fitsense import show
from fitsense.cloud import Cloud
from fitsense.errors import FitSenseError, Interrupted, Misconfigured, Permanent, Unavailable
from fitsense.local import Local
from fitsense.settings import Settings

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
FAILED = 1
INTERRUPTED = 130


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Errors become a message on stderr and an exit code; bugs stay visible."""

    @wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> None:
        try:
            code = function(*arguments, **options)
        except FitSenseError as error:
            code = _failed(error, options)
        except KeyboardInterrupt:
            _failed(Interrupted("what has landed stays, and the run goes on where it was"), options)
            code = INTERRUPTED
        except BrokenPipeError:
            raise  # whoever read our output has seen enough; typer knows
        except _foreign_errors() as error:
            code = _failed(_translated(error), options)
        raise typer.Exit(code or 0)

    return wrapper


def _failed(error: FitSenseError, options: dict[str, Any]) -> int:
    if options.get("json"):
        typer.echo(show.error_line(error), err=True)
    else:
        show.error(err, error)
    return error.exit_code


def _foreign_errors() -> tuple[type[Exception], ...]:
    """What the cloud and the machine raise; looked up only once something was raised."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return GoogleAPIError, GoogleAuthError, OSError  # requests' own are OSErrors


def _translated(error: Exception) -> FitSenseError:
    """A request that the cloud refuses will be refused again; anything else may pass."""
    message = f"{type(error).__name__}: {error}"
    status = getattr(error, "code", None) or 0
    if 400 <= status < 500 and status not in (408, 429):
        return Refused(message, hint="does the environment name the right cloud? see fitsense env")
    if getattr(error, "filename", None):
        return Unavailable(message)  # a file of this machine
    return Unavailable(message, hint="is the cloud up, and reachable from here?")


class Refused(Permanent):
    """The cloud does not do what it was asked."""


def current_cloud() -> Cloud:
    """The cloud that the environment names, or this checkout's local one if it runs."""
    if not os.environ.get("FITSENSE_BUCKET"):
        local = Local()
        url = local.url()
        if url is None:
            raise Misconfigured(
                "no cloud is named in the environment, and no local one runs", hint="fitsense up"
            )
        use_cloud(local.environment(url))
    return Cloud(Settings.from_env())


def use_cloud(variables: dict[str, str]) -> None:
    """Name a cloud in the environment, for this process and Google's clients."""
    os.environ.update(variables)


def print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
