"""The five quality stages as the runner runs them, over a real bucket."""

from __future__ import annotations

import datetime as dt
import io
import pickle
from functools import cache

import orjson
import polars as pl
import pytest
import yaml

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.cloud import Cloud
from fitsense.config import RunConfig
from fitsense.errors import BadArtifact, GateFailed
from fitsense.manifest import Counters, Manifest, Report
from fitsense.settings import Settings, TaskSettings
from jobs.runner import Runner
from tests.unit.quality import samples
from tests.unit.quality.samples import Run, clean_run

REPORTS = ("validation", "statistics", "anomalies", "bias")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Files = dict[str, tuple[bytes, int]]
"""Name → bytes and rows."""


@cache
def _clean() -> bytes:
    return pickle.dumps(clean_run(1200))


@pytest.fixture
def data() -> Run:
    copy: Run = pickle.loads(_clean())
    return copy


def land(store: ArtifactStore, run_id: str, data: Run, **sections: dict[str, object]) -> None:
    """A config, and everything that the quality stages read."""
    config = RunConfig.model_validate(
        {
            "version": 1,
            "pipeline": "coaching",
            "seed": 7,
            "profiles": {"users": 60},
            "bias": {"counterfactuals": 0},
            **sections,
        }
    )
    store.create(f"runs/{run_id}/config.yaml", yaml.safe_dump(config.model_dump(mode="json")).encode())
    people = samples.profiles()
    logs = {"sets": samples.sets(people), "days": samples.days(people), "weeks": samples.weeks(people)}
    put = _Put(store, run_id, config)
    put("profiles", "synthetic_profiles", {"part-00000.parquet": _parquet(people)})
    put(
        "workouts",
        "synthetic_workouts",
        {f"part-00000.{name}.parquet": _parquet(f) for name, f in logs.items()},
    )
    put("queries", "synthetic_queries", _cut(data.queries()))
    put("teacher", "teacher_responses", _cut(data.teacher()))
    put("dataset", "distillation_dataset", _dataset(data))


class _Put:
    """Lands an artifact: its files, then its manifest."""

    def __init__(self, store: ArtifactStore, run_id: str, config: RunConfig) -> None:
        self.store, self.run_id, self.config = store, run_id, config

    def __call__(self, stage: str, artifact: str, files: Files) -> None:
        folder = f"{artifact}/{self.run_id}"
        outputs = [
            self.store.create_same(f"{folder}/{n}", d, "", rows=rows) for n, (d, rows) in files.items()
        ]
        manifest = Manifest(
            run_id=self.run_id,
            pipeline="coaching",
            stage=stage,
            inputs=[],
            outputs=outputs,
            params=self.config.params(stage).model_dump(mode="json"),
            params_sha256="",
            seed=7,
            code_version="test",
            attempt=0,
            started=NOW,
            finished=NOW,
            seconds=0,
            counters=Counters(),
        )
        self.store.create_model(manifest_name(artifact, self.run_id), manifest)


def _dataset(data: Run) -> Files:
    lines = {split: (b"".join(rows), len(rows)) for split, rows in data.lines().items()}
    summary = {"splits": {split: {"records": rows} for split, (_, rows) in lines.items()}}
    rejected = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in data.rejected)
    return {
        **{f"{split}.jsonl": found for split, found in lines.items()},
        "rejected.jsonl": (rejected, len(data.rejected)),
        "summary.json": (orjson.dumps(summary), 1),
        "index.parquet": _parquet(data.index()),
    }


def _cut(data: bytes) -> Files:
    """In two parts."""
    lines = data.splitlines(keepends=True)
    halves = (lines[: len(lines) // 2], lines[len(lines) // 2 :])
    return {f"part-{n:05d}.jsonl": (b"".join(half), len(half)) for n, half in enumerate(halves)}


def _parquet(frame: pl.DataFrame) -> tuple[bytes, int]:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue(), frame.height


def run(run_id: str, *stages: str) -> None:
    for stage in stages:
        Runner(Cloud(Settings.from_env()), TaskSettings(run_id), stage, lambda: False).run()


def read(store: ArtifactStore, run_id: str, stage: str) -> tuple[Report, str]:
    """report.json and report.html."""
    found = [store.read(f"reports/{stage}/{run_id}/report.{kind}") for kind in ("json", "html")]
    assert found[0] is not None
    assert found[1] is not None
    return Report.model_validate_json(found[0].data), found[1].data.decode()


def landed(store: ArtifactStore, run_id: str, stage: str) -> bool:
    return store.exists(manifest_name(f"reports/{stage}", run_id))


def test_clean_data_pass_the_gate(store: ArtifactStore, data: Run) -> None:
    land(store, "clean-1", data)
    run("clean-1", *REPORTS, "quality_gate")
    for stage in (*REPORTS, "quality_gate"):
        report, page = read(store, "clean-1", stage)
        assert report.passed, [c for c in report.checks if not c.passed]
        assert report.stage == stage
        assert "clean-1" not in page + report.model_dump_json()
        assert landed(store, "clean-1", stage)


def test_the_same_data_give_the_same_reports_in_another_run(store: ArtifactStore, data: Run) -> None:
    for run_id in ("one-1", "two-2"):
        land(store, run_id, data)
        run(run_id, *REPORTS, "quality_gate")
    for stage in (*REPORTS, "quality_gate"):
        assert read(store, "one-1", stage) == read(store, "two-2", stage)


def test_a_red_report_lands_and_the_gate_fails_naming_what_was_crossed(
    store: ArtifactStore, data: Run
) -> None:
    _one_user_in_two_splits(data)
    land(store, "red-1", data)
    run("red-1", *REPORTS)
    assert all(landed(store, "red-1", stage) for stage in REPORTS)
    with pytest.raises(GateFailed, match=r"validation\.user_overlap: 1 == 0 does not hold"):
        run("red-1", "quality_gate")
    assert not landed(store, "red-1", "quality_gate")
    report, page = read(store, "red-1", "quality_gate")
    assert not report.passed
    assert "validation.user_overlap" in page


def test_the_gate_fails_alike_when_it_is_tried_again(store: ArtifactStore, data: Run) -> None:
    _one_user_in_two_splits(data)
    land(store, "again-1", data)
    run("again-1", *REPORTS)
    for _ in range(2):
        with pytest.raises(GateFailed, match="user_overlap"):
            run("again-1", "quality_gate")


def test_a_waived_check_lets_the_run_go_on(store: ArtifactStore, data: Run) -> None:
    _one_user_in_two_splits(data)
    land(store, "waived-1", data, quality_gate={"waive": ["validation.user_overlap"]})
    run("waived-1", *REPORTS, "quality_gate")
    report, page = read(store, "waived-1", "quality_gate")
    assert report.facts["waived"] == ["validation.user_overlap: 1 == 0 does not hold"]
    assert "waived: user_overlap" in page


def _one_user_in_two_splits(data: Run) -> None:
    data.records["test"][0]["metadata"]["user_id"] = data.records["train"][0]["metadata"]["user_id"]


def _only_men(data: Run) -> None:
    men = [a for a in data.answers if a["query"]["context"]["sex"] == "M"]
    kept = {a["query"]["query_id"] for a in men}
    data.answers[:] = men
    for split, rows in data.records.items():
        data.records[split] = [r for r in rows if r["id"] in kept]


def test_drift_is_judged_against_the_reference_run(store: ArtifactStore, data: Run) -> None:
    land(store, "base-1", data)
    land(store, "same-1", data, statistics={"reference_run": "base-1"})
    run("same-1", "statistics")
    assert read(store, "same-1", "statistics")[0].passed
    _only_men(data)
    land(store, "moved-1", data, statistics={"reference_run": "base-1"})
    run("moved-1", "statistics")
    report, _ = read(store, "moved-1", "statistics")
    assert {c.name for c in report.checks if not c.passed} == {"drift"}


def test_a_reference_run_without_a_dataset_is_an_error(store: ArtifactStore, data: Run) -> None:
    land(store, "lost-1", data, statistics={"reference_run": "nobody-1"})
    with pytest.raises(BadArtifact, match=r"reference_run: nobody-1 has no dataset"):
        run("lost-1", "statistics")


def test_lines_that_the_manifest_does_not_count_are_seen(store: ArtifactStore, data: Run) -> None:
    land(store, "torn-1", data)
    name = "distillation_dataset/torn-1/val.jsonl"
    stored = store.read(name)
    assert stored is not None
    store.replace(name, b"".join(stored.data.splitlines(keepends=True)[:-3]), stored.generation)
    run("torn-1", "validation")
    report, _ = read(store, "torn-1", "validation")
    assert {"row_counts", "index"} <= {c.name for c in report.checks if not c.passed}
