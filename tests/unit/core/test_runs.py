"""Run ids, states and what may start."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.admission import parse_config
from fitsense.manifest import Counters, Failure, Manifest
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunView, StageState, StageView, name_of, run_id_of

CONFIG = parse_config(b"version: 1\npipeline: coaching\nseed: 1\nprofiles: {users: 100}\n")
GRAPH = load_pipelines().graph("coaching")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def view(**states: StageState) -> RunView:
    stages = {s: StageView(s, states.get(s, "waiting")) for s in GRAPH.order}
    stages["training"] = StageView("training", "skipped")
    return RunView("r", CONFIG, GRAPH, stages)


@given(st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True), st.integers(0, 2**63 - 1))
def test_the_name_is_found_again_in_the_run_id(name: str, generation: int) -> None:
    run_id = run_id_of(name, generation)
    assert name_of(run_id) == name
    assert int(run_id.rsplit("-", 1)[1], 36) == generation


@given(st.lists(st.integers(10**15, 10**16), min_size=2, max_size=5, unique=True))
def test_later_uploads_of_one_name_sort_later(generations: list[int]) -> None:
    ids = [run_id_of("x", generation) for generation in sorted(generations)]
    assert all(len(a) < len(b) or a < b for a, b in pairwise(ids))


def test_only_the_fed_are_ready() -> None:
    assert view().ready == ["profiles"]
    assert view(profiles="landed").ready == ["workouts"]
    landed: dict[str, StageState] = dict.fromkeys(
        ("profiles", "workouts", "queries", "teacher", "dataset"), "landed"
    )
    assert view(**landed).ready == ["validation", "statistics", "anomalies", "bias"]
    assert view(**landed, bias="running").ready == ["validation", "statistics", "anomalies", "bias"]


def test_nothing_starts_after_a_failure() -> None:
    failed = view(profiles="landed", workouts="failed")
    assert failed.state == "failed"
    assert failed.ready == []


def test_a_run_is_complete_when_all_but_the_skipped_have_landed() -> None:
    states: dict[str, StageState] = dict.fromkeys(GRAPH.order, "landed")
    assert view(**states).state == "completed"
    assert view(**states | {"quality_gate": "running"}).state == "running"


def test_the_summary_says_what_failed_and_what_to_do() -> None:
    run = view(profiles="failed")
    run.stages["profiles"].failure = Failure(
        run_id="r", stage="profiles", error="BadArtifact", message="m", hint="do this", attempts=2, log="l"
    )
    assert run.summary()["stages"]["profiles"]["hint"] == "do this"


def test_manifests_find_their_files_by_name() -> None:
    manifest = Manifest(
        run_id="r",
        pipeline="coaching",
        stage="profiles",
        inputs=[],
        outputs=[],
        params={},
        params_sha256="",
        seed=1,
        code_version="v",
        attempt=0,
        started=NOW,
        finished=NOW,
        seconds=0,
        counters=Counters(),
    )
    with pytest.raises(KeyError):
        manifest.output("absent")


def test_counters_add_up_by_reason() -> None:
    total = Counters(rows_in=3, rejected={"a": 1}) + Counters(rows_in=2, rejected={"a": 1, "b": 4})
    assert total.rows_in == 5
    assert total.rejected == {"a": 2, "b": 4}
