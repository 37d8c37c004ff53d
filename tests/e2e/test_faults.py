"""Whatever is killed, lost, doubled or late: the same artifacts, nothing lost, nothing paid twice.

``FITSENSE_TEST_KILLS`` sets how many processes are killed (default 10; `make test-faults` kills 50).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fitsense.pipeline import load_pipelines
from fitsense.settings import Settings
from services.localcloud.provision import provision
from tests.e2e.killing import Killer, Payments
from tests.factory import SMALL, Factory, running
from tests.scripted_endpoint import Script, ScriptedEndpoint

pytestmark = pytest.mark.xdist_group("faults")

KILLS = int(os.environ.get("FITSENSE_TEST_KILLS", "10"))
SHARDED = ("profiles", "workouts", "queries", "teacher")
TASKS = "execution: {{tasks: {{profiles: {n}, workouts: {n}, queries: {n}, teacher: {n}}}}}\n"
LARGER = SMALL.replace("users: 48", "users: 112").replace("per_user: 5", "per_user: 3")
ONE, SEVEN = LARGER + TASKS.format(n=1), LARGER + TASKS.format(n=7)
"""Seven parts, made by one task after the other or by seven at once."""

PROMPTS = 240
MAX_IN_FLIGHT = 8
STORM = Script(seed=3, latency_s=0.4, jitter_s=0.1, rate_limited=0.02, errors=0.01, drops=0.01)


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """One of its own: what is killed here must not disturb other tests."""
    os.environ["TEACHER_API_KEY"] = "test-key"
    with running(tmp_path_factory.mktemp("faults") / "local") as factory:
        yield factory
    os.environ.pop("TEACHER_API_KEY", None)


@pytest.fixture(scope="module")
def expected(factory: Factory) -> dict[str, str]:
    """Checksums of a run in peace, with one task a stage."""
    run_id = factory.submit(ONE, "peace")
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert [factory.task_counts(run_id)[stage] for stage in SHARDED] == [[1]] * 4
    return factory.checksums(run_id)


@pytest.fixture(scope="module")
def expected_paid(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Checksums of what a paid teacher makes in peace, behind an endpoint without a fault."""
    with ScriptedEndpoint(tmp_path_factory.mktemp("calm")) as endpoint:
        run_id = factory.submit(paid(endpoint), "paid-peace")
        factory.wait(run_id)
        assert {key["delivered"] for key in endpoint.stats()["keys"].values()} == {1}
    return taught(factory, run_id)


def paid(endpoint: ScriptedEndpoint) -> str:
    """A small run whose answers cost money, with two tasks a stage."""
    teacher = f"""\
teacher:
  kind: openai_compatible
  base_url: {endpoint.base_url}
  model: scripted
  max_in_flight: {MAX_IN_FLIGHT}
  budget_usd: 100
  max_error_rate: 1
  usd_per_million_input_tokens: 1
  usd_per_million_output_tokens: 2
  cache: false
"""
    return SMALL + teacher + TASKS.format(n=2)


def taught(factory: Factory, run_id: str) -> dict[str, str]:
    """The checksums up to the teacher: the scripted answers are too plain for the quality gate."""
    checksums = factory.checksums(run_id)
    return {name: checksum for name, checksum in checksums.items() if name.split("/")[0] in SHARDED}


def check_run(factory: Factory, expected: dict[str, str], text: str, name: str) -> str:
    """Submit; the run completes, under every fault in force, with the expected bytes."""
    run_id = factory.submit(text, name)
    assert factory.wait(run_id).state == "completed", factory.logs()
    struck = factory.struck()
    assert all(struck), f"a fault never struck, the test showed nothing of it: {struck}"
    factory.faults()
    assert factory.checksums(run_id) == expected
    return run_id


FAULTS_OF_DELIVERY: dict[str, list[dict[str, Any]]] = {
    "doubled": [{"action": "duplicate"}],
    "late": [
        {"action": "reorder", "probability": 0.5, "seed": 5, "delay_ms": 300},
        {"action": "delay", "delay_ms": 200},
    ],
    "lost": [
        {"action": "drop", "probability": 0.3, "seed": 6},
        {"action": "error", "status": 503, "probability": 0.5, "seed": 7},
    ],
}


@pytest.mark.parametrize("kind", FAULTS_OF_DELIVERY)
def test_faults_of_delivery_and_seven_shards_change_no_byte(
    factory: Factory, expected: dict[str, str], kind: str
) -> None:
    factory.faults(*({"point": "pubsub.push", **rule} for rule in FAULTS_OF_DELIVERY[kind]))
    run_id = check_run(factory, expected, SEVEN, f"delivery-{kind}")
    assert [factory.task_counts(run_id)[stage] for stage in SHARDED] == [[7]] * 4, "each is started once"


def test_lost_answers_of_storage_change_no_byte(factory: Factory, expected: dict[str, str]) -> None:
    factory.faults(
        {"point": "storage.request", "action": "kill", "probability": 0.03, "seed": 8},
        {"point": "storage.request", "action": "error", "status": 503, "probability": 0.03, "seed": 9},
    )
    check_run(factory, expected, SEVEN, "answers")


def test_lost_answers_of_run_start_no_stage_twice(factory: Factory, expected: dict[str, str]) -> None:
    run = {"point": "run.request", "match": {"path": "*:run"}}
    factory.faults(
        run | {"action": "kill", "skip": 1, "times": 1},
        run | {"action": "error", "status": 503, "times": 1},
        run | {"action": "drop", "skip": 2, "times": 1},
    )
    run_id = check_run(factory, expected, SEVEN, "lost-run")
    started = factory.task_counts(run_id)
    assert started.pop("registration") == [], "nothing is trained, so there is nothing to register"
    assert started == {stage: [7 if stage in SHARDED else 1] for stage in started}


def test_killed_tasks_are_retried_and_change_no_byte(factory: Factory, expected: dict[str, str]) -> None:
    factory.faults({"point": "run.task", "action": "kill", "probability": 0.3, "seed": 4, "delay_ms": 30})
    check_run(factory, expected, SEVEN, "tasks")


def test_a_stage_that_always_dies_fails_the_run_with_its_reason(factory: Factory) -> None:
    factory.faults({"point": "run.task", "action": "kill", "match": {"job": "fitsense-queries"}})
    run_id = factory.submit(SMALL, "doomed")
    view = factory.wait(run_id)
    factory.faults()
    assert view.state == "failed"
    failure = view.stages["queries"].failure
    assert failure is not None
    assert failure.error == "AttemptsExhausted"
    assert failure.attempts == view.graph.spec("queries").attempts
    assert "signal" in failure.message
    assert "fitsense rerun" in failure.hint


def test_any_process_killed_at_any_time_changes_no_byte_and_pays_nothing_twice(
    factory: Factory, expected: dict[str, str], expected_paid: dict[str, str], tmp_path: Path
) -> None:
    killer = Killer(factory, Random(20), KILLS)
    while killer.left:
        number = len(killer.runs)
        if number % 2:
            run_id = killer.run(SEVEN, f"killed-{number}")
            assert factory.wait(run_id).state == "completed", factory.logs()
            assert factory.checksums(run_id) == expected, killer.killed
        else:
            with ScriptedEndpoint(tmp_path / f"storm-{number}", STORM) as endpoint:
                check_paid_run(killer, endpoint, f"killed-{number}", expected_paid)
    print(f"killed {len(killer.killed)} in {len(killer.runs)} runs: {Counter(killer.killed)}")
    assert len(set(killer.killed)) >= 3, f"only {set(killer.killed)} were killed"


def check_paid_run(
    killer: Killer, endpoint: ScriptedEndpoint, name: str, expected_paid: dict[str, str]
) -> None:
    """What was durable when something was killed is never asked again, and what is asked again is little."""
    factory = killer.factory
    payments = Payments(factory, endpoint, PROMPTS)
    run_id = killer.run(paid(endpoint), name, payments)
    factory.wait(run_id)
    assert taught(factory, run_id) == expected_paid, killer.killed
    payments.look(run_id)
    payments.check(MAX_IN_FLIGHT)


def test_a_restarted_cloud_goes_on_where_it_was(factory: Factory, expected: dict[str, str]) -> None:
    run_id = factory.submit(SEVEN, "restarted")
    factory.until(lambda: factory.store.exists(f"synthetic_profiles/{run_id}/manifest.json"))
    factory.local.down()
    assert not Path(factory.local.ready_file).exists()
    assert factory.local.up() == factory.url, "a restarted cloud keeps its address"
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert factory.checksums(run_id) == expected


def test_what_an_older_version_provisioned_is_mended(factory: Factory) -> None:
    bucket = factory.cloud.bucket
    obsolete = bucket.notification("artifacts", event_types=["OBJECT_FINALIZE"], blob_name_prefix="old/")
    obsolete.create()
    letters = factory.cloud.subscription("artifacts-dead-letters")
    policy = {"name": letters, "expiration_policy": {"ttl": {"seconds": 86_400}}}
    mask = {"paths": ["expiration_policy"]}
    factory.cloud.subscriber.update_subscription(request={"subscription": policy, "update_mask": mask})
    provision(factory.cloud, load_pipelines(), Settings.from_env().run_endpoint or "")
    prefixes = sorted(found.blob_name_prefix for found in bucket.list_notifications())
    assert len(prefixes) == len(set(prefixes)) == 9
    assert {"configs/", "reports/", "models/"} < set(prefixes)
    for name in ("artifacts-dead-letters", "training-dead-letters", "artifacts-conductor"):
        kept = factory.cloud.subscriber.get_subscription(subscription=factory.cloud.subscription(name))
        assert not kept.expiration_policy.ttl, f"{name} would be deleted after {kept.expiration_policy.ttl}"
