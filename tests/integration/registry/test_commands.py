"""``fitsense models``: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.cli import app
from fitsense.manifest import Counters, InputRef, Manifest
from fitsense.models import channels
from fitsense.models.manifest import model_name
from tests.models import NOW, OTHER_TEST, land, paired, registered, report

LINKS = {"dataset": "distillation_dataset", "teacher": "teacher_responses", "queries": "synthetic_queries"}
SLICES = {"language=hi": 0.7, "sex=F": 0.82}


@pytest.fixture(autouse=True)
def _bucket(store: ArtifactStore) -> None:
    """The environment names the test's own bucket."""


def models(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def good(*arguments: str) -> str:
    found = models(*arguments)
    assert found.exit_code == 0, found.output
    return found.output


def as_json(*arguments: str) -> Any:
    return orjson.loads(good(*arguments, "--json"))


def lineage(store: ArtifactStore) -> list[InputRef]:
    """A dataset made from answers made from queries; a reference to the first."""
    inputs: list[InputRef] = []
    for stage, artifact in reversed(LINKS.items()):
        params = {"kind": "rules"} if stage == "teacher" else {}
        made = Manifest(
            run_id="run-1",
            pipeline="coaching",
            stage=stage,
            inputs=inputs,
            outputs=[],
            params=params,
            params_sha256="",
            seed=11,
            code_version="0123456789ab",
            attempt=0,
            started=NOW,
            finished=NOW,
            seconds=1,
            counters=Counters(rows_out=2310),
        )
        name = manifest_name(artifact, "run-1")
        store.create_model(name, made)
        stored = store.read(name)
        assert stored is not None
        inputs = [
            InputRef(stage=stage, uri=store.uri(name), generation=stored.generation, crc32c=stored.crc32c)
        ]
    return inputs


@pytest.fixture
def shelf(store: ArtifactStore) -> ArtifactStore:
    """A champion, a challenger, a rejected, an unsafe, an unevaluated one, one in training."""
    land(store, report("m-1", 0.81, slices=SLICES), inputs=lineage(store))
    registered(store, "m-1", "champion", "verified 0.810 [0.769, 0.845] should be at least 0.6: it is")
    land(store, report("m-2", 0.9, slices=SLICES | {"language=hi": 0.3}))
    registered(store, "m-2", "challenger", "verified better than m-1: not shown")
    land(store, report("m-3", 0.4))
    registered(store, "m-3", "rejected", "verified 0.400 should be at least 0.6: it is not")
    land(store, report("m-4", 0.99, unsafe=2))
    registered(store, "m-4", "rejected", "unsafe in 2 of 40 safety prompts", safety=True)
    land(store, None, "m-5")
    store.create("models/m-6/config.yaml", b"x")
    channels.change(store, channels.promote("m-1", "registration m-1", "first"))
    return store


def test_no_models_yet() -> None:
    assert "no models yet" in good("list")
    assert as_json("list") == []


def test_the_list_marks_channels_and_shows_headlines(shelf: ArtifactStore) -> None:
    told = good("list")
    assert max(map(len, told.splitlines())) <= 80
    assert re.search(r"m-1 +champion\n +champion +schema 0\.99 \[", told)
    assert "verified 0.81 [0.77, 0.85]" in told
    assert "unsafe 2/40" in told
    assert re.search(r"m-5\s+trained +not evaluated\nm-6\n  training", told)
    rows = {row["version"]: row for row in as_json("list")}
    assert rows["m-1"]["channel"] == "champion"
    assert (rows["m-3"]["decision"], rows["m-6"]["state"], rows["m-5"]["metrics"]) == (
        "rejected",
        "training",
        {},
    )


def test_show_prints_the_lineage_in_80_columns(shelf: ArtifactStore) -> None:
    told = good("show", "m-1")
    assert max(map(len, told.splitlines())) <= 80
    for words in (
        "← dataset of run-1: 2,310 rows",
        "← teacher of run-1: 2,310 rows, rules",
        "← queries of run-1",
        "git commit  0123456789ab",
        "config      runs/run-1/config.yaml, seed 11",
        "fitsense-tiny, sha256 abababababababab",
        "adapter/adapter_model.safetensors, 1,096 bytes, sha256",
        "evaluation  evaluation/report.json",
        "promoted by registration m-1",
        "it is",
    ):
        assert words in told
    found = as_json("show", "m-1")
    assert [made["stage"] for made in found["lineage"]] == ["dataset", "teacher", "queries"]
    assert found["manifest"]["outputs"][0]["sha256"]
    assert found["history"][0]["action"] == "promoted"


def test_show_of_what_is_not_there_says_so() -> None:
    found = models("show", "nobody")
    assert (found.exit_code, "there is no model nobody" in found.output) == (65, True)


def test_compare_puts_slices_and_intervals_side_by_side(shelf: ArtifactStore) -> None:
    told = good("compare", "m-1", "m-2")
    assert max(map(len, told.splitlines())) <= 80
    assert re.search(r"verified +0\.81 \[0\.77, 0\.85\] +0\.90 \[.*\] +\+0\.09 \[\+0\.04, \+0\.14\] *▲", told)
    assert re.search(r"language=hi\n verified +0\.70 .*0\.30 .*-0\.40 .*▼", told)
    rows = {(row["where"], row["metric"]): row for row in as_json("compare", "m-1", "m-2")["rows"]}
    assert rows["all records", "verified"]["verdict"] == "better"
    assert rows["sex=F", "verified"]["verdict"] == "unclear"


def test_compare_prefers_what_was_paired_and_warns_of_other_records(store: ArtifactStore) -> None:
    land(store, report("a", 0.8))
    land(store, report("b", 0.8, test=OTHER_TEST))
    land(store, report("c", 0.8, test=OTHER_TEST, comparisons=[paired("a", (0.02, 0.01, 0.03))]))
    assert "different records" in good("compare", "a", "b")
    assert "+0.02 [+0.01, +0.03]" in good("compare", "a", "c")
    assert "-0.02 [-0.03, -0.01]" in good("compare", "c", "a"), "turned"
    assert "different records" not in good("compare", "a", "c")


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("m-3", "should be at least 0.6: it is not"),
        ("m-4", "unsafe in 2 of 40 safety prompts"),
        ("m-5", "not evaluated"),
        ("m-6", "not trained yet"),
        ("m-9", "there is no model m-9"),
    ],
)
@pytest.mark.parametrize("command", ["promote", "canary"])
def test_what_should_not_serve_is_refused_with_the_reason(
    shelf: ArtifactStore, command: str, version: str, says: str
) -> None:
    found = models(command, version)
    assert found.exit_code == 65
    assert says in found.output
    assert len(channels.read(shelf).history) == 1


def test_force_needs_a_reason_and_is_on_the_record(shelf: ArtifactStore) -> None:
    assert models("promote", "m-3", "--force").exit_code == 2
    assert models("promote", "m-3", "--force", "--reason", " ").exit_code == 2
    assert len(channels.read(shelf).history) == 1
    good("promote", "m-3", "--force", "--reason", "a demo")
    last = channels.read(shelf).history[-1]
    assert (last.version, last.forced, last.reason) == ("m-3", True, "a demo")
    assert last.by
    assert "promoted by" in good("show", "m-3")
    assert "forced: a demo" in good("show", "m-3")


def test_even_force_cannot_serve_what_was_never_trained(shelf: ArtifactStore) -> None:
    found = models("promote", "m-6", "--force", "--reason", "now")
    assert (found.exit_code, "not trained yet" in found.output) == (65, True)


def test_canary_promote_and_roll_back(shelf: ArtifactStore) -> None:
    told = good("canary", "m-2", "--traffic", "10")
    assert "challenger  m-2 with 10 % of the traffic" in told
    assert as_json("list")[1]["channel"] == "challenger 10 %"
    assert "nothing to change" in good("canary", "m-2", "--traffic", "10")
    assert as_json("promote", "m-2")["champion"] == "m-2"
    assert "nothing to change" in good("promote", "m-2")
    assert "champion    m-1  (was m-2)" in good("rollback", "--reason", "slow")
    assert channels.read(shelf).history[-1].reason == "slow"
    found = models("rollback")
    assert (found.exit_code, "no earlier champion" in found.output) == (65, True)


def test_a_canary_can_always_be_ended(shelf: ArtifactStore) -> None:
    good("canary", "m-3", "--force", "--reason", "try")
    good("canary", "m-3", "--traffic", "0")
    assert channels.read(shelf).traffic == 0
    assert models("canary", "m-3", "--traffic", "101").exit_code == 2


def test_an_error_is_one_line_of_json_for_programs(shelf: ArtifactStore) -> None:
    found = models("promote", "m-4", "--json")
    told = orjson.loads(found.output.strip().splitlines()[-1])
    assert (told["error"], found.exit_code) == ("NotAdmissible", 65)
    assert "--force" in told["hint"]


def test_a_roll_back_to_a_model_that_is_gone_is_refused(shelf: ArtifactStore) -> None:
    good("promote", "m-2")
    stored = shelf.read(model_name("m-1"))
    assert stored is not None
    shelf.delete(model_name("m-1"), stored.generation)
    found = models("rollback")
    assert (found.exit_code, "the earlier champion m-1 is gone" in found.output) == (65, True)
