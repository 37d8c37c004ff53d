"""Advancing a run: on any event, on a tick, on start-up, the same thing is done.

Look at the bucket; start what is ready and unclaimed; take over what died; say what changed. Events are
hints: a duplicate, late or reordered one finds nothing to do, a lost one is made good by the next tick.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

import structlog

from fitsense.artifacts import ArtifactStore, failure_name, manifest_name
from fitsense.config import RunConfig, canonical_json
from fitsense.events import (
    Event,
    RunCompleted,
    RunFailed,
    StageFailed,
    StageLanded,
    StageStarted,
)
from fitsense.manifest import Claim, Failure, Manifest
from fitsense.pipeline import Graph
from fitsense.runs import RunReader, RunView, StageView, active_name, claim_name, name_of, status_name
from services.conductor import claims
from services.conductor.launch import Launcher, Outcome, StartStage

log = structlog.get_logger(__name__)

Emit = Callable[[Event], None]


def reused(config: RunConfig, graph: Graph) -> list[str]:
    """Stages whose artifacts are taken from an earlier run: all but ``from_stage`` and what rests on it."""
    if config.reuse is None:
        return []
    start = config.reuse.from_stage
    return [s for s in graph.order if s != start and start not in graph.upstream(s)]


class Advancer:
    """Moves runs on. One lock a run keeps this instance's threads apart; claims keep instances apart."""

    def __init__(
        self,
        store: ArtifactStore,
        reader: RunReader,
        launcher: Launcher,
        emit: Emit,
        claim_grace_s: float,
    ) -> None:
        """``claim_grace_s``: how long a claimer may take to its execution before another starts it."""
        self.claim_grace_s = claim_grace_s
        self.store = store
        self.reader = reader
        self.launcher = launcher
        self.emit = emit
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._told: defaultdict[str, set[str]] = defaultdict(set)

    def advance(self, run_id: str, *, look_after: bool = False) -> None:
        """Do what can be done for ``run_id`` now; ``look_after`` also asks after claimed executions."""
        with self._locks[run_id]:
            view = self.reader.observe(run_id)
            if view is None:
                log.warning("run.unknown", run_id=run_id)
                return
            if self._adopt(view):
                view = self.reader.observe(run_id) or view
            for stage in view.ready:
                self._start_or_look_after(view, stage, look_after)
            self._tell(run_id)

    def _start_or_look_after(self, view: RunView, stage: str, look_after: bool) -> None:
        claim = claims.take(self.store, view.run_id, stage)
        if claim:
            self._start(view, claim)
        elif look_after:
            self._look_after(view, stage)

    def _start(self, view: RunView, claim: Claim) -> None:
        order = self._order(view, claim)
        execution = self.launcher.start(order)
        claims.name_execution(self.store, claim, execution)
        log.info("stage.started", run_id=view.run_id, stage=claim.stage, execution=execution)
        started = StageStarted(
            run_id=view.run_id,
            stage=claim.stage,
            attempt=claim.attempt,
            tasks=order.tasks,
            execution=execution,
        )
        self.emit(started)

    def _order(self, view: RunView, claim: Claim) -> StartStage:
        spec = view.graph.spec(claim.stage)
        tasks = view.config.tasks(claim.stage) if spec.sharded else 1
        return StartStage(view.run_id, claim.stage, spec, tasks, claim, view.config.training)

    def _look_after(self, view: RunView, stage: str) -> None:
        """A claimed stage that has not landed: is its execution alive?"""
        stored = self.store.read(claim_name(view.run_id, stage))
        if stored is None:
            return
        claim, spec = Claim.model_validate_json(stored.data), view.graph.spec(stage)
        if claim.execution is None:
            self._find_or_start(view, claim, stored.generation)
            return
        outcome = self.launcher.outcome(spec, claim.execution)
        if outcome.state == "running" or self._settled(view, stage):
            return
        if claim.attempt < spec.attempts:
            new = claims.take_over(self.store, claim, stored.generation)
            if new:
                log.warning("claim.taken_over", run_id=view.run_id, stage=stage, why=outcome.message)
                self._start(view, new)
        else:
            self._give_up(view, stage, claim, outcome)

    def _find_or_start(self, view: RunView, claim: Claim, generation: int) -> None:
        """The claimer died, or is between its two writes: its token tells whether it got through."""
        execution = self.launcher.find(self._order(view, claim))
        if execution:
            claims.name_execution(self.store, claim, execution)
            return
        stale = self.store.age_s(claim_name(claim.run_id, claim.stage)) > self.claim_grace_s
        if stale and claims.renew(self.store, claim, generation):
            self._start(view, claim)

    def _settled(self, view: RunView, stage: str) -> bool:
        """Whether it landed or failed after the run was observed."""
        artifact = view.graph.artifact(stage)
        names = (manifest_name(artifact, view.run_id), failure_name(artifact, view.run_id))
        return any(self.store.exists(name) for name in names)

    def _give_up(self, view: RunView, stage: str, claim: Claim, outcome: Outcome) -> None:
        failure = Failure(
            run_id=view.run_id,
            stage=stage,
            error="AttemptsExhausted",
            message=outcome.message or f"{claim.attempt} executions ended without a manifest",
            hint=f"read the log, then: fitsense rerun {view.run_id} --from {stage}",
            attempts=claim.attempt,
            log=outcome.log or str(claim.execution),
        )
        self.store.create_model(failure_name(view.graph.artifact(stage), view.run_id), failure)

    def _adopt(self, view: RunView) -> bool:
        """Write manifests for stages that are taken from an earlier run; True when any was new."""
        new = False
        for stage in reused(view.config, view.graph):
            reuse = view.config.reuse
            if reuse is None or view.stages[stage].state == "landed":
                continue
            artifact = view.graph.artifact(stage)
            source = self.store.read_model(manifest_name(artifact, reuse.run_id), Manifest)
            if source is not None:
                adopted = source.model_copy(
                    update={"run_id": view.run_id, "adopted_from": source.adopted_from or reuse.run_id}
                )
                new |= self.store.create_model(manifest_name(artifact, view.run_id), adopted)
        return new

    def _tell(self, run_id: str) -> None:
        """``status.json``, events, and the end of the run. Nothing here is needed for the truth."""
        view = self.reader.observe(run_id, claims=True)
        if view is None:
            return
        for stage in view.stages.values():
            event = _fact(run_id, stage)
            if event and event.key not in self._told[run_id]:
                self.emit(event)
                self._told[run_id].add(event.key)
        self.store.replace(status_name(run_id), canonical_json(view.summary()), None)
        if view.state != "running":
            self._finish(view)

    def _finish(self, view: RunView) -> None:
        active = active_name(name_of(view.run_id))
        stored = self.store.read(active)
        if stored is not None and stored.data.decode() == view.run_id:
            self.emit(_ending(view))
            self.store.delete(active, stored.generation)
            log.info("run.finished", run_id=view.run_id, state=view.state)
        self.reader.forget(view.run_id)
        self._told.pop(view.run_id, None)


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
