"""Runs as the bucket shows them: the conductor decides by this, people and tools read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from fitsense.artifacts import FAILURE, MANIFEST, ArtifactStore
from fitsense.config import RunConfig
from fitsense.errors import BadArtifact
from fitsense.manifest import Claim, Failure, Manifest
from fitsense.models.manifest import ModelManifest, manifest_model
from fitsense.pipeline import Graph, Pipelines

StageState = Literal["waiting", "running", "landed", "failed", "skipped"]
RunState = Literal["running", "completed", "failed"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def run_id_of(name: str, generation: int) -> str:
    """``<name>-<object generation, base 36>``: the same upload seen twice is the same run."""
    digits = ""
    while generation:
        generation, digit = divmod(generation, 36)
        digits = _DIGITS[digit] + digits
    return f"{name}-{digits or '0'}"


def name_of(run_id: str) -> str:
    """The config's name within a run_id."""
    return run_id.rsplit("-", 1)[0]


def config_name(run_id: str) -> str:
    return f"runs/{run_id}/config.yaml"


def claim_name(run_id: str, stage: str) -> str:
    return f"runs/{run_id}/claims/{stage}.json"


def status_name(run_id: str) -> str:
    return f"runs/{run_id}/status.json"


def active_name(name: str) -> str:
    """Stands while a run of this name is under way: one at a time, and what ticks look at."""
    return f"active/{name}.json"


def read_config(store: ArtifactStore, run_id: str) -> RunConfig | None:
    """The admitted config, None when there is no such run. Raises BadArtifact for a broken one."""
    stored = store.read(config_name(run_id))
    if stored is None:
        return None
    try:
        return RunConfig.model_validate(yaml.safe_load(stored.data))
    except (ValidationError, yaml.YAMLError) as error:
        raise BadArtifact(f"{config_name(run_id)}: {error}") from error


def admitted_config(store: ArtifactStore, run_id: str) -> RunConfig:
    """The same for one that must be there. Raises BadArtifact."""
    config = read_config(store, run_id)
    if config is None:
        hint = "the conductor writes it when it admits a config"
        raise BadArtifact(f"{config_name(run_id)} is not there", hint=hint)
    return config


@dataclass
class StageView:
    """One stage of one run, as far as the bucket tells."""

    stage: str
    state: StageState
    manifest: Manifest | None = None
    failure: Failure | None = None
    claim: Claim | None = None
    claim_generation: int = 0


@dataclass
class RunView:
    """One run. ``ready`` are the stages that may start now."""

    run_id: str
    config: RunConfig
    graph: Graph
    stages: dict[str, StageView] = field(default_factory=dict)

    @property
    def requested_of(self) -> str | None:
        """The run whose dataset was asked to be trained on: this "run" is that training alone."""
        reuse = self.config.reuse
        asked = reuse is not None and self.run_id.startswith(f"{reuse.run_id}-")
        return reuse.run_id if reuse and asked and reuse.from_stage == "training" else None

    @property
    def name(self) -> str:
        """One run of a name at a time; trainings that were asked for do not stand in each other's way."""
        return self.run_id if self.requested_of else name_of(self.run_id)

    @property
    def state(self) -> RunState:
        states = {view.state for view in self.stages.values()}
        if "failed" in states:
            return "failed"
        return "completed" if states <= {"landed", "skipped"} else "running"

    @property
    def ready(self) -> list[str]:
        """Stages whose inputs have landed and whose own manifest has not; none once the run failed."""
        if self.state == "failed":
            return []
        return [s for s, view in self.stages.items() if view.state in ("waiting", "running") and self._fed(s)]

    def _fed(self, stage: str) -> bool:
        return all(self.stages[read].state == "landed" for read in self.graph.inputs[stage])

    def summary(self) -> dict[str, Any]:
        """For people: ``status.json`` and ``fitsense runs show``."""
        return {
            "run_id": self.run_id,
            "pipeline": self.config.pipeline,
            "state": self.state,
            "seed": self.config.seed,
            "stages": {stage: _summary(view) for stage, view in self.stages.items()},
        }


def _summary(view: StageView) -> dict[str, Any]:
    summary: dict[str, Any] = {"state": view.state}
    if view.claim:
        summary |= {"attempt": view.claim.attempt, "execution": view.claim.execution}
    if view.failure:
        summary |= view.failure.model_dump(include={"error", "message", "hint", "attempts", "log"})
    if view.manifest:
        counters = view.manifest.counters
        summary |= {
            "started": view.manifest.started.isoformat(),
            "finished": view.manifest.finished.isoformat(),
            "seconds": view.manifest.seconds,
            "adopted_from": view.manifest.adopted_from,
            **counters.model_dump(),
        }
    if isinstance(view.manifest, ModelManifest):
        summary["version"] = view.manifest.version
    return summary


class RunReader:
    """Observes runs. What is create-only is read once and remembered; the rest is looked up each time."""

    def __init__(self, store: ArtifactStore, pipelines: Pipelines) -> None:
        self.store = store
        self.pipelines = pipelines
        self._configs: dict[str, RunConfig] = {}
        self._manifests: dict[str, dict[str, Manifest]] = {}

    def forget(self, run_id: str) -> None:
        """A finished run costs no memory."""
        self._configs.pop(run_id, None)
        self._manifests.pop(run_id, None)

    def config(self, run_id: str) -> RunConfig | None:
        """As ``read_config``, which it asks once a run."""
        if run_id not in self._configs:
            config = read_config(self.store, run_id)
            if config is None:
                return None
            self._configs[run_id] = config
        return self._configs[run_id]

    def observe(self, run_id: str, *, claims: bool = False) -> RunView | None:
        """The run as it is now, or None. Looks no further than the stages that could have started."""
        config = self.config(run_id)
        if config is None:
            return None
        view = RunView(run_id, config, self.pipelines.graph(config.pipeline))
        for stage in view.graph.order:
            view.stages[stage] = self._stage(view, stage, claims)
        return view

    def _stage(self, view: RunView, stage: str, claims: bool) -> StageView:
        if view.config.skips(stage):
            return StageView(stage, "skipped")
        known = self._manifests.setdefault(view.run_id, {})
        if stage in known:
            return StageView(stage, "landed", manifest=known[stage])
        reads = view.graph.inputs[stage]
        if any(view.stages[read].state != "landed" for read in reads):
            return StageView(stage, "waiting")
        return self._look(view, stage, claims)

    def _look(self, view: RunView, stage: str, claims: bool) -> StageView:
        folder = f"{view.graph.artifact(stage)}/{view.run_id}"
        # One listing tells of both; part files sort after "manifest.json" and are cut off.
        blobs = self.store.bucket.client.list_blobs(
            self.store.bucket, prefix=f"{folder}/", delimiter="/", end_offset=f"{folder}/n"
        )
        names = {blob.name.rsplit("/", 1)[-1] for blob in blobs}
        if MANIFEST in names:
            manifest = self.store.read_model(f"{folder}/{MANIFEST}", manifest_model(stage))
            if manifest is not None:
                self._manifests[view.run_id][stage] = manifest
                return StageView(stage, "landed", manifest=manifest)
        if FAILURE in names:
            failure = self.store.read_model(f"{folder}/{FAILURE}", Failure)
            return StageView(stage, "failed", failure=failure)
        return self._claimed(view.run_id, stage) if claims else StageView(stage, "waiting")

    def _claimed(self, run_id: str, stage: str) -> StageView:
        stored = self.store.read(claim_name(run_id, stage))
        if stored is None:
            return StageView(stage, "waiting")
        claim = Claim.model_validate_json(stored.data)
        return StageView(stage, "running", claim=claim, claim_generation=stored.generation)
