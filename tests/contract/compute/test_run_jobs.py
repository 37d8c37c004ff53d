"""Cloud Run Admin v2: jobs, executions, operations, overrides, pages, as Google's clients see them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.contract.compute.conftest import FORKED, PARENT, Clients, completed

SUCCEEDED = run_v2.Condition.State.CONDITION_SUCCEEDED
FAILED = run_v2.Condition.State.CONDITION_FAILED


def test_a_job_is_created_read_listed_patched_and_deleted(gcp: Clients) -> None:
    created = gcp.create("crud-job", "python:v1", ["print(1)"], tasks=3, max_retries=0)
    assert created.name == f"{PARENT}/jobs/crud-job"
    assert (created.template.task_count, created.template.template.max_retries) == (3, 0)
    assert created.template.template.timeout.total_seconds() == 600
    assert created.name in [job.name for job in gcp.jobs.list_jobs(parent=PARENT)]

    created.template.task_count = 5
    patched = gcp.jobs.update_job(job=created).result(timeout=10)
    assert (patched.generation, patched.template.task_count, patched.uid) == (2, 5, created.uid)
    with pytest.raises(exceptions.Conflict):
        gcp.jobs.update_job(job=created)  # its etag is the old one

    gcp.jobs.delete_job(name=created.name).result(timeout=10)
    with pytest.raises(exceptions.NotFound):
        gcp.jobs.get_job(name=created.name)


def test_bad_requests_are_told_apart(gcp: Clients) -> None:
    gcp.create("taken-job", "python", ["1"])
    with pytest.raises(exceptions.Conflict):
        gcp.create("taken-job", "python", ["1"])
    with pytest.raises(exceptions.BadRequest, match="invalid job id"):
        gcp.create("No_Good", "python", ["1"])
    with pytest.raises(exceptions.BadRequest, match="Required field"):
        gcp.jobs.create_job(parent=PARENT, job=run_v2.Job(), job_id="no-template")
    with pytest.raises(exceptions.NotFound):
        gcp.run("never-made")
    with pytest.raises(exceptions.NotFound):
        gcp.executions.get_execution(name=f"{PARENT}/jobs/taken-job/executions/none")


def test_job_lists_come_in_pages(gcp: Clients) -> None:
    names = [gcp.create(f"paged-{index}", "python", ["1"]).name for index in range(5)]
    request = run_v2.ListJobsRequest(parent=PARENT, page_size=2)
    pages = list(gcp.jobs.list_jobs(request=request).pages)
    assert all(len(page.jobs) <= 2 for page in pages)
    listed = [job.name for page in pages for job in page.jobs]
    assert [name for name in listed if "/paged-" in name] == names


@pytest.mark.parametrize("image", ["python", FORKED])
def test_a_run_answers_with_its_execution_and_ends_as_its_task_does(gcp: Clients, image: str) -> None:
    job = f"whole-run-{'forked' if image == FORKED else 'plain'}"
    gcp.create(job, image, ["print('hello from', 'a task')"] if image == "python" else ["say", "hello"])
    operation = gcp.jobs.run_job(name=f"{PARENT}/jobs/{job}")
    assert operation.metadata.name.startswith(f"{PARENT}/jobs/{job}/executions/{job}-")
    execution = operation.result(timeout=20)
    assert execution.name == operation.metadata.name
    assert (execution.succeeded_count, execution.failed_count, execution.running_count) == (1, 0, 0)
    assert execution.create_time <= execution.start_time <= execution.completion_time
    assert completed(execution).state == SUCCEEDED
    assert "hello" in gcp.log(execution.name)
    logs = Path(urlsplit(execution.log_uri).path)
    assert [path.name for path in logs.iterdir()] == ["task-0-attempt-0.log"]
    latest = gcp.jobs.get_job(name=f"{PARENT}/jobs/{job}").latest_created_execution
    assert latest.name == execution.name
    assert latest.completion_status == run_v2.ExecutionReference.CompletionStatus.EXECUTION_SUCCEEDED


def test_a_failed_run_is_a_failed_operation(gcp: Clients) -> None:
    gcp.create("failed-run", "python", ["raise SystemExit(3)"], max_retries=0)
    with pytest.raises(exceptions.Aborted, match="exit code 3"):
        gcp.jobs.run_job(name=f"{PARENT}/jobs/failed-run").result(timeout=20)


def test_overrides_change_one_run_and_can_be_read_back(gcp: Clients) -> None:
    script = "import os, sys; print(sys.argv[1:], os.environ['A'], os.environ['B'], os.environ['FROM_IMAGE'])"
    gcp.create("overridden", "python", [script, "old"])
    override = {
        "args": [script, "--run", "r1"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    }
    name = gcp.run("overridden", container_overrides=[override], task_count=2, timeout={"seconds": 33})
    execution = gcp.finished(name)
    container = execution.template.containers[0]
    assert list(container.args) == [script, "--run", "r1"]
    assert {entry.name: entry.value for entry in container.env} == {"A": "1", "B": "2"}
    assert (execution.task_count, execution.template.timeout.total_seconds()) == (2, 33)
    assert gcp.log(name, task=1) == "['--run', 'r1'] 1 2 yes\n"
    job = gcp.jobs.get_job(name=f"{PARENT}/jobs/overridden")
    assert list(job.template.template.containers[0].args) == [script, "old"]
    assert job.template.task_count == 1


def test_clear_args_empties_them(gcp: Clients) -> None:
    gcp.create("cleared", FORKED, ["exit", "9"], max_retries=0)
    name = gcp.run("cleared", container_overrides=[{"clear_args": True, "args": ["exit", "0"]}])
    assert gcp.finished(name).succeeded_count == 1


def test_executions_are_listed_newest_first_in_pages_and_deleted(gcp: Clients) -> None:
    gcp.create("many-runs", FORKED, ["exit", "0"])
    names = [gcp.run("many-runs") for _ in range(5)]
    for name in names:
        gcp.finished(name)
    parent = f"{PARENT}/jobs/many-runs"
    pages = list(gcp.executions.list_executions(request={"parent": parent, "page_size": 2}).pages)
    assert [len(page.executions) for page in pages] == [2, 2, 1]
    assert [found.name for page in pages for found in page.executions] == names[::-1]
    assert names[0] in [found.name for found in gcp.executions.list_executions(parent=f"{PARENT}/jobs/-")]
    gcp.executions.delete_execution(name=names[0]).result(timeout=10)
    assert [found.name for found in gcp.executions.list_executions(parent=parent)] == names[:0:-1]


def test_an_image_that_is_not_in_the_map_fails_the_run_at_once(gcp: Clients) -> None:
    gcp.create("no-image", "unknown.example/x/y:v3", ["1"], max_retries=3)
    execution = gcp.finished(gcp.run("no-image", task_count=2))
    condition = completed(execution)
    assert condition.state == FAILED
    assert condition.reason == run_v2.Condition.CommonReason.CONTAINER_MISSING
    assert "'unknown.example/x/y:v3' is not in the local cloud's setting 'images'" in condition.message
    assert (execution.failed_count, execution.retried_count) == (2, 0)
