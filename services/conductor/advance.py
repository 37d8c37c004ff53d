"""Advancing a run: on any event, on a tick, on start-up, the same thing is done.

Look at the bucket; start what is ready and unclaimed; take over what died; say what changed. Events are
hints: a duplicate, late or reordered one finds nothing to do, a lost one is made good by the next tick.
"""

from __future__ import annotations

import threading
from collections import defaultdict

import structlog

from fitsense.artifacts import ArtifactStore, failure_name, manifest_name
from fitsense.config import RunConfig
from fitsense.manifest import Claim, Failure
from fitsense.models.manifest import manifest_model
from fitsense.pipeline import Graph
from fitsense.runs import RunReader, RunView, claim_name
from services.conductor import claims
from services.conductor.launch import Launcher
from services.conductor.orders import Outcome, Refused, StartStage
from services.conductor.retraining import Retrainer
from services.conductor.tell import Teller

log = structlog.get_logger(__name__)


def reused(config: RunConfig, graph: Graph) -> list[str]:
    """Stages whose artifacts are taken from an earlier run: all but ``from_stage`` and what rests on it."""
    if config.reuse is None:
        return []
    start = config.reuse.from_stage
    kept = [s for s in graph.order if s != start and start not in graph.upstream(s)]
    return [s for s in kept if not config.skips(s)]


class Advancer:
    """Moves runs on. One lock a run keeps this instance's threads apart; claims keep instances apart."""

    def __init__(
        self,
        store: ArtifactStore,
        reader: RunReader,
        launcher: Launcher,
        teller: Teller,
        retrainer: Retrainer,
    ) -> None:
        self.store = store
        self.retrainer = retrainer
        self.reader = reader
        self.launcher = launcher
        self.teller = teller
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def advance(self, run_id: str, *, look_after: float | None = None) -> None:
        """Do what can be done for ``run_id`` now.

        ``look_after`` also asks after claimed executions; it is the seconds that a claimer may take to its
        execution before another starts it.
        """
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

    def _start_or_look_after(self, view: RunView, stage: str, look_after: float | None) -> None:
        claim = claims.take(self.store, view.run_id, stage)
        if claim:
            self._start(view, claim)
        elif look_after is not None:
            self._look_after(view, stage, look_after)

    def _start(self, view: RunView, claim: Claim) -> None:
        order = self._order(view, claim)
        try:
            execution = self.launcher.start(order)
        except Refused as error:
            self._give_up(view, claim, Outcome("failed", error.message))
            return
        if not claims.name_execution(self.store, claim, execution):
            # another took the claim over; it must run alone
            self.launcher.cancel(order.spec, execution, order.training)
            return
        log.info("stage.started", run_id=view.run_id, stage=claim.stage, execution=execution)
        self.teller.started(order, execution)

    def _order(self, view: RunView, claim: Claim) -> StartStage:
        spec = view.graph.spec(claim.stage)
        tasks = view.config.tasks(claim.stage) if spec.sharded else 1
        training, data_run = view.config.training, view.requested_of or view.run_id
        return StartStage(view.run_id, claim.stage, spec, tasks, claim, training, data_run)

    def _look_after(self, view: RunView, stage: str, grace_s: float) -> None:
        """A claimed stage that has not landed: is its execution alive?"""
        stored = self.store.read(claim_name(view.run_id, stage))
        if stored is None:
            return
        claim, spec = Claim.model_validate_json(stored.data), view.graph.spec(stage)
        if claim.execution is None:
            self._find_or_start(view, claim, stored.generation, grace_s)
            return
        outcome = self.launcher.outcome(spec, claim.execution, view.config.training)
        if outcome.state == "running" or self._settled(view, stage):
            return
        if claim.attempt >= spec.attempts or outcome.state == "cancelled":
            self._give_up(view, claim, outcome)
        elif new := claims.take_over(self.store, claim, stored.generation):
            log.warning("claim.taken_over", run_id=view.run_id, stage=stage, why=outcome.message)
            self._start(view, new)

    def _find_or_start(self, view: RunView, claim: Claim, generation: int, grace_s: float) -> None:
        """The claimer died, or is between its two writes: its token tells whether it got through."""
        execution = self.launcher.find(self._order(view, claim))
        if execution:
            claims.name_execution(self.store, claim, execution)
        elif self.store.age_s(claim_name(claim.run_id, claim.stage)) > grace_s:
            new = claims.renew(self.store, claim, generation)
            if new:
                self._start(view, new)

    def _settled(self, view: RunView, stage: str) -> bool:
        """Whether it landed or failed after the run was observed."""
        artifact = view.graph.artifact(stage)
        names = (manifest_name(artifact, view.run_id), failure_name(artifact, view.run_id))
        return any(self.store.exists(name) for name in names)

    def _give_up(self, view: RunView, claim: Claim, outcome: Outcome) -> None:
        failure = Failure(
            run_id=view.run_id,
            stage=claim.stage,
            error="Cancelled" if outcome.state == "cancelled" else "AttemptsExhausted",
            message=outcome.message or f"{claim.attempt} executions ended without a manifest",
            hint=f"read the log, then: fitsense rerun {view.run_id} --from {claim.stage}",
            attempts=claim.attempt,
            log=outcome.log or str(claim.execution),
        )
        self.store.create_model(failure_name(view.graph.artifact(claim.stage), view.run_id), failure)

    def _adopt(self, view: RunView) -> bool:
        """Write manifests for stages that are taken from an earlier run; True when any was new."""
        new = False
        for stage in reused(view.config, view.graph):
            reuse = view.config.reuse
            if reuse is None or view.stages[stage].state == "landed":
                continue
            artifact = view.graph.artifact(stage)
            source = self.store.read_model(manifest_name(artifact, reuse.run_id), manifest_model(stage))
            if source is not None:
                adopted = source.model_copy(
                    update={"run_id": view.run_id, "adopted_from": source.adopted_from or reuse.run_id}
                )
                new |= self.store.create_model(manifest_name(artifact, view.run_id), adopted)
        return new

    def _tell(self, run_id: str) -> None:
        view = self.reader.observe(run_id, claims=True)
        if view is None:
            return
        self.retrainer.consider(view)  # before its end is told: then nobody looks at it again
        ended = self.teller.tell(view)
        if ended and view.state == "failed":
            self._cancel_rest(view)
        if view.state != "running":
            self.reader.forget(run_id)

    def _cancel_rest(self, view: RunView) -> None:
        """A failed run must not go on spending."""
        for stage in view.stages.values():
            if stage.state == "running" and stage.claim and stage.claim.execution:
                spec, training = view.graph.spec(stage.stage), view.config.training
                self.launcher.cancel(spec, stage.claim.execution, training)
