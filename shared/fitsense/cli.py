"""``fitsense``: run the factory from a terminal.

Exit codes: 0 done · 1 the run failed, its model was rejected, or replays differ · 2 usage · 65 bad input ·
75 try again later.
"""

from __future__ import annotations

import shlex
import signal
from dataclasses import asdict
from typing import Annotated

import typer

from fitsense import cli_engine, cli_run, show
from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.deadletters import list_letters, replay_letters
from fitsense.errors import Misconfigured
from fitsense.follow import Follower
from fitsense.local import Local
from fitsense.local_settings import STUDENT
from fitsense.models.commands import models_app
from fitsense.models.outcome import outcome
from fitsense.models.verdict_page import verdict
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunReader, RunView
from fitsense.submit import NoSuchRun, compare, replay, rerun
from fitsense.terminal import FAILED, Json, command, current_cloud, err, out, print_json

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
runs_app = typer.Typer(invoke_without_command=True, help="List runs, or show one.")
letters_app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")
app.add_typer(runs_app, name="runs")
app.add_typer(letters_app, name="dead-letters")
app.command("plan")(cli_engine.plan)
app.command("triage")(cli_engine.triage)
app.add_typer(models_app, name="models")
app.command("run")(cli_run.run)
app.command("submit")(cli_run.submit_command)

Port = Annotated[int, typer.Option(help="Port of the local cloud; 0 takes a free one.")]


def _reader(cloud: Cloud) -> RunReader:
    return RunReader(ArtifactStore(cloud.bucket), load_pipelines(cloud.settings.schema_dir))


@app.command()
@command
def up(port: Port = 0, json: Json = False) -> None:
    """Start the local cloud and the services in the background; print the addresses."""
    local = Local()
    url = local.up(port)
    if json:
        bucket, student = (local.environment(url)[f"FITSENSE_{what}"] for what in ("BUCKET", "STUDENT_URL"))
        served = {"student": student if STUDENT in local.running() else None}
        print_json({"url": url, "bucket": bucket, "home": str(local.home)} | served)
    else:
        show.addresses(out, local, url)


@app.command()
@command
def down(json: Json = False) -> None:
    """Stop them; the state stays in .local/."""
    stopped = Local().down()
    print_json({"stopped": stopped}) if json else out.print("stopped" if stopped else "nothing was running")


@app.command()
@command
def env(json: Json = False) -> None:
    """Print the exports that point gcloud and any Google client at the local cloud."""
    local = Local()
    url = local.url()
    if url is None:
        raise Misconfigured("the local cloud is not running", hint="fitsense up")
    variables = local.environment(url) | local.gcloud_environment(url)
    if json:
        print_json(variables)
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@runs_app.callback()
def runs(context: typer.Context, json: Json = False) -> None:
    """List the runs, newest last."""
    if context.invoked_subcommand is None:
        _list_runs(json=json)


@command
def _list_runs(json: bool) -> None:
    cloud = current_cloud()
    found = show.run_list(cloud, _reader(cloud))
    print_json(found) if json else show.runs(out, found)


@runs_app.command("show")
@command
def runs_show(run_id: str, json: Json = False) -> int:
    """Show one run: stages, counts, rejects, timings, reports, failures, and its model."""
    cloud = current_cloud()
    reader = _reader(cloud)
    view = _observed(reader, run_id)
    made = outcome(reader.store, view)
    if json:
        print_json(view.summary() | ({"model": made.summary()} if made else {}))
        return 0
    show.summary(out, view, reader.store)
    if made:
        verdict(out, made)
    return 0


def _observed(reader: RunReader, run_id: str) -> RunView:
    view = reader.observe(run_id, claims=True)
    if view is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return view


@app.command()
@command
def verify(
    run_id: str,
    pay: Annotated[bool, typer.Option("--pay", help="Ask a paid teacher anew, too.")] = False,
    json: Json = False,
) -> int:
    """Make RUN anew from its config and compare every file's checksum.

    Answers of a paid teacher, and what leads to them, are taken over and not compared, unless --pay.
    """
    cloud = current_cloud()
    reader = _reader(cloud)
    again = replay(reader, run_id, pay=pay)
    view = Follower(cloud, reader, again, err).follow()
    if view.state != "completed":
        if json:
            print_json({"run_id": run_id, "replay": again, "summary": view.summary()})
        else:
            show.summary(err, view, reader.store)
        return FAILED
    found = compare(reader, run_id, again)
    if json:
        print_json({"run_id": run_id, "replay": again, **asdict(found)})
    else:
        show.comparison(out, run_id, again, found)
    return 0 if found.same and not found.different else FAILED


@app.command("rerun")
@command
def rerun_command(
    run_id: str,
    stage: Annotated[str, typer.Option("--from", help="First stage to make anew.")],
    follow: Annotated[bool, typer.Option("--follow", help="Show progress until the run ends.")] = False,
    json: Json = False,
) -> int:
    """A new run that takes the stages before --from from RUN and makes the rest anew."""
    cloud = current_cloud()
    reader = _reader(cloud)
    new = rerun(reader, run_id, stage)
    if follow:
        return cli_run.follow(cloud, new, json)
    print_json({"run_id": new}) if json else out.print(new)
    return 0


@letters_app.command("list")
@command
def letters_list(topic: str = "artifacts", json: Json = False) -> None:
    """Show the dead letters of TOPIC with their reasons; they stay where they are."""
    cloud = current_cloud()
    found = list_letters(cloud, topic)
    print_json([asdict(letter) for letter in found]) if json else show.letters(out, topic, found)


@letters_app.command("replay")
@command
def letters_replay(topic: str = "artifacts", json: Json = False) -> None:
    """Publish the dead letters of TOPIC to it again, and take them out."""
    count = replay_letters(current_cloud(), topic)
    print_json({"replayed": count}) if json else out.print(f"{count} replayed to {topic}")


def main() -> None:
    """The console script. Being told to stop is like Ctrl-C: what was started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()
