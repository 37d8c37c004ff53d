"""The recipe of a dataset, read from the manifests that it rests on: what truly made the data.

The run's config could differ from it: a run may take earlier stages from another run.
"""

from __future__ import annotations

from fitsense.artifacts import ArtifactStore
from fitsense.errors import BadArtifact
from fitsense.manifest import Manifest
from jobs.dataset.facts import Ingredient


def recipe(store: ArtifactStore, last: Manifest) -> list[Ingredient]:
    """All stages up to and with ``last``, in order of making. Raises BadArtifact when a manifest is gone."""
    found: dict[str, Ingredient] = {}
    _walk(store, last, found)
    return list(found.values())


def _walk(store: ArtifactStore, manifest: Manifest, found: dict[str, Ingredient]) -> None:
    for reference in manifest.inputs:
        if reference.stage in found:
            continue
        upstream = store.read_model(store.name(reference.uri), Manifest)
        if upstream is None:
            raise BadArtifact(f"{reference.uri}, which {manifest.stage} was made from, is gone")
        _walk(store, upstream, found)
    found[manifest.stage] = Ingredient(
        stage=manifest.stage,
        params=manifest.params,
        params_sha256=manifest.params_sha256,
        seed=manifest.seed,
        rows=manifest.counters.rows_out,
    )
