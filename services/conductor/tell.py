"""Telling people how a run goes: ``status.json`` and events. Nothing here is needed for the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import orjson
import structlog

from fitsense.artifacts import ArtifactStore
from fitsense.config import canonical_json
from fitsense.events import (
    Event,
    ModelRegistered,
    ModelRejected,
    RunAdmitted,
    RunCompleted,
    RunFailed,
    StageFailed,
    StageLanded,
    StageStarted,
)
from fitsense.models.registration import Registration, record_name
from fitsense.runs import RunView, StageView, active_name, config_name, name_of, status_name
from services.conductor.orders import StartStage

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
            self._keep_active(view)
            return False
        generation = self._active_generation(view)
        if generation is None:
            return False  # its end was told before: a late event, or a look after a restart
        self._tell_facts(view)
        self.emit(_ending(view))
        self.store.delete(active_name(view.name), generation)
        self._told.pop(view.run_id, None)
        log.info("run.finished", run_id=view.run_id, state=view.state)
        return True

    def _tell_facts(self, view: RunView) -> None:
        told = self._told[view.run_id]
        verdict = self._verdict(view)
        for event in [*_facts(view), *verdict]:
            if event.type + event.key not in told:
                self.emit(event)
                told.add(event.type + event.key)
        told |= {"verdict"} if verdict else set()
        self._write_status(view)

    def _verdict(self, view: RunView) -> list[Event]:
        """What the registration made of the model, once it has landed."""
        seen = view.stages.get("registration")
        if seen is None or seen.manifest is None or "verdict" in self._told[view.run_id]:
            return []
        record = self.store.read_model(record_name(seen.manifest.adopted_from or view.run_id), Registration)
        if record is None:
            return []
        return [_verdict(record)]

    def _write_status(self, view: RunView) -> None:
        """Only news, and never over the end: a slower conductor must not bring a finished run back."""
        name, data = status_name(view.run_id), canonical_json(view.summary())
        stored = self.store.read(name)
        if stored is None:
            self.store.replace(name, data, 0)
        elif stored.data != data and orjson.loads(stored.data)["state"] == "running":
            self.store.replace(name, data, stored.generation)

    def _keep_active(self, view: RunView) -> None:
        """Ticks look after what is marked active; a lost mark of a running run is put back."""
        if "active" not in self._told[view.run_id]:
            self.store.create(active_name(view.name), view.run_id.encode(), "text/plain")
            self._told[view.run_id].add("active")

    def _active_generation(self, view: RunView) -> int | None:
        stored = self.store.read(active_name(view.name))
        return stored.generation if stored and stored.data.decode() == view.run_id else None


def _verdict(record: Registration) -> Event:
    told: dict[str, Any] = {"against": record.against, "reasons": record.reasons}
    told |= {"run_id": record.run_id, "version": record.version}
    if record.decision == "rejected":
        return ModelRejected(**told)
    return ModelRegistered(decision=record.decision, **told)


def _facts(view: RunView) -> list[Event]:
    origin = view.requested_of
    config = config_name(origin) if origin else f"configs/{name_of(view.run_id)}.yaml"
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
