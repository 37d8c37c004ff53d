"""The parts of serving that need no engine: routes, vLLM's arguments, the probe's judgement, the cache."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from safetensors.numpy import save_file

from fitsense.artifacts import ArtifactStore
from fitsense.errors import BadArtifact, Misconfigured, Unavailable
from fitsense.manifest import OutputRef
from fitsense.models import channels
from fitsense.models.channels import Channels, Wanted
from fitsense.models.manifest import model_name
from fitsense.models.serving import ALIAS
from fitsense.prompting import parse_answer
from student.bases import publish
from student.serving import options, probe
from student.serving.cache import ModelCache
from student.serving.follower import take_back
from student.serving.health import queue_of
from student.serving.options import EngineOptions
from student.serving.probe import ProbeFailed
from student.serving.routing import Routes, share_of
from student.serving.weights import check_adapter
from student.settings import AgentSettings
from tests import models
from tests.gpu.agents import ANSWER

PLACE = {"GOOGLE_CLOUD_PROJECT": "p", "FITSENSE_LOCATION": "l", "FITSENSE_BUCKET": "b"}


# routes


def test_the_alias_stands_for_the_champion() -> None:
    assert Routes("v1").resolve(ALIAS, "anybody") == "v1"
    assert Routes().resolve(ALIAS, "anybody") is None
    assert Routes("v1").resolve("v0", "anybody") == "v0"


@pytest.mark.parametrize("traffic", [1, 10, 50, 99])
def test_a_challenger_gets_its_share_of_the_users(traffic: int) -> None:
    routes = Routes("v1", "v2", traffic)
    users = [f"user-{number}" for number in range(10_000)]

    share = sum(routes.resolve(ALIAS, user) == "v2" for user in users) / len(users)

    assert share == pytest.approx(traffic / 100, abs=0.015)
    assert {routes.resolve(ALIAS, users[7]) for _ in range(5)} == {routes.resolve(ALIAS, users[7])}


def test_a_growing_share_keeps_whom_it_has_and_another_challenger_has_others() -> None:
    users = [f"user-{number}" for number in range(2_000)]
    small = {u for u in users if Routes("v1", "v2", 10).resolve(ALIAS, u) == "v2"}
    large = {u for u in users if Routes("v1", "v2", 30).resolve(ALIAS, u) == "v2"}
    other = {u for u in users if Routes("v1", "v3", 10).resolve(ALIAS, u) == "v3"}

    assert small < large
    assert len(small & other) < len(small) / 3
    assert min(share_of("v2", u) for u in users) >= 0
    assert max(share_of("v2", u) for u in users) < 100


def test_the_whole_or_none_of_the_traffic_is_exact() -> None:
    users = [f"user-{number}" for number in range(2_000)]

    assert {Routes("v1", "v2", 100).resolve(ALIAS, u) for u in users} == {"v2"}
    assert {Routes("v1", "v2", 0).resolve(ALIAS, u) for u in users} == {"v1"}
    assert Routes("v1", "v2", 0).wanted == ("v1",)
    assert Routes("v1", "v2", 5).wanted == ("v1", "v2")


# vLLM's arguments


def _adapter(folder: Path, rank: int) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_bytes(orjson.dumps({"r": rank}))
    return folder


def test_vllm_is_told_of_the_base_the_adapters_and_the_room_they_need(tmp_path: Path) -> None:
    adapters = {"a": _adapter(tmp_path / "a", 8), "b": _adapter(tmp_path / "b", 24)}

    given = options.arguments(Path("/base"), adapters, "base", EngineOptions(max_num_seqs=5, max_loras=1))

    told = dict(itertools.pairwise(given))
    assert told["--model"] == "/base"
    assert told["--max-num-seqs"] == "5"
    assert told["--max-lora-rank"] == "32"
    assert told["--max-loras"] == "2"
    assert f"b={adapters['b']}" in given


def test_on_a_cpu_it_forks_with_one_thread_and_on_a_gpu_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "on_cpu", lambda: True)
    cpu = options.arguments(Path("/base"), {}, "base", EngineOptions())
    env = options.environment({"HOME": "/h", "OMP_NUM_THREADS": "8"}, EngineOptions(memory_gib=2))
    monkeypatch.setattr(options, "on_cpu", lambda: False)
    gpu = options.arguments(Path("/base"), {}, "base", EngineOptions())

    assert "--enforce-eager" in cpu
    assert (env["HOME"], env["OMP_NUM_THREADS"], env["VLLM_CPU_KVCACHE_SPACE"]) == ("/h", "1", "2")
    assert "--enforce-eager" not in gpu
    assert float(gpu[gpu.index("--gpu-memory-utilization") + 1]) < 0.5  # two engines during a change of base


def test_ranks_are_rounded_up_to_those_that_vllm_has() -> None:
    assert [options.room_for([rank]) for rank in (1, 8, 9, 16, 100, 512)] == [8, 8, 16, 16, 128, 512]


# the probe


def _answer(text: str = ANSWER, finish: str = "stop") -> dict[str, Any]:
    return {"choices": [{"finish_reason": finish, "message": {"content": text}}]}


def test_the_probe_asks_for_a_plan_that_is_constrained_and_ends() -> None:
    asked = probe.question()
    schema = asked["response_format"]["json_schema"]["schema"]

    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert probe.QUERY["prompt"] in asked["messages"][1]["content"]
    assert schema["properties"]["message"]["maxLength"] > 100
    assert asked["temperature"] == 0
    assert parse_answer(ANSWER).plan is not None


def test_a_good_answer_passes_the_probe() -> None:
    probe.judge(200, _answer())


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, _answer(finish="length"), "does not end"),
        (200, _answer("{}"), "cannot be read"),
        (200, _answer(""), "is empty"),
        (404, {"error": "no such model"}, "404"),
    ],
)
def test_a_version_that_does_not_answer_as_it_must_fails_the_probe(
    status: int, body: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ProbeFailed, match=reason):
        probe.judge(status, body)


def test_an_engine_in_trouble_is_no_fault_of_the_version() -> None:
    with pytest.raises(Unavailable):
        probe.judge(500, {"error": "dead"})


# taking back


def _after(*wishes: Wanted) -> Channels:
    now = Channels()
    for number, wanted in enumerate(wishes):
        if wish := wanted(now):
            now = channels.apply(now, wish, str(number), models.NOW)
    return now


def test_a_bad_champion_goes_back_and_a_bad_challenger_loses_its_trial() -> None:
    two = (channels.promote("v1", "t", ""), channels.promote("v2", "t", ""))
    trial = channels.canary("v3", 20, "t", "")

    assert _after(*two, take_back("v2", "agent", "why")).champion == "v1"
    assert _after(*two, trial, take_back("v3", "agent", "why")).traffic == 0
    assert _after(*two, trial, take_back("v3", "agent", "why")).champion == "v2"


def test_what_another_agent_took_back_already_is_left_alone() -> None:
    two = (channels.promote("v1", "t", ""), channels.promote("v2", "t", ""))
    once = _after(*two, take_back("v2", "agent 1", "why"))

    assert take_back("v2", "agent 2", "why")(once) is None


# health and settings


def test_the_queue_is_read_from_vllms_metrics() -> None:
    text = (
        "# HELP vllm:num_requests_running Number\n"
        'vllm:num_requests_running{engine="0",model_name="base"} 3.0\n'
        'vllm:num_requests_waiting{engine="0",model_name="base"} 7.0\n'
        'vllm:num_requests_waiting_by_reason{engine="0"} 9.0\n'
    )

    assert queue_of(text) == {"running": 3, "waiting": 7}


def test_settings_come_from_the_environment_and_say_what_is_wrong() -> None:
    settings = AgentSettings.from_env(
        {**PLACE, "FITSENSE_MODEL_CACHE": "/c", "FITSENSE_SERVE_SEQUENCES": "5"}
    )

    assert (settings.cache, settings.sequences, settings.keep_versions) == (Path("/c"), 5, 2)
    with pytest.raises(Misconfigured, match="FITSENSE_DRAIN_S"):
        AgentSettings.from_env({**PLACE, "FITSENSE_DRAIN_S": "soon"})
    with pytest.raises(Misconfigured, match="FITSENSE_BUCKET"):
        AgentSettings.from_env({})


# the cache


def _land(
    store: ArtifactStore, tmp_path: Path, version: str = "v1", weights: Any = None, **changed: Any
) -> None:
    """A version of two small files on a base of one."""
    folder = tmp_path / "source"
    for name in ("base/config.json", "adapter/adapter_config.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    tensor = np.array([0.5, -2.0], np.float32) if weights is None else weights
    save_file({"lora_A": tensor}, folder / "adapter/adapter_model.safetensors")
    base = publish(store, "lab/small", "given", {}, folder / "base").base
    outputs = []
    for path in sorted((folder / "adapter").iterdir()):
        made = store.create_same(f"models/{version}/adapter/{path.name}", path, "", rows=0)
        outputs.append(OutputRef(**{**made.model_dump(), "name": f"adapter/{path.name}", **changed}))
    manifest = models.manifest(store, version, base=base, outputs=outputs)
    store.create_model(model_name(version), manifest)


def test_a_version_is_downloaded_once_with_its_base(store: ArtifactStore, tmp_path: Path) -> None:
    _land(store, tmp_path)
    cache = ModelCache(store, tmp_path / "cache")

    model = cache.fetch("v1")
    for blob in list(store.bucket.list_blobs(prefix="models/v1/adapter/")):
        blob.delete()
    again = cache.fetch("v1")

    assert model == again
    assert model.adapter
    assert (model.adapter / "adapter_config.json").read_text() == "adapter/adapter_config.json"
    assert (model.base / "config.json").read_text() == "base/config.json"


@pytest.mark.parametrize("changed", [{"sha256": "0" * 64}, {"uri": "gs://{bucket}/models/v1/nothing"}])
def test_a_torn_version_leaves_nothing_behind(
    store: ArtifactStore, tmp_path: Path, changed: dict[str, str]
) -> None:
    told = {name: value.format(bucket=store.bucket.name) for name, value in changed.items()}
    _land(store, tmp_path, **told)
    cache = ModelCache(store, tmp_path / "cache")

    with pytest.raises(BadArtifact):
        cache.fetch("v1")

    assert list((tmp_path / "cache/versions").iterdir()) == []
    with pytest.raises(BadArtifact, match="no manifest"):
        cache.fetch("v2")


def test_old_versions_are_deleted_but_none_that_was_fetched_a_moment_ago(
    store: ArtifactStore, tmp_path: Path
) -> None:
    for version in ("v1", "v2", "v3"):
        _land(store, tmp_path, version)
    cache = ModelCache(store, tmp_path / "cache", grace_s=60)
    for version in ("v1", "v2", "v3"):
        cache.fetch(version)
    for version in ("v1", "v2"):
        an_hour_ago = time.time() - 3600
        os.utime(tmp_path / "cache/versions" / version, (an_hour_ago, an_hour_ago))

    cache.prune({"v1"})

    assert {path.name for path in (tmp_path / "cache/versions").iterdir()} == {"v1", "v3"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -6e4])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_an_adapter_of_a_diverged_training_comes_near_no_engine(
    store: ArtifactStore, tmp_path: Path, number: float, kind: Any
) -> None:
    weights = np.zeros(1000, kind)
    weights[613] = number
    _land(store, tmp_path, weights=weights)

    with pytest.raises(BadArtifact, match="holds NaN"):
        ModelCache(store, tmp_path / "cache").fetch("v1")


def test_weights_in_bfloat16_are_read_as_well(tmp_path: Path) -> None:
    def write(bits: int) -> None:
        header = orjson.dumps({"lora_B": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}})
        size = len(header).to_bytes(8, "little")
        (tmp_path / "adapter_model.safetensors").write_bytes(size + header + bits.to_bytes(2, "little"))

    write(0x3F80)  # 1.0
    check_adapter(tmp_path)
    write(0x7FC0)  # NaN
    with pytest.raises(BadArtifact, match="NaN"):
        check_adapter(tmp_path)


def test_a_torn_file_of_weights_is_called_so(tmp_path: Path) -> None:
    save_file({"lora_A": np.zeros(100, np.float32)}, tmp_path / "adapter_model.safetensors")
    whole = (tmp_path / "adapter_model.safetensors").read_bytes()
    for size in (len(whole) - 1, 60, 4):
        (tmp_path / "adapter_model.safetensors").write_bytes(whole[:size])
        with pytest.raises(BadArtifact):
            check_adapter(tmp_path)
