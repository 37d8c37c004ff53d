"""The models that there are, as the bucket shows them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from fitsense.artifacts import ArtifactStore, failure_name
from fitsense.errors import BadArtifact, Permanent
from fitsense.manifest import Failure, InputRef, Manifest
from fitsense.models import channels
from fitsense.models.channels import Channels
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import MODELS, ModelManifest, model_name
from fitsense.models.registration import Registration, record_name

State = Literal["training", "trained", "failed"]
READERS = 8


class NoSuchModel(Permanent):
    """No model has this version."""

    status = 404


class NotAdmissible(Permanent):
    """A model that should not serve anybody: rejected, unevaluated or unsafe."""

    status = 409


@dataclass(frozen=True)
class ModelView:
    """One version. Everything but the version is None until it has landed."""

    version: str
    manifest: ModelManifest | None = None
    failure: Failure | None = None
    evaluation: EvaluationReport | None = None
    registration: Registration | None = None
    broken: str = ""

    @property
    def state(self) -> State:
        if self.manifest:
            return "trained"
        return "failed" if self.failure else "training"

    @property
    def objections(self) -> list[str]:
        """Why it should not serve; empty for one that the gates let in."""
        if self.manifest is None:
            return [f"its training has failed: {self.failure.message}" if self.failure else "not trained yet"]
        if self.evaluation is None:
            return [self.broken or "it was not evaluated"]
        if self.registration is None:
            return ["the gates have not judged it yet"]
        return self.registration.reasons if self.registration.decision == "rejected" else []


class Registry:
    """Reads models; nothing here writes."""

    def __init__(self, store: ArtifactStore) -> None:
        self.store = store

    def channels(self) -> Channels:
        return channels.read(self.store)

    def all(self) -> list[ModelView]:
        """All versions, oldest first; those under way last."""
        with ThreadPoolExecutor(READERS) as pool:
            views = [view for view in pool.map(self._view, self._versions()) if not _adopted(view)]
        return sorted(views, key=lambda v: (v.manifest is None, str(v.manifest and v.manifest.finished)))

    def model(self, version: str) -> ModelView:
        """One version. Raises NoSuchModel."""
        view = self._view(version)
        if view.manifest is None and view.failure is None and version not in self._versions():
            raise NoSuchModel(f"there is no model {version}", hint="fitsense models list")
        return view

    def evaluation(self, manifest: ModelManifest) -> EvaluationReport | None:
        """The report that the manifest names. Raises BadArtifact for one that cannot be read."""
        if manifest.evaluation is None:
            return None
        try:
            report = self.store.read_model(self.store.name(manifest.evaluation), EvaluationReport)
        except ValidationError as error:
            raise BadArtifact(f"{manifest.evaluation}: {error}") from error
        if report is not None and report.version != manifest.version:
            raise BadArtifact(f"{manifest.evaluation} is the report of {report.version}")
        return report

    def lineage(self, manifest: Manifest) -> Iterator[tuple[int, Manifest]]:
        """What it was made from, as (depth, manifest), each artifact once, the nearest first."""
        seen: set[str] = set()
        level, depth = list(manifest.inputs), 1
        while level:
            fresh = {ref.uri: ref for ref in level if ref.uri not in seen}
            seen |= set(fresh)
            found = [made for ref in fresh.values() if (made := self._input(ref))]
            yield from ((depth, made) for made in found)
            level, depth = [ref for made in found for ref in made.inputs], depth + 1

    def _input(self, ref: InputRef) -> Manifest | None:
        return self.store.read_model(self.store.name(ref.uri), Manifest)

    def _versions(self) -> list[str]:
        iterator = self.store.bucket.client.list_blobs(
            self.store.bucket, prefix=f"{MODELS}/", delimiter="/", fields="prefixes,nextPageToken"
        )
        list(iterator)  # prefixes are known once the pages have been read
        return sorted(prefix.split("/")[1] for prefix in iterator.prefixes)

    def _view(self, version: str) -> ModelView:
        manifest = self.store.read_model(model_name(version), ModelManifest)
        if manifest is None:
            return ModelView(version, failure=self.store.read_model(failure_name(MODELS, version), Failure))
        evaluation, broken = None, ""
        try:
            evaluation = self.evaluation(manifest)
        except BadArtifact as error:
            broken = error.message
        registration = self.store.read_model(record_name(version), Registration)
        return ModelView(version, manifest, evaluation=evaluation, registration=registration, broken=broken)


def _adopted(view: ModelView) -> bool:
    """A later run that took this model over: the same model, not another."""
    return view.manifest is not None and view.manifest.adopted_from is not None
