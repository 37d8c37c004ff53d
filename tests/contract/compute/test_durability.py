"""kill -9 of the local cloud at any moment: what was answered is still true, and nothing runs on."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import pytest
from google.api_core import exceptions

from tests.cloud import CloudProcess
from tests.contract.compute.conftest import FORKED, HANG_FIRST, PARENT, Clients, completed, until
from tests.contract.compute.test_batch import container, finished, submit
from tests.contract.compute.test_tasks import alive


def interrupted(cloud: CloudProcess) -> list[int]:
    """Kill -9 the cloud, wait until its whole process tree is gone, start it again; the pids that died."""
    below = [child.pid for child in psutil.Process(cloud.pid).children(recursive=True)]
    cloud.kill()
    until(lambda: not any(alive(pid) for pid in below), "every child of a killed cloud dies")
    cloud.start()
    return below


@pytest.mark.parametrize("image", ["python", "shell", FORKED])
def test_a_running_attempt_counts_as_failed_and_is_retried(own_cloud: CloudProcess, image: str) -> None:
    gcp = Clients(own_cloud)
    gcp.create("interrupted", image, HANG_FIRST[image], max_retries=1)
    name = gcp.run("interrupted")
    started = "main" if image == FORKED else "on"
    until(lambda: started in gcp.log(name), "the first attempt runs")
    assert len(interrupted(own_cloud)) >= 3
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.retried_count) == (1, 1)
    assert started in gcp.log(name, attempt=1)


def test_without_retries_left_the_execution_fails_and_says_why(own_cloud: CloudProcess) -> None:
    gcp = Clients(own_cloud)
    gcp.create("one-try", "python", ["import time; print('on', flush=True); time.sleep(300)"], max_retries=0)
    name = gcp.run("one-try")
    until(lambda: "on" in gcp.log(name), "the attempt runs")
    interrupted(own_cloud)
    condition = completed(gcp.finished(name))
    assert condition.message.endswith("the local cloud stopped while the attempt was running.")


def test_queued_tasks_start_and_finished_ones_stay_finished(own_cloud: CloudProcess, tmp_path: Path) -> None:
    gcp = Clients(own_cloud)
    gate, trace = tmp_path / "gate", tmp_path / "trace"
    script = (
        "import os, time; index = os.environ['CLOUD_RUN_TASK_INDEX'];"
        f"open({str(trace)!r}, 'a').write(index)\n"
        f"while index == '1' and not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    )
    gcp.create("queue", "python", [script], tasks=4, parallelism=1)
    name = gcp.run("queue")
    until(lambda: trace.exists() and trace.read_text() == "01", "the second of four tasks runs")
    interrupted(own_cloud)
    gate.touch()
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.retried_count) == (4, 1)
    assert sorted(trace.read_text()) == ["0", "1", "1", "2", "3"]


def test_everything_answered_is_still_there(own_cloud: CloudProcess) -> None:
    gcp = Clients(own_cloud)
    gcp.create("kept", FORKED, ["exit", "0"])
    operation = gcp.jobs.run_job(name=f"{PARENT}/jobs/kept")
    before = gcp.finished(operation.metadata.name)
    batch = submit(gcp, "kept-batch", [container(["true"])])
    until(lambda: gcp.batch.get_job(name=batch.name).status.state.name == "SUCCEEDED", "the Batch job ends")
    interrupted(own_cloud)
    assert gcp.executions.get_execution(name=before.name) == before
    assert operation.result(timeout=10) == before
    assert [job.name for job in gcp.jobs.list_jobs(parent=PARENT)] == [f"{PARENT}/jobs/kept"]
    assert [job.name for job in gcp.batch.list_jobs(parent=PARENT)] == [batch.name]


@pytest.mark.parametrize("api", ["run", "batch"])
def test_a_cancellation_survives(own_cloud: CloudProcess, api: str) -> None:
    """The request was answered, the task had not ended yet: it is not started again."""
    gcp = Clients(own_cloud)
    deaf = "trap '' TERM; echo on; sleep 300 & wait; wait"
    if api == "run":
        gcp.create("stopped", "shell", [deaf], max_retries=5)
        name = gcp.run("stopped")
        until(lambda: "on" in gcp.log(name), "the task runs")
        gcp.executions.cancel_execution(name=name)
        interrupted(own_cloud)
        assert completed(gcp.finished(name)).execution_reason.name == "CANCELLED"
        return
    job = submit(gcp, "stopped", [container([deaf])], retries=5)
    until(lambda: gcp.batch.get_job(name=job.name).status.state.name == "RUNNING", "the task runs")
    gcp.batch.delete_job(name=job.name)
    interrupted(own_cloud)

    def deleted() -> bool:
        try:
            return gcp.batch.get_job(name=job.name) is None
        except exceptions.NotFound:
            return True

    until(deleted, "the deletion is completed")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_stuck_whatever_is_killed(own_cloud: CloudProcess, seed: int) -> None:
    """Random kill -9 of the local cloud or of one of its fork servers, while work keeps coming in."""
    chance = random.Random(seed)
    gcp = Clients(own_cloud)
    gcp.create("soak-forked", FORKED, ["sleep", "0.02"], tasks=3, max_retries=50)
    gcp.create("soak-shell", "shell", ["sleep 0.02"], tasks=2, max_retries=50)
    names: list[str] = []
    jobs = []
    for number in range(8):
        names += [gcp.run(chance.choice(["soak-forked", "soak-shell"])) for _ in range(3)]
        jobs.append(submit(gcp, f"soak-{number}", [container(["sleep 0.01"])], retries=10))
        time.sleep(chance.random() * 0.1)
        if chance.random() < 0.5:
            own_cloud.restart()
        elif children := psutil.Process(own_cloud.pid).children():
            chance.choice(children).kill()
    for name in names:
        execution = gcp.finished(name)
        assert (execution.succeeded_count, execution.running_count) == (execution.task_count, 0)
    assert len(set(names)) == len(names)
    for job in jobs:
        assert finished(gcp, job).status.state.name == "SUCCEEDED"
