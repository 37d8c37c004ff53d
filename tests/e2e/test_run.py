"""A YAML dropped in the bucket becomes a dataset with reports, whoever drops it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from google.api_core.exceptions import DeadlineExceeded

from fitsense.events import (
    Event,
    RunAdmitted,
    RunCompleted,
    RunFailed,
    StageLanded,
    StageProgressed,
    decode,
)
from fitsense.records import DatasetRecord
from tests.factory import GATED, SMALL, Factory

pytestmark = pytest.mark.xdist_group("e2e")
STAGES = ["profiles", "workouts", "queries", "teacher", "dataset"]
REPORTS = ["validation", "statistics", "anomalies", "bias", "quality_gate"]


@pytest.fixture(scope="session")
def baseline(factory: Factory) -> str:
    """A run that everything else is compared with."""
    run_id = factory.submit(SMALL, "baseline")
    assert factory.wait(run_id).state == "completed", factory.logs()
    return run_id


def test_a_config_uploaded_with_the_python_client_becomes_a_dataset(factory: Factory, baseline: str) -> None:
    records = [
        DatasetRecord.model_validate(record)
        for split in ("train", "val", "test")
        for record in factory.lines(baseline, f"dataset/{split}.jsonl")
    ]
    assert len(records) >= 200
    assert {record.metadata["type"] for record in records} == {
        "plan_creation",
        "plan_modification",
        "safety_adjustment",
        "progress_adaptation",
        "free_coaching",
    }


def test_rows_in_are_rows_out_and_rejected(factory: Factory, baseline: str) -> None:
    view = factory.reader().observe(baseline)
    assert view is not None
    for stage in ("teacher", "dataset"):
        manifest = view.stages[stage].manifest
        assert manifest is not None
        counters = manifest.counters
        assert counters.rows_in == counters.rows_out + sum(counters.rejected.values()), stage


def test_every_quality_stage_leaves_a_page_and_the_same_facts_as_json(
    factory: Factory, baseline: str
) -> None:
    outputs = factory.outputs(baseline)
    for stage in REPORTS:
        assert {f"{stage}/report.html", f"{stage}/report.json"} <= set(outputs)
        page = factory.store.read(factory.store.name(outputs[f"{stage}/report.html"].uri))
        assert page is not None
        assert b"<svg" in page.data or stage == "quality_gate"
        assert b"http://" not in page.data.replace(b"http://www.w3.org", b""), "the page must stand alone"


def test_a_manifest_names_what_it_was_made_from(factory: Factory, baseline: str) -> None:
    view = factory.reader().observe(baseline)
    assert view is not None
    for stage, seen in view.stages.items():
        if seen.manifest is None:
            continue
        assert {ref.stage for ref in seen.manifest.inputs} == set(view.graph.inputs[stage])
        for ref in seen.manifest.inputs:
            read = factory.store.read(factory.store.name(ref.uri))
            assert read is not None
            assert (read.generation, read.crc32c) == (ref.generation, ref.crc32c)


def test_nothing_of_a_finished_run_is_left_as_active(factory: Factory, baseline: str) -> None:
    factory.until(lambda: not factory.store.exists("active/baseline.json"))


@pytest.mark.gcloud
@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_a_config_copied_with_gcloud_starts_the_same_run(
    factory: Factory, baseline: str, tmp_path: Path
) -> None:
    config = tmp_path / "by-gcloud.yaml"
    config.write_text(SMALL)
    environment = os.environ | factory.local.gcloud_environment(factory.url)
    command = ["gcloud", "storage", "cp", str(config), "gs://fitsense-local/configs/"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    names = factory.until(
        lambda: [n for n in factory.store.names("runs/by-gcloud-") if n.endswith("config.yaml")]
    )
    run_id = names[0].split("/")[1]
    assert factory.wait(run_id).state == "completed"
    assert factory.checksums(run_id) == factory.checksums(baseline)


def test_submit_follow_says_in_its_exit_code_that_a_gate_was_crossed(
    factory: Factory, tmp_path: Path
) -> None:
    config = tmp_path / "gated.yaml"
    config.write_text(GATED)
    done = fitsense(factory, "submit", str(config), "--follow", "--json")
    assert done.returncode == 1, done.stderr
    summary = orjson.loads(done.stdout)
    assert summary["state"] == "failed"
    failed = summary["stages"]["quality_gate"]
    assert failed["error"] == "GateFailed"
    assert "validation.records: 240 >= 1" in failed["message"]
    assert summary["stages"]["validation"]["state"] == "landed", "the report that found it must be there"


def test_verify_makes_the_run_anew_and_finds_the_same_bytes(factory: Factory, baseline: str) -> None:
    done = fitsense(factory, "verify", baseline, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = orjson.loads(done.stdout)
    assert found["same"] == len(factory.checksums(baseline))
    assert found["different"] == []


def test_verify_finds_a_changed_artifact(factory: Factory) -> None:
    run_id = factory.submit(SMALL.replace("seed: 11", "seed: 12"), "tampered")
    assert factory.wait(run_id).state == "completed"
    name = f"reports/bias/{run_id}/manifest.json"
    stored = factory.store.read(name)
    assert stored is not None
    manifest = orjson.loads(stored.data)
    manifest["outputs"][0]["sha256"] = "0" * 64
    factory.store.replace(name, orjson.dumps(manifest), stored.generation)
    done = fitsense(factory, "verify", run_id, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert [d["stage"] for d in orjson.loads(done.stdout)["different"]] == ["bias"]


def test_rerun_from_a_stage_takes_the_earlier_ones_as_they_are(factory: Factory, baseline: str) -> None:
    done = fitsense(factory, "rerun", baseline, "--from", "dataset", "--follow", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    stages = orjson.loads(done.stdout)["stages"]
    assert [s for s in STAGES if stages[s]["adopted_from"]] == ["profiles", "workouts", "queries", "teacher"]
    assert factory.checksums(orjson.loads(done.stdout)["run_id"]) == factory.checksums(baseline)


def test_runs_and_runs_show_tell_what_there_is(factory: Factory, baseline: str) -> None:
    listed = fitsense(factory, "runs")
    assert baseline in listed.stdout
    shown = fitsense(factory, "runs", "show", baseline)
    assert "completed" in shown.stdout
    assert (
        max(len(line) for line in shown.stdout.splitlines() if "html" not in line and "/" not in line) <= 80
    )
    assert fitsense(factory, "runs", "show", "no-such-run").returncode == 65


def test_run_events_tell_the_story_once_each(factory: Factory) -> None:
    name = factory.cloud.subscription("story")
    request = {"name": name, "topic": factory.cloud.topic("runs")}
    factory.cloud.subscriber.create_subscription(request=request)
    good = factory.submit(SMALL.replace("seed: 11", "seed: 13"), "story-good")
    bad = factory.submit(GATED, "story-bad")
    factory.wait(good)
    factory.wait(bad)
    events: list[Event] = []

    def pull() -> int:
        request = {"subscription": name, "max_messages": 1000}
        with suppress(DeadlineExceeded):
            pulled = factory.cloud.subscriber.pull(request=request, timeout=3).received_messages
            if pulled:
                ids = [received.ack_id for received in pulled]
                factory.cloud.subscriber.acknowledge(subscription=name, ack_ids=ids)
            events.extend(decode(received.message.data) for received in pulled)
            return len(pulled)
        return 0

    factory.until(lambda: pull() >= 0 and {RunCompleted, RunFailed} <= {type(event) for event in events})
    factory.until(lambda: pull() == 0)
    told = Counter((event.type, event.key) for event in events if not isinstance(event, StageProgressed))
    assert set(told.values()) == {1}
    assert sum(isinstance(event, RunAdmitted) for event in events) == 2
    assert sum(isinstance(event, StageLanded) and event.run_id == good for event in events) == 10
    assert RunCompleted(run_id=good) in events
    assert [e.stage for e in events if isinstance(e, RunFailed)] == ["quality_gate"]
    factory.cloud.subscriber.delete_subscription(request={"subscription": name})


def fitsense(factory: Factory, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fitsense")), *arguments]
    environment = os.environ | factory.environment | {"COLUMNS": "80"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
