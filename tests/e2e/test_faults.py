"""Whatever is killed, lost, doubled or late: the same artifacts, nothing lost, nothing paid twice.

``FITSENSE_TEST_KILLS`` sets how many processes are killed (default 10; `make test-faults` kills 50).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.factory import SMALL, Factory, running
from tests.scripted_endpoint import Script, ScriptedEndpoint

pytestmark = pytest.mark.xdist_group("faults")

KILLS = int(os.environ.get("FITSENSE_TEST_KILLS", "10"))
TASKS = "execution: {{tasks: {{profiles: {n}, workouts: {n}, queries: {n}, teacher: {n}}}}}\n"
SEVEN = SMALL + TASKS.format(n=7)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedEndpoint]:
    script = Script(seed=3, latency_s=0.05, jitter_s=0.03, rate_limited=0.02, errors=0.01, drops=0.01)
    with ScriptedEndpoint(tmp_path_factory.mktemp("endpoint"), script) as endpoint:
        yield endpoint


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
    run_id = factory.submit(SMALL + TASKS.format(n=1), "peace")
    assert factory.wait(run_id).state == "completed", factory.logs()
    return factory.checksums(run_id)


def paid(endpoint: ScriptedEndpoint, seed: int) -> str:
    """The same, with answers that cost money."""
    teacher = f"""\
teacher:
  kind: openai_compatible
  base_url: {endpoint.base_url}
  model: scripted
  max_in_flight: 16
  budget_usd: 100
  max_error_rate: 1
  usd_per_million_input_tokens: 1
  usd_per_million_output_tokens: 2
  cache: false
"""
    return SMALL.replace("seed: 11", f"seed: {seed}") + teacher + TASKS.format(n=2)


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "duplicate"},
        {"action": "reorder", "probability": 0.5, "seed": 5, "delay_ms": 300},
        {"action": "drop", "probability": 0.3, "seed": 6},
        {"action": "delay", "delay_ms": 200},
        {"action": "error", "status": 503, "probability": 0.5, "seed": 7},
    ],
    ids=lambda rule: str(rule["action"]),
)
def test_faults_of_delivery_and_seven_shards_change_no_byte(
    factory: Factory, expected: dict[str, str], rule: dict[str, object]
) -> None:
    factory.faults({"point": "pubsub.push", **rule})
    run_id = factory.submit(SEVEN, f"delivery-{rule['action']}")
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert factory.struck(), "the fault never struck: the test showed nothing"
    factory.faults()
    assert factory.checksums(run_id) == expected


def test_lost_answers_of_storage_and_run_change_no_byte(factory: Factory, expected: dict[str, str]) -> None:
    factory.faults(
        {"point": "storage.request", "action": "kill", "probability": 0.03, "seed": 8},
        {"point": "storage.request", "action": "error", "status": 503, "probability": 0.03, "seed": 9},
        {"point": "run.request", "action": "error", "status": 503, "probability": 0.3, "seed": 10},
    )
    run_id = factory.submit(SEVEN, "answers")
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert factory.struck()
    factory.faults()
    assert factory.checksums(run_id) == expected


def test_killed_tasks_are_retried_and_change_no_byte(factory: Factory, expected: dict[str, str]) -> None:
    factory.faults({"point": "run.task", "action": "kill", "probability": 0.3, "seed": 4, "delay_ms": 30})
    run_id = factory.submit(SEVEN, "tasks")
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert factory.struck()
    factory.faults()
    assert factory.checksums(run_id) == expected


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
    factory: Factory, endpoint: ScriptedEndpoint, expected: dict[str, str]
) -> None:
    rng = random.Random(20)
    killed: list[str] = []
    paid_runs: list[str] = []
    free_runs: list[str] = []
    number = 0
    while len(killed) < KILLS:
        number += 1
        free = number % 2 == 0
        text = SEVEN if free else paid(endpoint, seed=100 + number)
        run_id = factory.until(lambda text=text, number=number: _submit(factory, text, f"killed-{number}"))
        (free_runs if free else paid_runs).append(run_id)
        killed += _kill_during(factory, run_id, rng, KILLS - len(killed))
    for run_id in free_runs:
        assert factory.wait(run_id).state == "completed", factory.logs()
        assert factory.checksums(run_id) == expected, killed
    for run_id in paid_runs:
        factory.wait(run_id)
        assert _answers(factory, run_id) == 240, killed
    billed = [key["billed"] for key in endpoint.stats()["keys"].values()]
    assert len(billed) == 240 * len(paid_runs)
    assert set(billed) == {1}, "a request was billed twice, or never"
    assert len(set(killed)) >= 3, f"only {set(killed)} were killed"


def _submit(factory: Factory, text: str, name: str) -> str | None:
    """Submitting is a person's act: with the cloud down it fails at once, and the person tries again."""
    with suppress(OSError):
        return factory.submit(text, name)
    return None


def _kill_during(factory: Factory, run_id: str, rng: random.Random, most: int) -> list[str]:
    """Kill something every now and then until the run ends; what was killed."""
    killed: list[str] = []
    while len(killed) < most:
        time.sleep(rng.uniform(0.1, 1.5))
        view = factory.reader().observe(run_id)
        if view is not None and view.state != "running":
            break
        if victim := _victim(factory, rng):
            with suppress(psutil.NoSuchProcess):
                victim[1].kill()
                killed.append(victim[0])
    return killed


def _victim(factory: Factory, rng: random.Random) -> tuple[str, psutil.Process] | None:
    """The cloud, the conductor, its worker, the fork server, or a task: each kind as likely as another."""
    kinds: dict[str, list[psutil.Process]] = {}
    with suppress(psutil.NoSuchProcess):
        for name, process in factory.processes().items():
            kinds[name] = [process]
            children = process.children()
            kinds[f"child of {name}"] = children
            kinds[f"task of {name}"] = [task for child in children for task in child.children()]
    alive = sorted(kind for kind, processes in kinds.items() if processes)
    if not alive:
        return None
    kind = rng.choice(alive)
    return kind, rng.choice(kinds[kind])


def _answers(factory: Factory, run_id: str) -> int:
    view = factory.reader().observe(run_id)
    assert view is not None
    manifest = view.stages["teacher"].manifest
    assert manifest is not None, view.summary()
    return manifest.counters.rows_in


def test_a_restarted_cloud_goes_on_where_it_was(factory: Factory, expected: dict[str, str]) -> None:
    run_id = factory.submit(SEVEN, "restarted")
    factory.until(lambda: factory.store.exists(f"synthetic_profiles/{run_id}/manifest.json"))
    factory.local.down()
    assert not Path(factory.local.ready_file).exists()
    assert factory.local.up() == factory.url, "a restarted cloud keeps its address"
    assert factory.wait(run_id).state == "completed", factory.logs()
    assert factory.checksums(run_id) == expected
