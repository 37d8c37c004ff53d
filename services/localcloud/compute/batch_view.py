"""Batch v1's JSON for jobs and tasks, from the records. Pure."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

from services.localcloud.compute.model import Execution, Task

GROUP = "group0"
_STATES = {
    "pending": "QUEUED",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
_TASK_STATES = {
    "pending": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "UNEXECUTED",
}


def job_json(execution: Execution) -> dict[str, Any]:
    """google.cloud.batch.v1.Job."""
    document = execution.document
    group = {"name": f"{execution.name}/taskGroups/{GROUP}"} | document["taskGroups"][0]
    group["taskCount"] = str(execution.plan.task_count)
    return document | {
        "name": execution.name,
        "uid": f"{execution.job}-{execution.uid}",
        "taskGroups": [group | {"name": f"{execution.name}/taskGroups/{GROUP}"}],
        "createTime": execution.created,
        "updateTime": execution.updated,
        "status": _status(execution),
    }


def job_state(execution: Execution) -> str:
    """A name of google.cloud.batch.v1.JobStatus.State."""
    if execution.deleting:
        return "DELETION_IN_PROGRESS"
    if execution.cancel_requested and not execution.finished:
        return "CANCELLATION_IN_PROGRESS"
    return _STATES[execution.state]


def _status(execution: Execution) -> dict[str, Any]:
    counts = {_TASK_STATES[state]: str(count) for state, count in execution.counts.items() if count}
    return {
        "state": job_state(execution),
        "statusEvents": _events(execution),
        "taskGroups": {GROUP: {"counts": counts}},
        "runDuration": _duration(execution.started, execution.finished or execution.updated),
    }


def _events(execution: Execution) -> list[dict[str, Any]]:
    steps = [("QUEUED", execution.created), ("SCHEDULED", execution.started), ("RUNNING", execution.started)]
    steps.append((_STATES[execution.state], execution.finished))
    reached = [(state, time) for state, time in steps if time]
    events = [
        _event(f"Job state is set from {before} to {after} for job {execution.name}.", time)
        for (before, _), (after, time) in itertools.pairwise(reached)
    ]
    if execution.message and events:
        events[-1]["description"] += f" {execution.message}"
    return events


def _event(description: str, time: str) -> dict[str, Any]:
    return {"type": "STATUS_CHANGED", "description": description, "eventTime": time}


def _duration(started: str, ended: str) -> str:
    if not started:
        return "0s"
    elapsed = datetime.datetime.fromisoformat(ended) - datetime.datetime.fromisoformat(started)
    return f"{max(0.0, elapsed.total_seconds()):.6f}s"


def task_json(execution: Execution, task: Task) -> dict[str, Any]:
    """google.cloud.batch.v1.Task."""
    return {
        "name": f"{execution.name}/taskGroups/{GROUP}/tasks/{task.index}",
        "status": {"state": _TASK_STATES[task.state], "statusEvents": _task_events(task)},
    }


def _task_events(task: Task) -> list[dict[str, Any]]:
    events = []
    if task.started:
        events.append(_event("Task state is updated from ASSIGNED to RUNNING.", task.started))
        events[-1]["taskState"] = "RUNNING"
    if task.outcome:
        state = _TASK_STATES[task.state]
        text = f"Task attempt {task.attempt} ended: {task.outcome.message}. Its state is {state}."
        event = _event(text, task.finished or task.started)
        events.append(event | {"taskState": state, "taskExecution": {"exitCode": task.outcome.batch_code()}})
    return events
