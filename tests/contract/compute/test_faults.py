"""Faults on request: calls and tasks that fail, wait or die by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.compute.conftest import FORKED, HANG_FIRST, PARENT, Clients, completed
from tests.contract.compute.test_batch import container, finished, submit


@pytest.fixture(autouse=True)
def _no_faults_left(gcp: Clients) -> Iterator[None]:
    yield
    gcp.cloud.faults()


def run_rule(**rule: Any) -> dict[str, Any]:
    return {"point": "run.request", "match": {"method": "POST", "path": "*:run"}, "times": 1} | rule


def test_a_call_fails_with_the_status_asked_for_and_has_no_effect(gcp: Clients) -> None:
    gcp.create("call-fails", FORKED, ["exit", "0"])
    gcp.cloud.faults(run_rule(action="error", status=503))
    with pytest.raises(exceptions.ServiceUnavailable, match="fault injected"):
        gcp.run("call-fails")
    assert not list(gcp.executions.list_executions(parent=f"{PARENT}/jobs/call-fails"))
    assert gcp.finished(gcp.run("call-fails")).succeeded_count == 1


@pytest.mark.parametrize(("action", "executions"), [("drop", 0), ("kill", 1), ("duplicate", 2), ("delay", 1)])
def test_a_lost_answer_a_lost_call_and_a_repeated_one(gcp: Clients, action: str, executions: int) -> None:
    gcp.create(f"call-{action}", FORKED, ["exit", "0"])
    gcp.cloud.faults(run_rule(action=action, delay_ms=10))
    try:
        gcp.run(f"call-{action}")
    except (exceptions.RetryError, ConnectionError, OSError):
        assert action in ("drop", "kill")
    listed = list(gcp.executions.list_executions(parent=f"{PARENT}/jobs/call-{action}"))
    assert len(listed) == executions


@pytest.mark.parametrize("image", ["python", FORKED])
def test_a_killed_attempt_is_retried(gcp: Clients, image: str) -> None:
    job = "killed-forked" if image == FORKED else "killed-plain"
    gcp.create(job, image, HANG_FIRST[image], max_retries=1)
    match = {"job": job, "attempt": "0"}
    gcp.cloud.faults({"point": "run.task", "match": match, "action": "kill", "delay_ms": 20})
    name = gcp.run(job)
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.retried_count) == (1, 1)
    assert "signal 9 (SIGKILL)" in gcp.log(name)


def test_a_failed_start_never_runs_the_task(gcp: Clients) -> None:
    gcp.create("unstarted", FORKED, ["say", "ran"], tasks=2, max_retries=0)
    gcp.cloud.faults({"point": "run.task", "match": {"task": "1"}, "action": "error", "status": 500})
    name = gcp.run("unstarted")
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.failed_count) == (1, 1)
    assert "fault injected" in completed(execution).message
    assert "ran" not in gcp.log(name, task=1)


def test_batch_has_the_same_faults(gcp: Clients) -> None:
    gcp.cloud.faults(
        {"point": "batch.request", "match": {"method": "POST"}, "action": "error", "status": 500, "times": 1},
        {
            "point": "batch.task",
            "match": {"job": "preempted", "attempt": "0"},
            "action": "kill",
            "delay_ms": 20,
        },
    )
    with pytest.raises(exceptions.InternalServerError):
        submit(gcp, "preempted", [container(["true"])])
    hang_first = "test $BATCH_TASK_RETRY_ATTEMPT = 1 || sleep 300"
    done = finished(gcp, submit(gcp, "preempted", [container([hang_first])], retries=1))
    assert done.status.state.name == "SUCCEEDED"
    events = gcp.batch.get_task(name=f"{done.name}/taskGroups/group0/tasks/0").status.status_events
    assert events[-1].task_execution.exit_code == 0
