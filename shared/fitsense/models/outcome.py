"""What became of a run's model, and one of its people to ask it about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore
from fitsense.errors import BadArtifact
from fitsense.manifest import Manifest
from fitsense.models import channels
from fitsense.models.channels import Channels
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import ModelManifest
from fitsense.models.registration import Registration, record_name
from fitsense.models.registry import Registry
from fitsense.models.serving import PLANS
from fitsense.runs import RunView


@dataclass(frozen=True)
class Outcome:
    """A trained model with what the gates made of it, and who serves now."""

    version: str
    registration: Registration | None
    evaluation: EvaluationReport | None
    channels: Channels

    @property
    def rejected(self) -> bool:
        return self.registration is not None and self.registration.decision == "rejected"

    def summary(self) -> dict[str, Any]:
        record = self.registration
        return {
            "version": self.version,
            "decision": record.decision if record else None,
            "reasons": record.reasons if record else [],
            "champion": self.channels.champion,
        }


def outcome(store: ArtifactStore, view: RunView) -> Outcome | None:
    """None for a run that trains nothing, or has not yet."""
    training, registration = (
        seen.manifest if (seen := view.stages.get(stage)) else None for stage in ("training", "registration")
    )
    if not isinstance(training, ModelManifest):
        return None
    evaluation = None
    with suppress(BadArtifact):  # the registration has told of it, and rejected the model
        evaluation = Registry(store).evaluation(training)
    key = (registration.adopted_from or view.run_id) if registration else None
    record = store.read_model(record_name(key), Registration) if key else None
    return Outcome(training.version, record, evaluation, channels.read(store))


def plan_query(store: ArtifactStore, view: RunView) -> dict[str, Any]:
    """The first ``records.Query`` of the run's test split that asks for a plan, as a dict.

    Raises BadArtifact when there is none.
    """
    for kind in PLANS:
        for line in _lines(store, view, "dataset", "test.jsonl"):
            record = orjson.loads(line)
            told = record["metadata"]
            if (told["type"], told["action"], told["language"]) == (kind, "answer", "en"):
                return _query(store, view, record["id"])
    raise BadArtifact(f"nobody in the test split of {view.run_id} asks for a plan")


def _query(store: ArtifactStore, view: RunView, query_id: str) -> dict[str, Any]:
    manifest = _manifest(view, "queries")
    marked = f'"{query_id}"'.encode()
    for output in sorted(manifest.outputs, key=lambda output: output.name):
        if output.name.endswith(".jsonl"):
            for line in _lines(store, view, "queries", output.name):
                if marked in line:
                    query: dict[str, Any] = orjson.loads(line)
                    return query
    raise BadArtifact(f"query {query_id} is in none of the files of {manifest.run_id}")


def _lines(store: ArtifactStore, view: RunView, stage: str, name: str) -> Iterator[bytes]:
    with store.open(store.name(_manifest(view, stage).output(name).uri)) as stream:
        yield from stream


def _manifest(view: RunView, stage: str) -> Manifest:
    manifest = view.stages[stage].manifest
    if manifest is None:
        raise BadArtifact(f"{view.run_id} has not landed {stage}")
    return manifest
