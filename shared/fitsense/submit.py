"""Submitting, repeating and comparing runs: what the CLI does, without its words."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from fitsense.admission import check_name, parse_config
from fitsense.artifacts import ArtifactStore
from fitsense.config import Reuse, RunConfig
from fitsense.errors import BadConfig, Permanent, Problem, Unavailable
from fitsense.manifest import Rejection
from fitsense.runs import RunReader, active_name, config_name, name_of, run_id_of

ADMISSION_TIMEOUT_S = 60.0


class NoSuchRun(Permanent):
    """No run has this id."""

    status = 404


def submit(store: ArtifactStore, path: Path) -> str:
    """Upload a config; its run_id. A run of the very same file that is still under way is taken up.

    Raises BadConfig before anything is uploaded, with every problem.
    """
    data = path.read_bytes()
    check_name(path.name, len(data))
    config = parse_config(data)
    under_way = _under_way(store, path.stem, config)
    return under_way or upload(store, path.stem, data)


def upload(store: ArtifactStore, name: str, data: bytes) -> str:
    """Drop ``configs/<name>.yaml``; the run_id that the bucket's generation gives it."""
    blob = store.bucket.blob(f"configs/{name}.yaml")
    blob.upload_from_string(data, content_type="application/yaml")
    return run_id_of(name, int(blob.generation))


def _under_way(store: ArtifactStore, name: str, config: RunConfig) -> str | None:
    active = store.read(active_name(name))
    stored = store.read(config_name(active.data.decode())) if active else None
    if active is None or stored is None:
        return None
    return active.data.decode() if parse_config(stored.data) == config else None


def await_admission(store: ArtifactStore, run_id: str, timeout_s: float = ADMISSION_TIMEOUT_S) -> None:
    """Return once the run is open. Raises BadConfig when it was rejected, Unavailable after the timeout."""
    rejected = f"configs/{name_of(run_id)}.rejected.json"
    deadline = time.monotonic() + timeout_s
    while not store.exists(config_name(run_id)):
        rejection = store.read_model(rejected, Rejection)
        if rejection and run_id_of(name_of(run_id), rejection.generation) == run_id:
            raise BadConfig([Problem(p.path, p.message, p.allowed) for p in rejection.problems])
        if time.monotonic() > deadline:
            raise Unavailable(f"nobody admitted {run_id}", hint="is the conductor up? see .local/logs")
        time.sleep(0.05)


def _admitted(reader: RunReader, run_id: str) -> RunConfig:
    config = reader.config(run_id)
    if config is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return config


def _dump(config: RunConfig) -> bytes:
    return yaml.safe_dump(config.model_dump(mode="json", exclude_none=True), sort_keys=False).encode()


def rerun(reader: RunReader, run_id: str, stage: str) -> str:
    """A new run that takes the stages before ``stage`` from ``run_id``; its run_id."""
    config = _admitted(reader, run_id)
    graph = reader.pipelines.graph(config.pipeline)
    if stage not in graph.order:
        raise BadConfig([Problem("--from", f"{stage!r} is not a stage", ", ".join(graph.order))])
    new = config.model_copy(update={"reuse": Reuse(run_id=run_id, from_stage=stage)})
    return upload(reader.store, _derived(run_id, "rerun"), _dump(new))


def replay(reader: RunReader, run_id: str) -> str:
    """A new run of the same config, from nothing but that; its run_id."""
    config = _admitted(reader, run_id)
    data = _dump(config.model_copy(update={"reuse": None, "training": None}))
    return upload(reader.store, _derived(run_id, "replay"), data)


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


def compare(reader: RunReader, left: str, right: str) -> tuple[int, list[Difference]]:
    """How many outputs two runs have in common by checksum, and those that differ."""
    sums = [_checksums(reader, run_id) for run_id in (left, right)]
    keys = sorted(sums[0].keys() | sums[1].keys())
    differing = [
        Difference(*key, sums[0].get(key), sums[1].get(key))
        for key in keys
        if sums[0].get(key) != sums[1].get(key)
    ]
    return len(keys) - len(differing), differing


def _checksums(reader: RunReader, run_id: str) -> dict[tuple[str, str], str]:
    view = reader.observe(run_id)
    if view is None:
        raise NoSuchRun(f"there is no run {run_id}", hint="fitsense runs lists them")
    return {
        (stage, output.name): output.sha256
        for stage, seen in view.stages.items()
        if seen.manifest and view.graph.spec(stage).runner == "run_job"
        for output in seen.manifest.outputs
    }
