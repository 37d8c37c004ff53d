"""Submitting, repeating and comparing runs: what the CLI does, without its words."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from fitsense.admission import check_name, parse_config
from fitsense.artifacts import ArtifactStore, describe
from fitsense.config import EndpointTeacher, Reuse, RunConfig
from fitsense.errors import BadConfig, Permanent, Problem, Unavailable
from fitsense.manifest import Manifest, Rejection
from fitsense.runs import RunReader, active_name, config_name, name_of, run_id_of

ADMISSION_TIMEOUT_S = 60.0
SUPERSEDED_S = 2.0
"""The two writes of an admission under way are seen within this."""


class NoSuchRun(Permanent):
    """No run has this id."""

    status = 404


def submit(store: ArtifactStore, path: Path, *, training: bool = True) -> str:
    """Upload a config; its run_id once the run is open. A run of the same config still under way is taken up.

    Without ``training`` the run ends with the data. Raises BadConfig before anything is uploaded, with every
    problem, or when it was rejected.
    """
    data = path.read_bytes()
    check_name(path.name, len(data))
    config = parse_config(data)
    if config.training and not training:
        config = config.model_copy(update={"training": None})
        data = _dump(config)
    return _begin(store, path.stem, data, config)


def _begin(store: ArtifactStore, name: str, data: bytes, config: RunConfig) -> str:
    under_way = _under_way(store, name, config)
    return under_way or await_admission(store, upload(store, name, data), config)


def upload(store: ArtifactStore, name: str, data: bytes) -> str:
    """Drop ``configs/<name>.yaml``; the run_id that the bucket's generation gives it.

    Uploaded once: a retry after a lost answer finds its own bytes there. Raises Unavailable when another's
    came between.
    """
    from google.api_core.exceptions import PreconditionFailed

    file = f"configs/{name}.yaml"
    before = store.bucket.get_blob(file)
    blob = store.bucket.blob(file)
    generation = int(before.generation) if before else 0
    try:
        blob.upload_from_string(data, content_type="application/yaml", if_generation_match=generation)
    except PreconditionFailed:
        blob = store.bucket.get_blob(file)
        if blob is None or blob.crc32c != describe(store.uri(file), file, data, rows=0).crc32c:
            raise Unavailable(f"another {file} was uploaded at this moment", hint="submit it again") from None
    return run_id_of(name, int(blob.generation))


def _under_way(store: ArtifactStore, name: str, config: RunConfig) -> str | None:
    """The run of this name that goes on, if it is of this very config."""
    active = store.read(active_name(name))
    stored = store.read(config_name(active.data.decode())) if active else None
    if active is None or stored is None:
        return None
    return active.data.decode() if _is(stored.data, config) else None


def _is(data: bytes, config: RunConfig) -> bool:
    try:
        return parse_config(data) == config
    except BadConfig:
        return False


def await_admission(
    store: ArtifactStore, run_id: str, config: RunConfig, timeout_s: float = ADMISSION_TIMEOUT_S
) -> str:
    """The run of ``config`` once it is open: ``run_id``, or one of the same config that came before or after.

    Raises BadConfig when it was rejected, Unavailable when another config took its place or on timeout.
    """
    name, deadline, why = name_of(run_id), time.monotonic() + timeout_s, f"nobody admitted {run_id}"
    while not store.exists(config_name(run_id)):
        rejection = store.read_model(f"configs/{name}.rejected.json", Rejection)
        if rejection and run_id_of(name, rejection.generation) == run_id:
            return _taken_up(store, name, config, rejection)
        if other := _under_way(store, name, config):
            return other
        latest = store.read(f"configs/{name}.yaml")
        if latest and _is(latest.data, config):
            run_id = run_id_of(name, latest.generation)
        else:  # unless it is being admitted right now, it never will be
            why = f"configs/{name}.yaml was replaced before {run_id} was admitted"
            deadline = min(deadline, time.monotonic() + SUPERSEDED_S)
        if time.monotonic() > deadline:
            raise Unavailable(why, hint="submit it again; if nobody admits it, is the conductor up?")
        time.sleep(0.05)
    return run_id


def _taken_up(store: ArtifactStore, name: str, config: RunConfig, rejection: Rejection) -> str:
    """What was rejected since the same is under way goes on there. Raises BadConfig for any other reason."""
    deadline = time.monotonic() + SUPERSEDED_S
    while store.exists(active_name(name)) and time.monotonic() < deadline:
        if run_id := _under_way(store, name, config):
            return run_id
        time.sleep(0.05)
    raise BadConfig([Problem(p.path, p.message, p.allowed) for p in rejection.problems])


def _admitted(reader: RunReader, run_id: str) -> RunConfig:
    config = reader.config(run_id)
    if config is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return config


def _dump(config: RunConfig) -> bytes:
    return yaml.safe_dump(config.model_dump(mode="json", exclude_none=True), sort_keys=False).encode()


def rerun(reader: RunReader, run_id: str, stage: str) -> str:
    """A run that takes the stages before ``stage`` from ``run_id``; its run_id once it is open."""
    config = _admitted(reader, run_id)
    graph = reader.pipelines.graph(config.pipeline)
    if stage not in graph.order:
        raise BadConfig([Problem("--from", f"{stage!r} is not a stage", ", ".join(graph.order))])
    new = config.model_copy(update={"reuse": Reuse(run_id=run_id, from_stage=stage), "retraining": None})
    return _begin(reader.store, _derived(run_id, "rerun"), _dump(new), new)


def replay(reader: RunReader, run_id: str, *, pay: bool = False) -> str:
    """A run of the same config, from nothing but that; its run_id once it is open.

    A teacher behind an endpoint costs money and samples its answers: unless ``pay``, they are taken over,
    with all that leads to them, and the rest is made anew.
    """
    config = _admitted(reader, run_id)
    paid = isinstance(config.teacher, EndpointTeacher) and not pay
    reuse = Reuse(run_id=run_id, from_stage="dataset") if paid else None
    new = config.model_copy(update={"reuse": reuse, "training": None, "retraining": None})
    return _begin(reader.store, _derived(run_id, "replay"), _dump(new), new)


def _derived(run_id: str, suffix: str) -> str:
    """A config name that tells where it comes from, unique to that run, within the allowed length."""
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:6]
    return f"{name_of(run_id)[:24].rstrip('-')}-{digest}-{suffix}"


@dataclass(frozen=True)
class Difference:
    """An output that is not the same in two runs; None where it is absent."""

    stage: str
    file: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Comparison:
    """How many outputs two runs have in common by checksum, and those that differ.

    ``adopted`` are the stages that the second took over from another run; they are not compared.
    """

    same: int
    different: list[Difference]
    adopted: list[str]


def compare(reader: RunReader, left: str, right: str) -> Comparison:
    """Raises NoSuchRun."""
    made = _manifests(reader, right)
    adopted = [stage for stage, manifest in made.items() if manifest.adopted_from]
    sums = [
        {
            (stage, output.name): output.sha256
            for stage, manifest in manifests.items()
            if stage not in adopted
            for output in manifest.outputs
        }
        for manifests in (_manifests(reader, left), made)
    ]
    keys = sorted(sums[0].keys() | sums[1].keys())
    different = [
        Difference(*key, sums[0].get(key), sums[1].get(key))
        for key in keys
        if sums[0].get(key) != sums[1].get(key)
    ]
    return Comparison(len(keys) - len(different), different, adopted)


def _manifests(reader: RunReader, run_id: str) -> dict[str, Manifest]:
    """Of the stages that are made anew whenever the run is: all that lead to the training."""
    view = reader.observe(run_id)
    if view is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return {
        stage: seen.manifest
        for stage, seen in view.stages.items()
        if seen.manifest and stage != "training" and "training" not in view.graph.upstream(stage)
    }
