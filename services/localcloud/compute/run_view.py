"""Cloud Run Admin v2's JSON for jobs, executions and tasks, from the records. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.localcloud.compute.model import Execution, Outcome, Task

TYPE = "type.googleapis.com/google.cloud.run.v2."
CANCELLED, ABORTED = 1, 10
"""gRPC status codes of an operation whose execution was cancelled, or failed."""

_STATES = {
    "pending": "CONDITION_PENDING",
    "running": "CONDITION_RECONCILING",
    "succeeded": "CONDITION_SUCCEEDED",
    "failed": "CONDITION_FAILED",
    "cancelled": "CONDITION_FAILED",
}
_COMPLETION = {
    "pending": "EXECUTION_PENDING",
    "running": "EXECUTION_RUNNING",
    "succeeded": "EXECUTION_SUCCEEDED",
    "failed": "EXECUTION_FAILED",
    "cancelled": "EXECUTION_CANCELLED",
}


def set_only(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: protobuf's JSON has no empty timestamp."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def execution_json(execution: Execution, logs: Path) -> dict[str, Any]:
    """google.cloud.run.v2.Execution."""
    counts = execution.counts
    return execution.document | set_only(
        name=execution.name,
        uid=execution.uid,
        generation="1",
        observedGeneration="1",
        job=execution.job,
        launchStage="GA",
        createTime=execution.created,
        updateTime=execution.updated,
        startTime=execution.started,
        completionTime=execution.finished,
        parallelism=execution.plan.parallelism,
        taskCount=execution.plan.task_count,
        reconciling=not execution.finished,
        conditions=[_completed(execution), _condition("Started", execution.started or execution.finished)],
        runningCount=counts.get("running", 0),
        succeededCount=counts.get("succeeded", 0),
        failedCount=counts.get("failed", 0),
        cancelledCount=counts.get("cancelled", 0),
        retriedCount=execution.retried,
        logUri=(logs / execution.log_folder).as_uri(),
        etag=f'"{execution.updated}"',
    )


def _completed(execution: Execution) -> dict[str, Any]:
    condition = {
        "type": "Completed",
        "state": _STATES[execution.state],
        "message": execution.message,
        "lastTransitionTime": execution.finished or execution.started or execution.created,
    }
    if execution.state == "cancelled":
        return condition | {"executionReason": "CANCELLED", "severity": "ERROR"}
    if execution.state == "failed":
        missing = "setting 'images'" in execution.message
        reason = {"reason": "CONTAINER_MISSING"} if missing else {"executionReason": "NON_ZERO_EXIT_CODE"}
        return condition | reason | {"severity": "ERROR"}
    return condition


def _condition(kind: str, since: str) -> dict[str, Any]:
    state = "CONDITION_SUCCEEDED" if since else "CONDITION_PENDING"
    return set_only(type=kind, state=state, lastTransitionTime=since)


def execution_reference(execution: Execution) -> dict[str, Any]:
    """google.cloud.run.v2.ExecutionReference."""
    return set_only(
        name=execution.name,
        createTime=execution.created,
        completionTime=execution.finished,
        completionStatus=_COMPLETION[execution.state],
    )


def task_json(execution: Execution, task: Task, log: Path) -> dict[str, Any]:
    """google.cloud.run.v2.Task."""
    template = execution.document["template"]
    return set_only(
        name=f"{execution.name}/tasks/{execution.id}-task{task.index}",
        uid=f"{execution.uid}-{task.index}",
        generation="1",
        observedGeneration="1",
        job=execution.job,
        execution=execution.id,
        containers=template["containers"],
        maxRetries=execution.plan.max_retries,
        timeout=template.get("timeout"),
        index=task.index,
        retried=task.attempt,
        createTime=task.created,
        scheduledTime=task.started,
        startTime=task.started,
        completionTime=task.finished,
        updateTime=task.finished or task.started or task.created,
        reconciling=not task.finished,
        conditions=[_task_condition(task)],
        lastAttemptResult=_attempt_result(task.outcome) if task.outcome else None,
        logUri=log.as_uri(),
    )


def _task_condition(task: Task) -> dict[str, Any]:
    return {
        "type": "Completed",
        "state": _STATES[task.state],
        "message": "" if task.outcome is None or task.outcome.ok else task.outcome.message,
        "lastTransitionTime": task.finished or task.started or task.created,
    }


def _attempt_result(outcome: Outcome) -> dict[str, Any]:
    status: dict[str, Any] = {} if outcome.ok else {"code": ABORTED, "message": outcome.message}
    return set_only(status=status, exitCode=outcome.exit_code, termSignal=outcome.term_signal)


def run_operation(name: str, execution: Execution | None, logs: Path) -> dict[str, Any]:
    """google.longrunning.Operation of a ``jobs.run``."""
    if execution is None:
        gone = {"code": CANCELLED, "message": "The execution was deleted."}
        return {"name": name, "done": True, "error": gone}
    document = {"@type": f"{TYPE}Execution"} | execution_json(execution, logs)
    operation = {"name": name, "metadata": document, "done": bool(execution.finished)}
    if execution.state == "succeeded":
        return operation | {"response": document}
    if execution.finished:
        code = CANCELLED if execution.state == "cancelled" else ABORTED
        return operation | {"error": {"code": code, "message": execution.message}}
    return operation
