"""``fitsense run`` and what it shares with ``submit``: from a config to a served student's answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from fitsense import show
from fitsense.admission import parse_config
from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.errors import Misconfigured
from fitsense.follow import Follower
from fitsense.local import Local
from fitsense.local_settings import STUDENT, gpu_node_ready
from fitsense.models import answer_page, channels, verdict_page
from fitsense.models.outcome import Outcome, outcome, plan_query
from fitsense.models.serving import Health, Student, TakenBack
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunReader, RunView
from fitsense.submit import submit
from fitsense.terminal import FAILED, Json, command, current_cloud, err, out, print_json, use_cloud

SERVED_TIMEOUT_S = 240.0
NoTraining = Annotated[
    bool, typer.Option("--no-training", help="The data alone: leave the config's training out.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Show progress until the run ends.")]


@command
def run(config: Path, no_training: NoTraining = False, json: Json = False) -> int:
    """Start what is not running here, submit CONFIG, follow it to its end, and print what it made.

    A config with training goes on to the served model, and to a plan that it writes for one of the run's
    people. It runs on the local cloud of this checkout, whatever cloud the environment names.
    """
    trains = _trains(config) and not no_training
    local = Local() if trains else Local(student=False)
    if trains:
        _check_node(local, config)
    with local.used() as url:
        use_cloud(local.environment(url))
        cloud = current_cloud()
        run_id = submit(ArtifactStore(cloud.bucket), config, training=trains)
        student = Student(local.environment(url)["FITSENSE_STUDENT_URL"])
        served, stops = STUDENT in local.running(), local.transient_file.exists()
        return follow(cloud, run_id, json, student if served else None, stops=stops)


@command
def submit_command(
    config: Path, follow_it: Follow = False, no_training: NoTraining = False, json: Json = False
) -> int:
    """Drop CONFIG into the bucket; that starts a run."""
    trains = _trains(config) and not no_training
    cloud = current_cloud()
    if trains and cloud.settings.batch_endpoint:  # it is this machine that would train
        _check_node(Local(), config)
    run_id = submit(ArtifactStore(cloud.bucket), config, training=trains)
    if follow_it:
        return follow(cloud, run_id, json)
    print_json({"run_id": run_id}) if json else out.print(run_id)
    return 0


def _trains(config: Path) -> bool:
    """Raises Misconfigured for a file that is not there, BadConfig for one that will not be admitted."""
    if not config.is_file():
        raise Misconfigured(f"{config} is not a file", hint="samples are in schema/configs/")
    return parse_config(config.read_bytes()).training is not None


def _check_node(local: Local, config: Path) -> None:
    """Raises Misconfigured before minutes are spent on data that nothing can be trained on."""
    if not gpu_node_ready(local.root):
        raise Misconfigured(
            f"{config.name} asks for training, and gpu-node/.venv is not there, or not whole",
            hint="make gpu-node/.venv/ready   (or leave the training out: --no-training)",
        )


def follow(
    cloud: Cloud, run_id: str, json: bool, student: Student | None = None, *, stops: bool = False
) -> int:
    """Show the run to its end and what it made; with ``student``, have its model answer.

    ``stops``: the cloud ends with this command. The exit code is 1 for a run that failed, and for one whose
    model the gates rejected.
    """
    reader = RunReader(ArtifactStore(cloud.bucket), load_pipelines(cloud.settings.schema_dir))
    view = Follower(cloud, reader, run_id, err if json else out).follow()
    if not json:
        show.summary(out, view, reader.store)
    made = outcome(reader.store, view) if view.state == "completed" else None
    told = view.summary() | ({"model": made.summary()} if made else {})
    code = FAILED if view.state != "completed" or (made and made.rejected) else 0
    if made and not json:
        verdict_page.verdict(out, made)
    if made and student and made.channels.champion and not code:
        answered = _asked(reader.store, view, made, student, json)
        told["student"] = answered
        code = 0 if answered["answer"] else FAILED
    if made and not json:
        verdict_page.go_on(out, made, stops=stops)
    if json:
        print_json(told)
    return code


def _asked(
    store: ArtifactStore, view: RunView, made: Outcome, student: Student, json: bool
) -> dict[str, Any]:
    """Wait until the champion serves, and ask it for a plan. Raises NotServed, TakenBack."""
    query = plan_query(store, view)
    _await_served(store, str(made.channels.champion), student)
    reply = student.ask(query)
    if not json:
        answer_page.answer(out, query, reply)
    return {
        "version": reply.version,
        "query_id": query["query_id"],
        "seconds": round(reply.seconds, 3),
        "tokens": reply.tokens,
        "answer": reply.answer.model_dump(mode="json") if reply.answer else None,
        "problem": reply.problem,
        "objections": reply.objections,
    }


def _await_served(store: ArtifactStore, version: str, student: Student) -> None:
    """Raises NotServed when it takes too long, TakenBack when the version is not to serve any more."""
    with _waiting(f"the student loads {version}") as say:

        def look(health: Health) -> None:
            say(health.words)
            now = channels.read(store)
            if now.champion != version:
                last = now.history[-1]
                raise TakenBack(
                    f"{version} is not the champion any more: {last.action} by {last.by}: {last.reason}",
                    hint=f"fitsense models show {version}",
                )

        student.wait_for(version, SERVED_TIMEOUT_S, look)


@contextmanager
def _waiting(what: str) -> Iterator[Any]:
    """On a terminal a line that changes, elsewhere one line."""
    if not err.is_terminal:
        err.print(what, highlight=False)
        yield lambda words: None
        return
    with err.status(what) as status:
        yield lambda words: status.update(f"{what} ({words})")
