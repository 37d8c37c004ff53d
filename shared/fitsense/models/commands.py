"""``fitsense models``: list, show, compare; promote, roll back, try on some of the traffic."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from fitsense.artifacts import ArtifactStore
from fitsense.models import channels, pages
from fitsense.models.channels import Channels, NotPossible, Wanted
from fitsense.models.compare import side_by_side
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import MODELS
from fitsense.models.registry import ModelView, NotAdmissible, Registry
from fitsense.terminal import Json, command, current_cloud, out, print_json

models_app = typer.Typer(no_args_is_help=True, help="Models: what there is, what serves, and since when.")

Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]
Force = Annotated[
    bool, typer.Option("--force", help="Although the gates object; needs --reason, and is recorded.")
]
Traffic = Annotated[int, typer.Option(min=0, max=100, help="Percent of the requests; 0 ends it.")]


def _registry() -> Registry:
    return Registry(ArtifactStore(current_cloud().bucket))


@models_app.command("list")
@command
def list_command(json: Json = False) -> None:
    """All models, oldest first, with their channels, decisions and headline metrics."""
    registry = _registry()
    views, now = registry.all(), registry.channels()
    if json:
        print_json([_summary(view, now) for view in views])
    else:
        pages.listing(out, views, now)


def _summary(view: ModelView, now: Channels) -> dict[str, Any]:
    report, manifest = view.evaluation, view.manifest
    return {
        "version": view.version,
        "state": view.state,
        "channel": now.mark(view.version),
        "decision": view.registration.decision if view.registration else None,
        "run_id": manifest.run_id if manifest else None,
        "trained": manifest.finished.isoformat() if manifest else None,
        "metrics": {name: metric.model_dump() for name, metric in report.metrics.items()} if report else {},
        "safety": report.safety.model_dump() if report else None,
        "failure": view.failure.model_dump() if view.failure else None,
    }


@models_app.command("show")
@command
def show(version: str, json: Json = False) -> None:
    """One model and what it was made from: dataset, teacher, config, commit, evaluation, checksums."""
    registry = _registry()
    view, now = registry.model(version), registry.channels()
    lineage = list(registry.lineage(view.manifest)) if view.manifest else []
    if not json:
        pages.model(out, view, now, lineage, registry.store.uri(f"{MODELS}/{version}/"))
        return
    made = [manifest.model_dump(mode="json") for _, manifest in lineage]
    parts = {"manifest": view.manifest, "evaluation": view.evaluation, "registration": view.registration}
    told = {name: part.model_dump(mode="json") if part else None for name, part in parts.items()}
    history = [c.model_dump(mode="json") for c in now.history if c.version == version]
    print_json(_summary(view, now) | told | {"lineage": made, "history": history})


@models_app.command("compare")
@command
def compare(left: str, right: str, json: Json = False) -> None:
    """RIGHT against LEFT, in all records and by slice, with confidence intervals."""
    registry = _registry()
    found = side_by_side(*(_evaluated(registry, version) for version in (left, right)))
    if not json:
        pages.comparison(out, found)
        return
    rows = [
        asdict(row) | {side: getattr(row, side) and getattr(row, side).model_dump() for side in _SIDES}
        for row in found.rows
    ]
    print_json(asdict(found) | {"rows": rows})


_SIDES = ("left", "right", "gap")


def _evaluated(registry: Registry, version: str) -> EvaluationReport:
    report = registry.model(version).evaluation
    if report is None:
        raise NotAdmissible(f"{version} was not evaluated", hint="fitsense models list")
    return report


@models_app.command("promote")
@command
def promote(version: str, force: Force = False, reason: Reason = "", json: Json = False) -> None:
    """Make VERSION the champion."""
    registry = _registry()
    _check(registry.model(version), force, reason)
    wanted = channels.promote(version, _who(), reason or "promoted by hand", forced=force)
    _change(registry, registry.channels(), wanted, json)


@models_app.command("canary")
@command
def canary(
    version: str, traffic: Traffic = 10, force: Force = False, reason: Reason = "", json: Json = False
) -> None:
    """Give VERSION some of the champion's traffic; --traffic 0 ends it."""
    registry = _registry()
    now = registry.channels()
    if traffic or version != now.challenger:  # to end one is always allowed
        _check(registry.model(version), force, reason)
    why = reason or ("tried by hand" if traffic else "ended by hand")
    _change(registry, now, channels.canary(version, traffic, _who(), why, forced=force), json)


@models_app.command("rollback")
@command
def rollback(reason: Reason = "", json: Json = False) -> None:
    """Go back to the champion before this one, and end any canary."""
    registry = _registry()
    now = registry.channels()
    if now.previous and registry.model(now.previous).manifest is None:
        raise NotPossible(f"the earlier champion {now.previous} is gone", hint="fitsense models list")
    wanted = channels.roll_back(_who(), reason or "rolled back by hand", now.champion)
    _change(registry, now, wanted, json)


def _check(view: ModelView, force: bool, reason: str) -> None:
    """Raises NotAdmissible for a model that should not serve, and BadParameter for a bare --force."""
    if force and not reason.strip():
        raise typer.BadParameter("--force needs --reason: it stands in the history")
    if view.manifest is None:
        raise NotAdmissible(f"{view.version}: {'; '.join(view.objections)}", hint="there is nothing to serve")
    if view.objections and not force:
        told = "; ".join(view.objections)
        raise NotAdmissible(
            f"{view.version} should not serve: {told}", hint="if it must: --force --reason '…', on the record"
        )


def _change(registry: Registry, before: Channels, wanted: Wanted, json: bool) -> None:
    after = channels.change(registry.store, wanted)
    if json:
        print_json(after.model_dump(mode="json"))
    else:
        pages.changed(out, before, after)


def _who() -> str:
    """The account that runs this; the history names it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return "unnamed"
