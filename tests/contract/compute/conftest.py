"""A local cloud with tiny scripted images, and Google's clients for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import batch_v1, run_v2

from tests.cloud import LOCATION, PROJECT, CloudProcess

PARENT = f"projects/{PROJECT}/locations/{LOCATION}"
TASKS = Path(__file__).parent

SETTINGS: dict[str, Any] = {
    "images": {
        "python": {"argv": [sys.executable, "-c"], "cwd": str(TASKS), "env": {"FROM_IMAGE": "yes"}},
        "shell": {"argv": ["/bin/sh", "-c"], "cwd": str(TASKS)},
        "registry.example:5000/fitsense/forked": {
            "argv": [sys.executable, "-m", "forked_task"],
            "cwd": str(TASKS),
            "fork": "forked_task",
        },
    },
    "preload": ["json"],
    "max_parallel": 4,
    "grace_s": 1.0,
    "retry_backoff_s": 0.01,
}
Found = TypeVar("Found")
FORKED = "registry.example:5000/fitsense/forked:v1"
HANG_FIRST = {
    "python": [
        "import os, time; print('on', flush=True);"
        "time.sleep(0 if int(os.environ['CLOUD_RUN_TASK_ATTEMPT']) else 300)"
    ],
    "shell": ["echo on; test $CLOUD_RUN_TASK_ATTEMPT = 1 || { sleep 300 & wait; }"],
    FORKED: ["hang-first"],
}
"""Arguments, by image, for a task whose first attempt never ends and whose second does at once."""


def until(condition: Callable[[], Found | None], what: str) -> Found:
    """Poll until ``condition`` gives something true, and return that; half a minute is too long."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


class Clients:
    """Google's REST clients of one local cloud."""

    def __init__(self, cloud: CloudProcess) -> None:
        self.cloud = cloud
        common: dict[str, Any] = {
            "transport": "rest",
            "credentials": AnonymousCredentials(),
            "client_options": ClientOptions(api_endpoint=cloud.url),
        }
        self.jobs = run_v2.JobsClient(**common)
        self.executions = run_v2.ExecutionsClient(**common)
        self.tasks = run_v2.TasksClient(**common)
        self.batch = batch_v1.BatchServiceClient(**common)

    def create(self, name: str, image: str, args: list[str], **template: Any) -> run_v2.Job:
        """A Cloud Run job; ``tasks`` and ``parallelism`` beside the fields of its task template."""
        execution = {
            "task_count": template.pop("tasks", 1),
            "parallelism": template.pop("parallelism", 0),
            "template": {"containers": [{"image": image, "args": args}], **template},
        }
        operation = self.jobs.create_job(
            parent=PARENT, job=run_v2.Job(template=run_v2.ExecutionTemplate(execution)), job_id=name
        )
        job = operation.result(timeout=10)
        assert isinstance(job, run_v2.Job)
        return job

    def run(self, name: str, **overrides: Any) -> str:
        """Start an execution; its full name."""
        request = run_v2.RunJobRequest(
            name=f"{PARENT}/jobs/{name}", overrides=run_v2.RunJobRequest.Overrides(overrides)
        )
        return str(self.jobs.run_job(request=request).metadata.name)

    def finished(self, execution: str) -> run_v2.Execution:
        """The execution, once it has ended."""
        return until(lambda: self._if_finished(execution), f"{execution} finishes")

    def log(self, execution: str, task: int = 0, attempt: int = 0) -> str:
        """A task attempt's log, as a person would read it."""
        job, _, name = execution.partition("/jobs/")[2].partition("/executions/")
        path = self.cloud.state / "compute" / "logs" / job / name / f"task-{task}-attempt-{attempt}.log"
        return path.read_text() if path.exists() else ""

    def _if_finished(self, execution: str) -> run_v2.Execution | None:
        found = self.executions.get_execution(name=execution)
        return found if found.completion_time else None


def completed(execution: run_v2.Execution) -> run_v2.Condition:
    """The condition that tells how it ended."""
    return next(condition for condition in execution.conditions if condition.type_ == "Completed")


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """One local cloud for the tests of a module that leave it as they found it."""
    cloud = CloudProcess(tmp_path_factory.mktemp("cloud"), parts="compute", settings=SETTINGS)
    yield cloud.start()
    cloud.stop()


@pytest.fixture(scope="module")
def gcp(shared_cloud: CloudProcess) -> Clients:
    return Clients(shared_cloud)


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[CloudProcess]:
    """A local cloud that a test may kill."""
    cloud = CloudProcess(tmp_path / "cloud", parts="compute", settings=SETTINGS)
    yield cloud.start()
    cloud.stop()
