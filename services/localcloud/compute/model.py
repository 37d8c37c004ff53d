"""What Cloud Run and Batch have in common: an execution is N tasks, a task is attempts, an attempt is steps.

Pure: no clock, no I/O. Times are RFC 3339 strings in UTC, durations seconds.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field

Api = Literal["run", "batch"]
State = Literal["pending", "running", "succeeded", "failed", "cancelled"]
FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})

EXIT_MACHINE_LOST = 50001
EXIT_TIMED_OUT = 50005
"""Batch's reserved exit codes: https://cloud.google.com/batch/docs/troubleshooting#reserved-exit-codes."""


class Step(BaseModel):
    """One process of an attempt: a container by its image name, or (Batch only) a script's text."""

    image: str = ""
    script: str = ""
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict, description="variable → secret; never its value")
    timeout_s: float | None = None
    ignore_exit_status: bool = False
    background: bool = False
    always_run: bool = False


class Plan(BaseModel):
    """How an execution runs. ``retry_codes`` and ``fail_codes`` narrow what is retried; None is no rule."""

    steps: list[Step]
    task_count: int = Field(ge=1)
    parallelism: int = Field(ge=1)
    max_retries: int = Field(ge=0)
    timeout_s: float | None = None
    task_env: list[dict[str, str]] = Field(default_factory=list)
    retry_codes: list[int] | None = None
    fail_codes: list[int] | None = None

    def images(self) -> list[str]:
        return [step.image for step in self.steps if step.image]


class Outcome(BaseModel):
    """How an attempt ended. Exactly one of ``exit_code`` and ``term_signal`` is set if a process ended."""

    kind: Literal["exited", "signalled", "timed_out", "cancelled", "lost", "fault", "unstartable"]
    message: str
    exit_code: int | None = None
    term_signal: int | None = None

    @property
    def ok(self) -> bool:
        return self.kind == "exited" and self.exit_code == 0

    def task_state(self) -> State:
        """The final state of a task whose last attempt ended like this."""
        if self.kind == "cancelled":
            return "cancelled"
        return "succeeded" if self.ok else "failed"

    def batch_code(self) -> int:
        """The one number Batch tells: the exit code, 128 + signal as a shell would, or a reserved code."""
        if self.kind == "timed_out":
            return EXIT_TIMED_OUT
        if self.kind == "lost":
            return EXIT_MACHINE_LOST
        if self.term_signal is not None:
            return 128 + self.term_signal
        return 1 if self.exit_code is None else self.exit_code


def exited(status: int) -> Outcome:
    """The outcome of a process's return code, negative for a signal, as ``subprocess`` has it."""
    if status >= 0:
        return Outcome(kind="exited", message=f"exit code {status}", exit_code=status)
    name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
    return Outcome(kind="signalled", message=f"signal {-status} ({name})", term_signal=-status)


class Task(BaseModel):
    """One task. ``attempts`` counts those begun; the one running or last run has the number attempts - 1."""

    index: int
    state: State = "pending"
    attempts: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    outcome: Outcome | None = None

    @property
    def attempt(self) -> int:
        return max(0, self.attempts - 1)


class Execution(BaseModel):
    """One execution of a Cloud Run job, or one Batch job. ``document``: the API's own JSON, as submitted."""

    name: str
    parent: str
    uid: str
    api: Api
    job: str
    plan: Plan
    document: dict[str, Any]
    request_id: str = ""
    state: State = "pending"
    message: str = ""
    created: str = ""
    updated: str = ""
    started: str = ""
    finished: str = ""
    cancel_requested: bool = False
    deleting: bool = False
    counts: dict[str, int] = Field(default_factory=dict)
    retried: int = 0

    @property
    def id(self) -> str:
        return self.name.rsplit("/", 1)[1]

    @property
    def log_folder(self) -> str:
        """Below the folder of logs: ``<job>/<execution>``; a Batch job's own uid keeps reused ids apart."""
        return f"{self.job}/{self.id if self.api == 'run' else self.uid[:8]}"

    def log_file(self, task: Task) -> str:
        """Of the task's latest attempt: ``<job>/<execution>/task-<i>-attempt-<k>.log``."""
        return f"{self.log_folder}/task-{task.index}-attempt-{task.attempt}.log"

    def tally(self, tasks: Iterable[Task]) -> None:
        """Count the tasks anew."""
        tasks = list(tasks)
        self.counts = dict(Counter(task.state for task in tasks))
        self.retried = sum(task.attempts > 1 for task in tasks)

    def move(self, task: Task, state: State) -> None:
        """Give a task its next state and keep the counts true, whatever the number of tasks."""
        self.counts[task.state] -= 1
        self.counts[state] = self.counts.get(state, 0) + 1
        task.state = state

    def begin(self, task: Task, time: str) -> None:
        """Begin the task's next attempt."""
        task.attempts, task.started, task.outcome = task.attempts + 1, time, None
        self.retried += task.attempts == 2
        self.move(task, "running")
        if self.state == "pending":
            self.state, self.started = "running", time

    def outcome_state(self) -> State | None:
        """The execution's state once every task is final, else None. One failed task fails it."""
        if sum(self.counts.get(state, 0) for state in FINAL) < self.plan.task_count:
            return None
        if self.counts.get("cancelled") and (self.cancel_requested or not self.counts.get("failed")):
            return "cancelled"
        return "failed" if self.counts.get("failed") else "succeeded"


def may_retry(plan: Plan, task: Task, outcome: Outcome) -> bool:
    """Whether a failed attempt is followed by another. Batch's policy: exit codes decide, then the count."""
    if outcome.kind in ("unstartable", "cancelled") or task.attempts > plan.max_retries:
        return False
    if plan.retry_codes is not None:
        return outcome.batch_code() in plan.retry_codes
    return plan.fail_codes is None or outcome.batch_code() not in plan.fail_codes


def final_message(tasks: list[Task]) -> str:
    """One sentence for people: the first failure and how many there were; empty if all succeeded."""
    failed = [task for task in tasks if task.state == "failed"]
    if not failed:
        return "" if all(task.state == "succeeded" for task in tasks) else "The execution was cancelled."
    first = failed[0]
    why = first.outcome.message if first.outcome else "unknown"
    return (
        f"{len(failed)} of {len(tasks)} tasks failed. Task {first.index} failed at attempt "
        f"{first.attempts}: {why}."
    )
