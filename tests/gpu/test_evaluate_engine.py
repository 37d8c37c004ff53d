"""The evaluation with real vLLM: a model that parrots one good answer, against one that babbles."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.models import channels
from fitsense.models.channels import Wish
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import ModelManifest, model_name
from fitsense.settings import TaskSettings
from student.bases import LocalBase, publish
from student.evaluate import evaluate
from student.evaluation import Candidate
from student.settings import TrainSettings
from tests.gpu import exam, parrot
from tests.gpu.agents import ANSWER
from tests.models import manifest as model_manifest


@pytest.fixture
def base(store: ArtifactStore, tmp_path: Path) -> LocalBase:
    folder = parrot.make_base(tmp_path / "base")
    return LocalBase(publish(store, "parrot", "given", {}, folder).base, folder)


def land_champion(store: ArtifactStore, base: LocalBase, adapter: Path) -> None:
    """A promoted version without an evaluation of its own: it has to be asked."""
    outputs = [
        store.create_same(f"models/old/adapter/{path.name}", path, "", rows=0).model_copy(
            update={"name": f"adapter/{path.name}"}
        )
        for path in sorted(adapter.iterdir())
    ]
    made = model_manifest(store, "old", run_id=exam.RUN, base=base.base).model_dump(mode="json")
    manifest = ModelManifest.model_validate({**made, "outputs": [one.model_dump() for one in outputs]})
    store.create_model(model_name("old"), manifest)
    wish = Wish(action="promoted", version="old", by="test", reason="")
    channels.change(store, lambda now: None if now.champion else wish)


def test_a_model_and_its_champion_are_measured_on_one_engine(
    cloud: Cloud, store: ArtifactStore, tmp_path: Path, base: LocalBase
) -> None:
    config = exam.land(store, records=12, slice_records=0, constrained=3, max_tokens=160)
    assert config.training
    parrot.make_adapter(base.folder, tmp_path / "new" / "adapter")
    land_champion(store, base, parrot.make_adapter(base.folder, tmp_path / "old", "endless"))
    settings = TrainSettings(cloud.settings, TaskSettings(exam.RUN), "new", config.training)

    evaluate(
        Candidate(
            settings, cloud, "models/new", base, tmp_path / "new", config, tmp_path / "scratch", lambda: False
        )
    )

    report = store.read_model("models/new/evaluation/report.json", EvaluationReport)
    assert report
    stored = store.read("models/new/evaluation/samples.jsonl")
    assert stored
    samples = [orjson.loads(line) for line in stored.data.splitlines()]
    assert report.metrics["schema_valid"].value == 1.0, samples[0]
    assert {one["reply"]["text"] for one in samples if one["mode"] == "free"} == {ANSWER}
    assert report.metrics["schema_valid_constrained"].value == 1.0
    assert 0 < report.latency.ttft_ms_p50 <= report.latency.total_ms_p95
    assert report.latency.tokens_per_s > 0
    against = report.comparison("old")
    assert against
    assert against.metrics["schema_valid"].value == 1.0
    assert report.safety.violations["missed_escalation"] > 10
