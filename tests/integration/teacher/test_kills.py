"""kill -9 and SIGTERM at random moments of a task, which runs as Cloud Run runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fitsense.errors import EXIT_RETRYABLE
from tests.integration.teacher.stage import Stage, answerable, teacher
from tests.scripted_endpoint import Script, ScriptedEndpoint

ROWS = 240
MAX_IN_FLIGHT = 8
SCRIPT = Script(latency_s=0.12, jitter_s=0.08, rate_limited=0.02, errors=0.01, drops=0.01)


def unhurried(endpoint: ScriptedEndpoint) -> dict[str, Any]:
    """The teacher's config: few calls at a time, each paid."""
    return teacher(endpoint.base_url, max_in_flight=MAX_IN_FLIGHT, cache=False)


def durable(stage: Stage) -> set[str]:
    """Hashes of the requests whose answers are in the bucket."""
    return {row["sha256"] for row in stage.trace("run") if row["kind"] == "call"}


def wait_until(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> bool:
    """True once ``reached``; False when the process ended before."""
    while process.poll() is None:
        if reached():
            return True
        time.sleep(0.005)
    return False


def expected(stage: Stage, folder: Path) -> bytes:
    """What an undisturbed run makes of the same queries."""
    with ScriptedEndpoint(folder, Script()) as endpoint:
        stage.land("calm", answerable(ROWS), teacher(endpoint.base_url), parts=2)
        stage.run("calm")
    return stage.output("calm")


def killed_runs(stage: Stage, endpoint: ScriptedEndpoint, rng: Random, kills: int, rows: int = ROWS) -> int:
    """Start the task ``kills`` times and kill it each time, once some further answers came; how many
    requests were asked and not durable at the kills, in all: those, and no others, may be asked again."""
    at_risk = 0
    for _ in range(kills):
        before = durable(stage)
        # Counted at the endpoint: a kill just after a commit would find hardly an answer at risk.
        enough = delivered(endpoint) + rng.randrange(1, rows // kills)
        asked = requests_by_key(endpoint)
        process = stage.start("run")
        alive = wait_until(process, lambda: delivered(endpoint) >= enough)  # noqa: B023
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        now_asked = requests_by_key(endpoint)
        assert not {key for key, n in now_asked.items() if n > asked.get(key, 0)} & before
        if not alive:
            break
        at_risk += len(now_asked.keys() - durable(stage))
    return at_risk


def delivered(endpoint: ScriptedEndpoint) -> int:
    """How many requests were answered."""
    return sum(one["delivered"] > 0 for one in endpoint.stats()["keys"].values())


def requests_by_key(endpoint: ScriptedEndpoint) -> dict[str, int]:
    return {key: one["requests"] for key, one in endpoint.stats()["keys"].items()}


def check_finished(stage: Stage, stats: dict[str, Any], wanted: bytes, at_risk: int) -> None:
    assert stage.output("run") == wanted
    assert all(key["billed"] == 1 for key in stats["keys"].values()), "the idempotency key went along"
    assert sum(key["delivered"] - 1 for key in stats["keys"].values()) <= at_risk
    assert stats["billed"] == ROWS
    spent = (stats["tokens_in"] + 4 * stats["tokens_out"]) / 1e6
    assert stage.manifest("run").counters.cost_usd == pytest.approx(spent, abs=1e-9)


@pytest.mark.parametrize("seed", [1])
def test_a_killed_task_goes_on_where_its_answers_end_and_pays_nothing_twice(
    stage: Stage, tmp_path: Path, seed: int
) -> None:
    kill_and_resume(stage, tmp_path, seed, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 15))
def test_many_kills(stage: Stage, tmp_path: Path, seed: int) -> None:
    kill_and_resume(stage, tmp_path, seed, kills=6)


def kill_and_resume(stage: Stage, folder: Path, seed: int, kills: int) -> None:
    wanted = expected(stage, folder / "calm")
    with ScriptedEndpoint(folder / "storm", SCRIPT) as endpoint:
        stage.land("run", answerable(ROWS), unhurried(endpoint), parts=2)
        at_risk = killed_runs(stage, endpoint, Random(seed), kills)
        known = durable(stage)
        asked = requests_by_key(endpoint)
        stage.run("run")
        stats = endpoint.stats()
    assert known, "no answer was kept at any kill"
    # In flight, or answered while the last checkpoint was being written: never a part's answers.
    assert 0 < at_risk <= kills * 5 * MAX_IN_FLIGHT < kills * ROWS / 2
    assert all(stats["keys"][key]["requests"] == asked[key] for key in known)
    check_finished(stage, stats, wanted, at_risk)


def test_sigterm_stops_sending_keeps_what_arrives_and_asks_to_be_run_again(
    stage: Stage, tmp_path: Path
) -> None:
    wanted = expected(stage, tmp_path / "calm")
    with ScriptedEndpoint(tmp_path / "storm", SCRIPT) as endpoint:
        stage.land("run", answerable(ROWS), unhurried(endpoint), parts=2)
        process = stage.start("run")
        assert wait_until(process, lambda: len(durable(stage)) >= 20)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == EXIT_RETRYABLE
        stats = endpoint.stats()
        answered = {key for key, one in stats["keys"].items() if one["statuses"][-1:] == [200]}
        assert durable(stage) == answered
        assert stage.trace("run")[-1]["kind"] == "closed"
        assert len(answered) < ROWS
        stage.run("run")
        check_finished(stage, endpoint.stats(), wanted, at_risk=0)


def test_what_a_killed_attempt_paid_for_is_in_the_cache_when_the_part_is_done(
    stage: Stage, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tmp_path, SCRIPT) as endpoint:
        stage.land("run", answerable(60), teacher(endpoint.base_url, max_in_flight=MAX_IN_FLIGHT))
        killed_runs(stage, endpoint, Random(3), kills=1, rows=40)
        stage.run("run")
        asked = endpoint.stats()["requests"]
        stage.land("again", answerable(60), teacher(endpoint.base_url))
        stage.run("again")
        assert endpoint.stats()["requests"] == asked
    assert stage.output("again") == stage.output("run")
