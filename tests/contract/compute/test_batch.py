"""Batch v1: jobs, runnables, environments, policies, states, as Google's client sees them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import batch_v1

from tests.contract.compute.conftest import PARENT, Clients, until

State = batch_v1.JobStatus.State


def container(args: list[str], image: str = "shell:v2", **fields: Any) -> batch_v1.Runnable:
    runnable = {"container": {"image_uri": image, "commands": args, "options": fields.pop("options", "")}}
    return batch_v1.Runnable(runnable | fields)


def script(text: str, **fields: Any) -> batch_v1.Runnable:
    return batch_v1.Runnable({"script": {"text": text}} | fields)


def submit(
    gcp: Clients, job_id: str, runnables: list[batch_v1.Runnable], *, retries: int = 0, **group: Any
) -> batch_v1.Job:
    spec: dict[str, Any] = {"runnables": runnables, "max_retry_count": retries}
    for name in ("environment", "max_run_duration", "lifecycle_policies"):
        if name in group:
            spec[name] = group.pop(name)
    request_id = group.pop("request_id", "")
    job = batch_v1.Job(task_groups=[{"task_spec": spec, **group}], labels={"made": "by-a-test"})
    request = batch_v1.CreateJobRequest(parent=PARENT, job_id=job_id, job=job, request_id=request_id)
    return gcp.batch.create_job(request=request)


def finished(gcp: Clients, job: batch_v1.Job) -> batch_v1.Job:
    def ended() -> batch_v1.Job | None:
        found = gcp.batch.get_job(name=job.name)
        return found if found.status.state in (State.SUCCEEDED, State.FAILED, State.CANCELLED) else None

    return until(ended, f"{job.name} finishes")


def in_state(gcp: Clients, job: batch_v1.Job, state: batch_v1.JobStatus.State) -> bool:
    return bool(gcp.batch.get_job(name=job.name).status.state == state)


def log(gcp: Clients, job_id: str, task: int = 0, attempt: int = 0) -> str:
    logs: Path = gcp.cloud.state / "compute" / "logs" / job_id
    (path,) = logs.glob(f"*/task-{task}-attempt-{attempt}.log")
    return path.read_text()


def test_a_job_runs_from_queued_to_succeeded(gcp: Clients) -> None:
    created = submit(gcp, "simple", [container(["echo it ran"])])
    assert created.name == f"{PARENT}/jobs/simple"
    assert created.status.state in (State.QUEUED, State.RUNNING)
    done = finished(gcp, created)
    assert done.status.state == State.SUCCEEDED
    assert done.uid == created.uid
    assert done.labels == {"made": "by-a-test"}
    assert dict(done.status.task_groups["group0"].counts) == {"SUCCEEDED": 1}
    told = [event.description.partition(" for job")[0] for event in done.status.status_events]
    assert told == [
        "Job state is set from QUEUED to SCHEDULED",
        "Job state is set from SCHEDULED to RUNNING",
        "Job state is set from RUNNING to SUCCEEDED",
    ]
    assert log(gcp, "simple") == "it ran\n"


def test_a_taken_id_a_repeated_request_and_a_bad_job(gcp: Clients) -> None:
    request_id = "5f0c4d0a-93a1-4bd5-9a42-2a8f9f0b5c11"
    first = submit(gcp, "taken", [script("true")], request_id=request_id)
    assert submit(gcp, "taken", [script("true")], request_id=request_id).uid == first.uid
    with pytest.raises(exceptions.Conflict):
        submit(gcp, "taken", [script("true")])
    assert submit(gcp, "", [script("true")]).name.startswith(f"{PARENT}/jobs/j-")
    with pytest.raises(exceptions.BadRequest, match="at least one runnable"):
        submit(gcp, "empty", [])
    with pytest.raises(exceptions.BadRequest, match="at most 10"):
        submit(gcp, "eager", [script("true")], retries=11)
    with pytest.raises(exceptions.NotFound):
        gcp.batch.get_job(name=f"{PARENT}/jobs/never-made")


def test_tasks_know_their_index_and_their_environment(gcp: Clients) -> None:
    own = {"variables": {"B": "runnable"}}
    text = 'echo "$BATCH_TASK_INDEX/$BATCH_TASK_COUNT $BATCH_TASK_RETRY_ATTEMPT $A $B $C"'
    job = submit(
        gcp,
        "environments",
        [container([text], environment=own, options="--gpus all -e C='an option'")],
        environment={"variables": {"A": "job", "B": "job"}},
        task_count=3,
        parallelism=2,
    )
    assert finished(gcp, job).status.state == State.SUCCEEDED
    assert [log(gcp, "environments", task=index) for index in range(3)] == [
        f"{index}/3 0 job runnable an option\n" for index in range(3)
    ]


def test_runnables_run_in_order_until_one_fails(gcp: Clients) -> None:
    runnables = [
        script("echo first; sleep 300 & wait", background=True),
        script("exit 3", ignore_exit_status=True),
        script("#!/bin/bash\necho third ${BASH_VERSION:+bash}; exit 4"),
        script("echo never"),
        script("echo cleanup", always_run=True),
    ]
    done = finished(gcp, submit(gcp, "ordered", runnables))
    assert done.status.state == State.FAILED
    lines = log(gcp, "ordered").splitlines()
    assert {"first", "third bash", "cleanup"} < set(lines)
    assert "never" not in lines
    assert lines[-1].endswith("failed: exit code 4")


def test_a_failed_job_tells_its_exit_code(gcp: Clients) -> None:
    job = submit(gcp, "exit-code", [container(["exit 5"])], retries=1)
    done = finished(gcp, job)
    assert done.status.state == State.FAILED
    assert "exit code 5" in done.status.status_events[-1].description
    task = gcp.batch.get_task(name=f"{job.name}/taskGroups/group0/tasks/0")
    assert task.status.state == batch_v1.TaskStatus.State.FAILED
    assert task.status.status_events[-1].task_execution.exit_code == 5
    assert log(gcp, "exit-code", attempt=1)


@pytest.mark.parametrize(
    ("action", "codes", "attempts"),
    [("RETRY_TASK", [50001], 1), ("RETRY_TASK", [9], 3), ("FAIL_TASK", [9], 1), ("FAIL_TASK", [8], 3)],
)
def test_a_lifecycle_policy_decides_by_exit_code(
    gcp: Clients, action: str, codes: list[int], attempts: int
) -> None:
    policy = {"action": action, "action_condition": {"exit_codes": codes}}
    job_id = f"policy-{action.lower().replace('_', '-')}-{codes[0]}"
    job = submit(gcp, job_id, [script("exit 9")], retries=2, lifecycle_policies=[policy])
    assert finished(gcp, job).status.state == State.FAILED
    (folder,) = (gcp.cloud.state / "compute" / "logs" / job_id).iterdir()
    assert len(list(folder.glob("*.log"))) == attempts


def test_max_run_duration_ends_a_task_with_batchs_own_code(gcp: Clients) -> None:
    job = submit(gcp, "overlong", [script("sleep 300")], max_run_duration={"nanos": 200_000_000})
    assert finished(gcp, job).status.state == State.FAILED
    (task,) = gcp.batch.list_tasks(parent=f"{job.name}/taskGroups/group0")
    assert task.status.status_events[-1].task_execution.exit_code == 50005


def test_an_unknown_image_fails_the_job_at_once(gcp: Clients) -> None:
    done = finished(gcp, submit(gcp, "imageless", [container(["x"], image="gone.example/z:1")], retries=5))
    assert done.status.state == State.FAILED
    assert (
        "'gone.example/z:1' is not in the local cloud's setting 'images'"
        in done.status.status_events[-1].description
    )


def test_lists_come_newest_first_in_pages(gcp: Clients) -> None:
    names = [submit(gcp, f"listed-{index}", [script("true")], task_count=3).name for index in range(3)]
    pages = list(gcp.batch.list_jobs(request={"parent": PARENT, "page_size": 2}).pages)
    assert all(len(page.jobs) <= 2 for page in pages)
    assert [job.name for page in pages for job in page.jobs][:3] == names[::-1]
    request = {"parent": f"{names[0]}/taskGroups/group0", "page_size": 2}
    assert [len(page.tasks) for page in gcp.batch.list_tasks(request=request).pages] == [2, 1]


def test_a_running_job_is_cancelled_or_deleted(gcp: Clients) -> None:
    one, two = (submit(gcp, f"stopped-{n}", [script("echo on; sleep 300 & wait")]) for n in ("c", "d"))
    for job in (one, two):
        until(partial(in_state, gcp, job, State.RUNNING), "it runs")
    gcp.batch.cancel_job(name=one.name).result(timeout=20)
    assert gcp.batch.get_job(name=one.name).status.state == State.CANCELLED
    gcp.batch.delete_job(name=two.name).result(timeout=20)
    with pytest.raises(exceptions.NotFound):
        gcp.batch.get_job(name=two.name)
    assert submit(gcp, "stopped-d", [script("true")]).uid != two.uid
