"""Telling people how a run goes: ``status.json`` and events. Nothing here is needed for the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import orjson
import structlog

from fitsense.artifacts import ArtifactStore
from fitsense.config import canonical_json
from fitsense.events import (
    Event,
    RunAdmitted,
    RunCompleted,
    RunFailed,
    StageFailed,
    StageLanded,
    StageStarted,
)
from fitsense.runs import RunView, StageView, active_name, name_of, status_name
from services.conductor.launch import StartStage

log = structlog.get_logger(__name__)

Emit = Callable[[Event], None]


class Teller:
    """Tells each fact of a run once, as long as this instance lives; its end, exactly while it is active."""

    def __init__(self, store: ArtifactStore, emit: Emit) -> None:
        self.store = store
        self.emit = emit
        self._told: defaultdict[str, set[str]] = defaultdict(set)

    def started(self, order: StartStage, execution: str) -> None:
        attempt = order.claim.attempt
        self.emit(
            StageStarted(
                run_id=order.run_id,
                stage=order.stage,
                attempt=attempt,
                tasks=order.tasks,
                execution=execution,
            )
        )

    def tell(self, view: RunView) -> bool:
        """Bring people up to date; True when this call told the end of the run."""
        if view.state == "running":
            self._tell_facts(view)
            self._keep_active(view.run_id)
            return False
        generation = self._active_generation(view.run_id)
        if generation is None:
            return False  # its end was told before: a late event, or a look after a restart
        self._tell_facts(view)
        self.emit(_ending(view))
        self.store.delete(active_name(name_of(view.run_id)), generation)
        self._told.pop(view.run_id, None)
        log.info("run.finished", run_id=view.run_id, state=view.state)
        return True

    def _tell_facts(self, view: RunView) -> None:
        told = self._told[view.run_id]
        for event in _facts(view):
            if event.type + event.key not in told:
                self.emit(event)
                told.add(event.type + event.key)
        self._write_status(view)

    def _write_status(self, view: RunView) -> None:
        """Only news, and never over the end: a slower conductor must not bring a finished run back."""
        name, data = status_name(view.run_id), canonical_json(view.summary())
        stored = self.store.read(name)
        if stored is None:
            self.store.replace(name, data, 0)
        elif stored.data != data and orjson.loads(stored.data)["state"] == "running":
            self.store.replace(name, data, stored.generation)

    def _keep_active(self, run_id: str) -> None:
        """Ticks look after what is marked active; a lost mark of a running run is put back."""
        if "active" not in self._told[run_id]:
            self.store.create(active_name(name_of(run_id)), run_id.encode(), "text/plain")
            self._told[run_id].add("active")

    def _active_generation(self, run_id: str) -> int | None:
        stored = self.store.read(active_name(name_of(run_id)))
        return stored.generation if stored and stored.data.decode() == run_id else None


def _facts(view: RunView) -> list[Event]:
    config = f"configs/{name_of(view.run_id)}.yaml"
    admitted = RunAdmitted(run_id=view.run_id, pipeline=view.config.pipeline, config=config)
    facts = [_fact(view.run_id, stage) for stage in view.stages.values()]
    return [admitted, *(fact for fact in facts if fact)]


def _fact(run_id: str, view: StageView) -> Event | None:
    if view.manifest:
        counters = view.manifest.counters
        return StageLanded(
            run_id=run_id,
            stage=view.stage,
            rows_out=counters.rows_out,
            seconds=view.manifest.seconds,
            cost_usd=counters.cost_usd,
        )
    if view.failure:
        failure = view.failure
        return StageFailed(run_id=run_id, stage=view.stage, error=failure.error, message=failure.message)
    return None


def _ending(view: RunView) -> Event:
    for stage in view.stages.values():
        if stage.failure:
            failure = stage.failure
            return RunFailed(
                run_id=view.run_id, stage=stage.stage, error=failure.error, message=failure.message
            )
    return RunCompleted(run_id=view.run_id)
