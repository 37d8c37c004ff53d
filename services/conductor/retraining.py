"""Retraining that nobody asks for: on a schedule, and when the data drifted.

A run says it in its config. Drift is judged once, when the run's gate has landed: the decision stands in
``retraining/<run_id>.json``. A schedule stands in ``schedules/<name>.json``, one for each name of runs, and
belongs to the newest of them; a tick asks for each period once, with the seed moved on by the period's
number: same period, same request, and so the same version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import structlog
from pydantic import Field

from fitsense.artifacts import ArtifactStore, manifest_name, to_json
from fitsense.config import Retraining, Training
from fitsense.events import Event, TrainingRequested
from fitsense.manifest import Manifest, Model, Report
from fitsense.runs import RunView

log = structlog.get_logger(__name__)

SCHEDULES = "schedules/"
SEEDS = 2**53
FEATURES_TOLD = 5
REMEMBERED = 10_000


class Schedule(Model):
    """``schedules/<name>.json``; changed by compare-and-swap. ``last`` is the newest period asked for."""

    run_id: str
    every_hours: float
    since: dt.datetime
    seed: int
    training: Training
    last: int = 0

    def period(self, now: dt.datetime) -> int:
        """The number of whole periods since; the first is due one period after the run's gate."""
        return int((now - self.since) / dt.timedelta(hours=self.every_hours))


class DriftVerdict(Model):
    """``retraining/<run_id>.json``: whether the run's data called for training."""

    run_id: str
    max_psi: float
    drifted: dict[str, float] = Field(description="features beyond the bound, worst first")


class Retrainer:
    """Asks by publishing what a person would publish; the conductor does the rest."""

    def __init__(
        self,
        store: ArtifactStore,
        emit: Callable[[Event], None],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.store = store
        self.emit = emit
        self.now = now
        self._considered: set[str] = set()

    def consider(self, view: RunView) -> None:
        """What a run's config says of retraining, once its gate has landed. Any number of times."""
        gate = view.stages["quality_gate"].manifest
        if gate is None or view.requested_of or view.run_id in self._considered:
            return
        self._schedule(view, gate)
        wanted = view.config.retraining
        if wanted and wanted.max_psi is not None and view.config.training is None:
            self._ask_if_drifted(view, wanted, wanted.max_psi)
        if len(self._considered) >= REMEMBERED:
            self._considered.clear()  # forgotten, a run is considered again, to the same end
        self._considered.add(view.run_id)

    def _schedule(self, view: RunView, gate: Manifest) -> None:
        """The newest run of a name says whether there is a schedule, and which."""
        name, wanted = f"{SCHEDULES}{view.name}.json", view.config.retraining
        stored = self.store.read(name)
        standing = Schedule.model_validate_json(stored.data) if stored else None
        if standing and (standing.since, standing.run_id) >= (gate.finished, view.run_id):
            return
        if wanted is None or wanted.every_hours is None:
            if stored:
                self.store.delete(name, stored.generation)
            return
        schedule = Schedule(
            run_id=view.run_id,
            every_hours=wanted.every_hours,
            since=gate.finished,
            seed=view.config.seed,
            training=_training(view, wanted),
        )
        self.store.replace(name, to_json(schedule), stored.generation if stored else 0)

    def _ask_if_drifted(self, view: RunView, wanted: Retraining, max_psi: float) -> None:
        name = f"retraining/{view.run_id}.json"
        if self.store.exists(name):
            return
        drifted = {k: v for k, v in self._drift(view).items() if v > max_psi}
        if drifted:
            log.info("retraining.drifted", run_id=view.run_id, features=list(drifted)[:FEATURES_TOLD])
            self._ask(view.run_id, _training(view, wanted))
        self.store.create_model(name, DriftVerdict(run_id=view.run_id, max_psi=max_psi, drifted=drifted))

    def _drift(self, view: RunView) -> dict[str, float]:
        """Feature → population stability index against the reference run, worst first."""
        report = self.store.read_model(self._statistics(view), Report)
        drift = (report.facts.get("drift") if report else None) or {}
        return dict(sorted(drift.items(), key=lambda item: (-item[1], item[0])))

    def _statistics(self, view: RunView) -> str:
        """The report's name: it may be an earlier run's."""
        manifest = view.stages["statistics"].manifest
        if manifest is None:
            return manifest_name(view.graph.artifact("statistics"), view.run_id)
        return self.store.name(manifest.output("report.json").uri)

    def schedules(self) -> Iterator[str]:
        """Names of all schedules."""
        return self.store.names(SCHEDULES)

    def ask_if_due(self, name: str) -> None:
        """Ask for the newest period that is due. Periods that nobody was up for are not made good."""
        stored = self.store.read(name)
        if stored is None:
            return
        schedule = Schedule.model_validate_json(stored.data)
        period = schedule.period(self.now())
        if period <= schedule.last:
            return
        base = schedule.training.seed if schedule.training.seed is not None else schedule.seed
        seed = (base + period) % SEEDS
        log.info("retraining.due", run_id=schedule.run_id, period=period)
        self._ask(schedule.run_id, schedule.training.model_copy(update={"seed": seed}))
        # After the request: a fault in between asks twice for the same version, and never for none.
        self.store.replace(name, to_json(schedule.model_copy(update={"last": period})), stored.generation)

    def _ask(self, run_id: str, training: Training) -> None:
        self.emit(TrainingRequested(run_id=run_id, overrides=training.model_dump(mode="json")))


def _training(view: RunView, wanted: Retraining) -> Training:
    return wanted.training or view.config.training or Training()
