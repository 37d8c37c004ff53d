"""``fitsense``: run the factory from a terminal.

Exit codes: 0 done · 1 the run failed, or replays differ · 2 usage · 65 bad input · 75 try again later.
"""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from fitsense import cli_engine, show
from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.deadletters import list_letters, replay_letters
from fitsense.errors import FitSenseError, Interrupted, Misconfigured, Permanent, Unavailable
from fitsense.follow import Follower
from fitsense.local import Local
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunReader, RunView
from fitsense.settings import Settings
from fitsense.submit import NoSuchRun, compare, replay, rerun, submit

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
runs_app = typer.Typer(invoke_without_command=True, help="List runs, or show one.")
letters_app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")
app.add_typer(runs_app, name="runs")
app.add_typer(letters_app, name="dead-letters")
app.command("plan")(cli_engine.plan)
app.command("triage")(cli_engine.triage)

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Port = Annotated[int, typer.Option(help="Port of the local cloud; 0 takes a free one.")]
FAILED = 1
INTERRUPTED = 130


def _command(function: Callable[..., int | None]) -> Callable[..., None]:
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


def _cloud() -> Cloud:
    """The cloud that the environment names, or this checkout's local one if it runs."""
    if not os.environ.get("FITSENSE_BUCKET"):
        local = Local()
        url = local.url()
        if url is None:
            raise Misconfigured(
                "no cloud is named in the environment, and no local one runs", hint="fitsense up"
            )
        os.environ.update(local.environment(url))
    return Cloud(Settings.from_env())


def _reader(cloud: Cloud) -> RunReader:
    return RunReader(ArtifactStore(cloud.bucket), load_pipelines(cloud.settings.schema_dir))


def _print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@app.command()
@_command
def up(port: Port = 0, json: Json = False) -> None:
    """Start the local cloud and the services in the background; print the addresses."""
    local = Local()
    url = local.up(port)
    if json:
        bucket = local.environment(url)["FITSENSE_BUCKET"]
        _print_json({"url": url, "bucket": bucket, "home": str(local.home)})
    else:
        show.addresses(out, local, url)


@app.command()
@_command
def down(json: Json = False) -> None:
    """Stop them; the state stays in .local/."""
    stopped = Local().down()
    _print_json({"stopped": stopped}) if json else out.print("stopped" if stopped else "nothing was running")


@app.command()
@_command
def env(json: Json = False) -> None:
    """Print the exports that point gcloud and any Google client at the local cloud."""
    local = Local()
    url = local.url()
    if url is None:
        raise Misconfigured("the local cloud is not running", hint="fitsense up")
    variables = local.environment(url) | local.gcloud_environment(url)
    if json:
        _print_json(variables)
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
@_command
def run(config: Path, json: Json = False) -> int:
    """Start what is not running here, submit CONFIG, follow it to its end, and print what it made.

    It runs on the local cloud of this checkout, whatever cloud the environment names.
    """
    _check_file(config)
    local = Local()
    with local.used() as url:
        os.environ.update(local.environment(url))
        return _submit(config, follow=True, json=json)


@app.command("submit")
@_command
def submit_command(
    config: Path,
    follow: Annotated[bool, typer.Option("--follow", help="Show progress until the run ends.")] = False,
    json: Json = False,
) -> int:
    """Drop CONFIG into the bucket; that starts a run."""
    return _submit(config, follow, json)


def _check_file(config: Path) -> None:
    if not config.is_file():
        raise Misconfigured(f"{config} is not a file", hint="samples are in schema/configs/")


def _submit(config: Path, follow: bool, json: bool) -> int:
    _check_file(config)
    cloud = _cloud()
    run_id = submit(ArtifactStore(cloud.bucket), config)
    if follow:
        return _follow(cloud, run_id, json)
    _print_json({"run_id": run_id}) if json else out.print(run_id)
    return 0


def _follow(cloud: Cloud, run_id: str, json: bool) -> int:
    reader = _reader(cloud)
    console = err if json else out
    view = Follower(cloud, reader, run_id, console).follow()
    _print_json(view.summary()) if json else show.summary(out, view, reader.store)
    return 0 if view.state == "completed" else FAILED


@runs_app.callback()
def runs(context: typer.Context, json: Json = False) -> None:
    """List the runs, newest last."""
    if context.invoked_subcommand is None:
        _list_runs(json=json)


@_command
def _list_runs(json: bool) -> None:
    cloud = _cloud()
    found = show.run_list(cloud, _reader(cloud))
    _print_json(found) if json else show.runs(out, found)


@runs_app.command("show")
@_command
def runs_show(run_id: str, json: Json = False) -> int:
    """Show one run: stages, counts, rejects, timings, reports, failures."""
    cloud = _cloud()
    reader = _reader(cloud)
    view = _observed(reader, run_id)
    _print_json(view.summary()) if json else show.summary(out, view, reader.store)
    return 0


def _observed(reader: RunReader, run_id: str) -> RunView:
    view = reader.observe(run_id, claims=True)
    if view is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return view


@app.command()
@_command
def verify(
    run_id: str,
    pay: Annotated[bool, typer.Option("--pay", help="Ask a paid teacher anew, too.")] = False,
    json: Json = False,
) -> int:
    """Make RUN anew from its config and compare every file's checksum.

    Answers of a paid teacher, and what leads to them, are taken over and not compared, unless --pay.
    """
    cloud = _cloud()
    reader = _reader(cloud)
    again = replay(reader, run_id, pay=pay)
    view = Follower(cloud, reader, again, err).follow()
    if view.state != "completed":
        if json:
            _print_json({"run_id": run_id, "replay": again, "summary": view.summary()})
        else:
            show.summary(err, view, reader.store)
        return FAILED
    found = compare(reader, run_id, again)
    if json:
        _print_json({"run_id": run_id, "replay": again, **asdict(found)})
    else:
        show.comparison(out, run_id, again, found)
    return 0 if found.same and not found.different else FAILED


@app.command("rerun")
@_command
def rerun_command(
    run_id: str,
    stage: Annotated[str, typer.Option("--from", help="First stage to make anew.")],
    follow: Annotated[bool, typer.Option("--follow", help="Show progress until the run ends.")] = False,
    json: Json = False,
) -> int:
    """A new run that takes the stages before --from from RUN and makes the rest anew."""
    cloud = _cloud()
    reader = _reader(cloud)
    new = rerun(reader, run_id, stage)
    if follow:
        return _follow(cloud, new, json)
    _print_json({"run_id": new}) if json else out.print(new)
    return 0


@letters_app.command("list")
@_command
def letters_list(topic: str = "artifacts", json: Json = False) -> None:
    """Show the dead letters of TOPIC with their reasons; they stay where they are."""
    cloud = _cloud()
    found = list_letters(cloud, topic)
    _print_json([asdict(letter) for letter in found]) if json else show.letters(out, topic, found)


@letters_app.command("replay")
@_command
def letters_replay(topic: str = "artifacts", json: Json = False) -> None:
    """Publish the dead letters of TOPIC to it again, and take them out."""
    count = replay_letters(_cloud(), topic)
    _print_json({"replayed": count}) if json else out.print(f"{count} replayed to {topic}")


def main() -> None:
    """The console script. Being told to stop is like Ctrl-C: what was started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()
