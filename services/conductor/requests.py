"""Training that somebody asks for: a run of its own, by the model version's name.

It takes all data from the run that was named, and holds nothing but the training and the registration. So
everything that holds for runs holds for it: claims, take-overs, failures, events, ``fitsense runs``.
"""

from __future__ import annotations

from typing import Any

import structlog
import yaml
from pydantic import ValidationError

from fitsense.artifacts import ArtifactStore
from fitsense.config import Reuse, RunConfig, Training
from fitsense.errors import BadMessage
from fitsense.events import TrainingRequested
from fitsense.models.manifest import requested_version
from fitsense.runs import RunReader, RunView, active_name, config_name
from services.conductor.advance import Advancer

log = structlog.get_logger(__name__)


class TrainingRequests:
    """Opens the runs that requests ask for. ``grace_s`` is as in ``Advancer.advance``."""

    def __init__(self, store: ArtifactStore, reader: RunReader, advancer: Advancer, grace_s: float) -> None:
        self.store = store
        self.reader = reader
        self.advancer = advancer
        self.grace_s = grace_s

    def handle(self, request: TrainingRequested) -> None:
        """The same request is the same version, so it is trained once. Raises BadMessage."""
        view = self._trainable(request.run_id)
        training = self._asked_for(view, request.overrides)
        version = requested_version(view.run_id, training, view.config.seed)
        reuse = Reuse(run_id=view.run_id, from_stage="training")
        asked = {"training": training, "reuse": reuse, "retraining": None}
        self._open_version(version, view.config.model_copy(update=asked))

    def _trainable(self, run_id: str) -> RunView:
        """A run whose dataset may be trained on. Raises BadMessage."""
        view = self.reader.observe(run_id)
        if view is None:
            raise BadMessage(f"there is no run {run_id}", hint="fitsense runs lists them")
        if lacking := [s for s in ("dataset", "quality_gate") if view.stages[s].state != "landed"]:
            raise BadMessage(f"{run_id} has not landed {lacking}; nothing to train on")
        return view

    def _asked_for(self, view: RunView, overrides: dict[str, Any]) -> Training:
        """The run's training section, or the defaults, with what the request changes. Raises BadMessage."""
        base = (view.config.training or Training()).model_dump()
        try:
            training = Training.model_validate(base | overrides)
        except ValidationError as error:
            raise BadMessage(f"training overrides: {error}") from error
        if why := self.advancer.launcher.backend(training).unavailable(view.config.pipeline):
            raise BadMessage(why, hint="training.backend: batch")
        return training

    def _open_version(self, version: str, config: RunConfig) -> None:
        """Start the training that was asked for, or go on with it. Raises BadMessage if it failed before."""
        view = self.reader.observe(version)
        if view is not None and view.state == "failed":
            why = next(s.failure for s in view.stages.values() if s.failure)
            raise BadMessage(
                f"{version} was asked for before and failed: {why.error}: {why.message}",
                hint=f"mend the cause, then: fitsense rerun {version} --from training",
            )
        if view is None:
            # The mark first: should this end in between, the tick finds nothing to open and drops it.
            self.store.create(active_name(version), version.encode(), "text/plain")
            dump = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
            if self.store.create(config_name(version), dump.encode(), "application/yaml"):
                log.info("training.admitted", run_id=version)
        if view is None or view.state == "running":
            self.advancer.advance(version, look_after=self.grace_s)
