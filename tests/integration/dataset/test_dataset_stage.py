"""The stage as its runner runs it, over a real bucket: cuts of the input, reruns, torn lineage, a stop."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import orjson
import pytest
import yaml

from fitsense.artifacts import ArtifactStore, dumps_line, manifest_name
from fitsense.cloud import Cloud
from fitsense.config import Profiles, RunConfig
from fitsense.errors import BadArtifact, Interrupted
from fitsense.manifest import Counters, InputRef, Manifest, OutputRef
from fitsense.settings import Settings, TaskSettings
from jobs.runner import Runner
from jobs.stage import part_file
from tests.factories import responses

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def land(store: ArtifactStore, run_id: str, rows: list[dict[str, Any]], parts: int) -> None:
    """A config, the teacher's files in so many parts, and the manifests that they rest on."""
    config = RunConfig(version=1, pipeline="coaching", seed=7, profiles=Profiles(users=100))
    text = yaml.safe_dump(config.model_dump(mode="json"))
    store.create(f"runs/{run_id}/config.yaml", text.encode())
    edges = [round(k * len(rows) / parts) for k in range(parts + 1)]
    outputs = []
    for part, (start, stop) in enumerate(itertools.pairwise(edges)):
        data = b"".join(dumps_line(row) for row in rows[start:stop])
        name = f"teacher_responses/{run_id}/{part_file(part, 'jsonl')}"
        outputs.append(store.create_same(name, data, "application/x-ndjson", rows=stop - start))
    queries = _land_manifest(store, run_id, "queries", "synthetic_queries", [], [])
    _land_manifest(store, run_id, "teacher", "teacher_responses", [queries], outputs)


def _land_manifest(
    store: ArtifactStore,
    run_id: str,
    stage: str,
    artifact: str,
    inputs: list[InputRef],
    outputs: list[OutputRef],
) -> InputRef:
    manifest = Manifest(
        run_id=run_id,
        pipeline="coaching",
        stage=stage,
        inputs=inputs,
        outputs=outputs,
        params={"of": stage},
        params_sha256=f"hash of {stage}",
        seed=7,
        code_version="test",
        attempt=0,
        started=NOW,
        finished=NOW,
        seconds=0,
        counters=Counters(rows_out=sum(output.rows for output in outputs)),
    )
    name = manifest_name(artifact, run_id)
    store.create_model(name, manifest)
    return InputRef(stage=stage, uri=store.uri(name), generation=1, crc32c="")


def run(run_id: str, *, stopped: bool = False) -> None:
    Runner(Cloud(Settings.from_env()), TaskSettings(run_id), "dataset", lambda: stopped).run()


def landed(store: ArtifactStore, run_id: str) -> Manifest:
    manifest = store.read_model(manifest_name("distillation_dataset", run_id), Manifest)
    assert manifest is not None
    return manifest


def test_the_cut_of_the_input_changes_no_byte(store: ArtifactStore) -> None:
    rows = responses(700, seed=5)
    for parts in (1, 7):
        land(store, f"in-{parts}", rows, parts)
        run(f"in-{parts}")
    one, seven = (landed(store, f"in-{parts}") for parts in (1, 7))
    made = [(output.name, output.sha256, output.rows) for output in one.outputs]
    assert made == [(output.name, output.sha256, output.rows) for output in seven.outputs]
    assert sorted(name for name, _, _ in made) == [
        "card.md",
        "index.parquet",
        "rejected.jsonl",
        "summary.json",
        "test.jsonl",
        "train.jsonl",
        "val.jsonl",
    ]


def test_counters_summary_and_card_tell_what_was_made(store: ArtifactStore) -> None:
    rows = responses(400, seed=5)
    land(store, "told", rows, 3)
    run("told")
    manifest, folder = landed(store, "told"), "distillation_dataset/told"
    counters = manifest.counters
    assert counters.rows_in == 400 == counters.rows_out + sum(counters.rejected.values())
    assert counters.rejected.keys() >= {"timeout", "bad_json"}
    kept = {split: manifest.output(f"{split}.jsonl").rows for split in ("train", "val", "test")}
    assert sum(kept.values()) == counters.rows_out == manifest.output("index.parquet").rows
    stored = store.read(f"{folder}/summary.json")
    assert stored is not None
    summary = orjson.loads(stored.data)
    assert {split: summary["splits"][split]["records"] for split in kept} == kept
    assert [stage["stage"] for stage in summary["recipe"]] == ["queries", "teacher"]
    card = store.read(f"{folder}/card.md")
    assert card is not None
    assert "told" not in stored.data.decode()
    assert f"| train | {kept['train']} |" in card.data.decode()


def test_an_attempt_after_a_half_done_one_finds_its_own_files(store: ArtifactStore) -> None:
    land(store, "again", responses(300, seed=5), 2)
    run("again")
    first = landed(store, "again")
    for name in ("manifest.json", "parts/00000.json", "index.parquet"):
        store.bucket.blob(f"distillation_dataset/again/{name}").delete()
    run("again")
    assert landed(store, "again").outputs == first.outputs


def test_a_wish_to_stop_leaves_nothing_that_looks_done(store: ArtifactStore) -> None:
    land(store, "stop", responses(300, seed=5), 1)
    with pytest.raises(Interrupted):
        run("stop", stopped=True)
    assert not list(store.names("distillation_dataset/stop/"))


def test_files_that_are_not_what_the_manifest_says_are_refused(store: ArtifactStore) -> None:
    land(store, "torn", responses(100, seed=5), 2)
    blob = store.bucket.blob("teacher_responses/torn/part-00001.jsonl")
    lines = blob.download_as_bytes().splitlines(keepends=True)
    blob.upload_from_string(b"".join(lines[:-1]))
    with pytest.raises(BadArtifact, match="not what its manifest says"):
        run("torn")
    blob.upload_from_string(b"".join(reversed(lines)))
    with pytest.raises(BadArtifact, match="not what its manifest says"):
        run("torn")


def test_a_lineage_with_a_hole_is_an_error(store: ArtifactStore) -> None:
    land(store, "hole", responses(300, seed=5), 1)
    store.bucket.blob("synthetic_queries/hole/manifest.json").delete()
    with pytest.raises(BadArtifact, match="which teacher was made from, is gone"):
        run("hole")
    assert not list(store.names("distillation_dataset/hole/"))
