"""What the CLI prints for people. Every page reads well in 80 columns."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.deadletters import Letter
from fitsense.errors import BadConfig, FitSenseError
from fitsense.local import Local
from fitsense.local_settings import STUDENT, gpu_node_ready
from fitsense.manifest import Failure
from fitsense.models.channels import Channels
from fitsense.models.channels import read as read_channels
from fitsense.models.registration import Registration, record_name
from fitsense.runs import RunReader, RunView, status_name
from fitsense.submit import Comparison

_COLOUR = {"completed": "green", "landed": "green", "failed": "bold red", "running": "cyan"}


def error(console: Console, error: FitSenseError) -> None:
    """What, where, and what would be right."""
    if isinstance(error, BadConfig):
        console.print("[bold red]the config is not admitted[/]")
        for problem in error.problems:
            console.print(f"  [bold]{escape(problem.path)}[/]: {escape(problem.message)}", highlight=False)
            if problem.allowed:
                console.print(f"      allowed: {escape(problem.allowed)}", style="dim", highlight=False)
        return
    console.print(f"[bold red]{type(error).__name__}[/]: {escape(error.message)}", highlight=False)
    if error.hint:
        console.print(f"  hint: {escape(error.hint)}", style="dim", highlight=False)


def error_line(error: FitSenseError) -> str:
    """The same for programs: one line of JSON."""
    problems = [asdict(problem) for problem in error.problems] if isinstance(error, BadConfig) else []
    told = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    return orjson.dumps(told | {"problems": problems}).decode()


def addresses(console: Console, local: Local, url: str) -> None:
    console.print(f"local cloud  {url}", highlight=False)
    console.print(f"bucket       gs://{local.environment(url)['FITSENSE_BUCKET']}", highlight=False)
    console.print(f"student      {_student(local, url)}", highlight=False)
    console.print(f"state, logs  {local.home}", highlight=False)
    console.print('clients      eval "$(fitsense env)"', highlight=False)


def _student(local: Local, url: str) -> str:
    if STUDENT in local.running():
        return f"{local.environment(url)['FITSENSE_STUDENT_URL']}  (OpenAI API, model {STUDENT})"
    if gpu_node_ready(local.root):
        return "not served: FITSENSE_STUDENT=off"
    return "not served: gpu-node/.venv is not there; make gpu-node/.venv/ready"


def _table(*headings: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def summary(console: Console, view: RunView, store: ArtifactStore) -> None:
    """One run: a line a stage, rejects by reason, failures, and where to look."""
    colour = _COLOUR[view.state]
    console.print(f"\n[bold]{view.run_id}[/]  [{colour}]{view.state}[/]", highlight=False)
    table = _table(
        "stage", "state", "rows in", "rows out", "seconds", right=("rows in", "rows out", "seconds")
    )
    for stage in view.stages.values():
        if stage.manifest is None:
            table.add_row(stage.stage, f"[{_COLOUR.get(stage.state, 'dim')}]{stage.state}[/]", "", "", "")
            continue
        counters = stage.manifest.counters
        state = f"from {stage.manifest.adopted_from}" if stage.manifest.adopted_from else stage.state
        rows = f"{counters.rows_in:,}", f"{counters.rows_out:,}"
        table.add_row(stage.stage, f"[green]{state}[/]", *rows, f"{stage.manifest.seconds:.2f}")
    console.print(table)
    _rejects(console, view)
    _failures(console, view)
    _places(console, view, store)


def _rejects(console: Console, view: RunView) -> None:
    for stage in view.stages.values():
        counters = stage.manifest.counters if stage.manifest else None
        if counters and counters.rejected:
            reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in counters.rejected.items())
            console.print(f" rejected in {stage.stage}: {reasons}", highlight=False)
        if counters and (counters.tokens_in or counters.cost_usd):
            tokens = f"{counters.tokens_in:,} tokens in, {counters.tokens_out:,} out"
            console.print(f" {stage.stage}: {tokens}, ${counters.cost_usd:.4f}", highlight=False)


def _failures(console: Console, view: RunView) -> None:
    for stage in view.stages.values():
        if stage.failure:
            failure = stage.failure
            console.print(f" [bold red]{stage.stage}: {failure.error}[/] {escape(failure.message)}")
            console.print(f"   hint: {escape(failure.hint)}\n   log:  {escape(_log(failure))}", style="dim")


def _log(failure: Failure) -> str:
    """Where the log is: on one machine its folder, which a job's name alone does not tell."""
    folder = Local().home / "cloud" / "compute" / "logs" / failure.log.rpartition("/")[2]
    return str(folder) if failure.log and folder.is_dir() else failure.log


def _places(console: Console, view: RunView, store: ArtifactStore) -> None:
    """Where the dataset and the reports are: below the bucket's folder on one machine, else its URI."""
    landed = {stage: seen.manifest for stage, seen in view.stages.items() if seen.manifest}
    if not landed:
        return
    console.print(f"\n made in {_bucket(store)}", highlight=False)
    for stage, manifest in landed.items():
        names = [store.name(output.uri) for output in manifest.outputs]
        if stage == "dataset":
            console.print(f" {stage:<13} {names[0].rpartition('/')[0]}/", highlight=False)
            files = " ".join(sorted(name.rpartition("/")[2] for name in names))
            for line in textwrap.wrap(files, width=64):
                console.print(f" {'':<13} {line}", highlight=False)
        for name in names:
            if name.endswith(".html"):
                console.print(f" {stage:<13} {name}", highlight=False)


def _bucket(store: ArtifactStore) -> str:
    folder = Local().home / "cloud" / "buckets" / store.bucket.name
    if not folder.exists():
        return store.uri("")
    here = Path.cwd()
    return f"{folder.relative_to(here) if folder.is_relative_to(here) else folder}/"


def run_list(cloud: Cloud, reader: RunReader) -> list[dict[str, Any]]:
    """What ``status.json`` says of each run; a run without one yet is looked at."""
    iterator = cloud.storage.list_blobs(cloud.bucket, prefix="runs/", delimiter="/")
    list(iterator)  # prefixes are known once the pages have been read
    found = []
    for prefix in sorted(iterator.prefixes):
        run_id = prefix.split("/")[1]
        stored = reader.store.read(status_name(run_id))
        if stored:
            found.append(orjson.loads(stored.data))
        elif view := reader.observe(run_id):
            found.append(view.summary())
    channels = read_channels(reader.store)
    for run in found:
        run["model"] = _model(reader.store, channels, run)
    return found


def _model(store: ArtifactStore, channels: Channels, run: dict[str, Any]) -> dict[str, Any] | None:
    """The version that a run trained, what the gates decided, and its channel now."""
    training, judged = (run["stages"].get(stage, {}) for stage in ("training", "registration"))
    version = training.get("version")
    if version is None:
        return None
    key = judged.get("adopted_from") or run["run_id"]
    record = store.read_model(record_name(key), Registration) if judged.get("state") == "landed" else None
    decision = record.decision if record else None
    return {"version": version, "decision": decision, "channel": channels.mark(version)}


def runs(console: Console, found: list[dict[str, Any]]) -> None:
    if not found:
        console.print("no runs yet; start one: fitsense submit schema/configs/coaching-small.yaml")
        return
    table = _table("run", "state", "stages", "model", right=("stages",))
    for run in found:
        stages = [s["state"] for s in run["stages"].values() if s["state"] != "skipped"]
        state = f"[{_COLOUR[run['state']]}]{run['state']}[/]"
        table.add_row(run["run_id"], state, f"{stages.count('landed')}/{len(stages)}", _channel(run))
    console.print(table)


def _channel(run: dict[str, Any]) -> str:
    """How a run's model stands, or how far its training is: the version is the run's own name."""
    model, training = run["model"], run["stages"].get("training", {"state": "skipped"})["state"]
    if model is None:
        return "" if training in ("skipped", "waiting") else f"training {training}"
    other = f" of {model['version']}" if model["version"] != run["run_id"] else ""
    return f"{model['channel'] or model['decision'] or 'trained'}{other}"


def comparison(console: Console, left: str, right: str, found: Comparison) -> None:
    for difference in found.different:
        sums = f"{(difference.left or 'absent')[:12]} ≠ {(difference.right or 'absent')[:12]}"
        console.print(f" [red]differs[/]  {difference.stage}/{difference.file}  {sums}", highlight=False)
    reproduced = found.same and not found.different
    verdict = "[green]reproduced[/]" if reproduced else "[red]not reproduced[/]"
    counts = f"{found.same} files identical, {len(found.different)} different"
    console.print(f"{verdict}: {counts}", highlight=False)
    if found.adopted:
        stages = ", ".join(found.adopted)
        console.print(f"  not made anew: {stages}; --pay asks the paid teacher again", highlight=False)
    console.print(f"  {left}\n  {right}", style="dim", highlight=False)


def letters(console: Console, topic: str, found: list[Letter]) -> None:
    if not found:
        console.print(f"no dead letters of {topic}")
    for letter in found:
        console.print(f"[bold]{letter.id}[/]  {letter.published}", highlight=False)
        console.print(f"  reason: {escape(letter.reason)}", highlight=False)
        if letter.hint:
            console.print(f"  hint:   {escape(letter.hint)}", style="dim", highlight=False)
        console.print(f"  data:   {escape(letter.data[:200])}", style="dim", highlight=False)
