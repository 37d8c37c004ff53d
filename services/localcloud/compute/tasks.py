"""The one runner behind Cloud Run and Batch: a queue of tasks, retries, cancellation, recovery.

Every transition is on disk before anything follows from it, so that a local cloud killed at any moment
knows at its next start what was queued, what was running (a failed attempt by then) and what was done.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import deque
from dataclasses import dataclass, field

import structlog

from services.localcloud.compute.attempts import Attempts
from services.localcloud.compute.model import (
    FINAL,
    Execution,
    Outcome,
    Task,
    final_message,
    may_retry,
)
from services.localcloud.compute.settings import ComputeSettings, UnknownImage
from services.localcloud.compute.store import Store

log = structlog.get_logger(__name__)

MAX_BACKOFF_S = 10.0
STOP_LIMIT_S = 5.0
"""How long a stopping local cloud waits for its tasks, whatever the grace: its own supervisor waits too."""


def now() -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Live:
    """An execution in memory, until it is finished."""

    execution: Execution
    tasks: list[Task]
    waiting: deque[Task] = field(default_factory=deque)
    running: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Runner:
    """Runs executions: first come, first served, at most ``max_parallel`` tasks at a time over all."""

    def __init__(self, store: Store, attempts: Attempts, settings: ComputeSettings) -> None:
        self._store = store
        self._attempts = attempts
        self._settings = settings
        self._live: dict[str, Live] = {}
        self._running = 0
        self._stopping = False

    def submit(self, execution: Execution) -> None:
        """Persist and queue. Without an entry for its image the execution fails here and now."""
        execution.created = execution.updated = now()
        count = execution.plan.task_count
        live = Live(execution, [Task(index=index, created=execution.created) for index in range(count)])
        execution.tally(live.tasks)
        self._store.add_execution(execution, live.tasks)
        self._adopt(live)

    def recover(self) -> None:
        """Take up what a previous life left: queued tasks wait again, running attempts have failed."""
        for execution in self._store.active():
            live = Live(execution, self._store.tasks(execution.name))
            execution.tally(live.tasks)
            lost = Outcome(kind="lost", message="the local cloud stopped while the attempt was running")
            for task in live.tasks:
                if task.state == "running":
                    self._conclude(live, task, lost)
            self._store.save(execution, *live.tasks)
            if execution.cancel_requested:
                live.cancelled.set()
            self._adopt(live)

    async def stop(self) -> None:
        """Ask the running tasks to end, then leave: their attempts count as failed at the next start."""
        self._stopping = True
        running = [task for live in self._live.values() for task in live.running.values()]
        for live in self._live.values():
            live.cancelled.set()
        if running:
            _, late = await asyncio.wait(running, timeout=STOP_LIMIT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def cancel(self, name: str, *, delete: bool = False) -> None:
        """Cancel what is queued, stop what is running. ``delete``: forget the execution once it ended."""
        live = self._live.get(name)
        if live is None:
            if delete:
                self._store.delete_execution(name)
            return
        live.execution.cancel_requested = True
        live.execution.deleting |= delete
        live.cancelled.set()
        self._cancel_waiting(live)

    async def wait(self, name: str, timeout_s: float) -> None:
        """Return when the execution has finished, or after ``timeout_s``."""
        if live := self._live.get(name):
            await asyncio.wait({asyncio.ensure_future(live.done.wait())}, timeout=timeout_s)

    def _adopt(self, live: Live) -> None:
        execution = live.execution
        self._live[execution.name] = live
        try:
            for image in execution.plan.images():
                self._settings.image(image)
        except UnknownImage as error:
            self._fail_all(live, Outcome(kind="unstartable", message=str(error)))
        live.waiting.extend(task for task in live.tasks if task.state == "pending")
        if live.cancelled.is_set():
            self._cancel_waiting(live)
        elif not self._finish(live):
            self._pump()

    def _fail_all(self, live: Live, outcome: Outcome) -> None:
        for task in live.tasks:
            if task.state not in FINAL:
                task.outcome, task.finished = outcome, now()
                live.execution.move(task, "failed")
        self._save(live, *live.tasks)

    def _cancel_waiting(self, live: Live) -> None:
        pending = [task for task in live.tasks if task.state == "pending"]
        for task in pending:
            task.finished = now()
            live.execution.move(task, "cancelled")
        live.waiting.clear()
        self._save(live, *pending)
        self._finish(live)

    def _pump(self) -> None:
        """Start waiting tasks, oldest execution first, as far as its own and the common limit allow."""
        for live in list(self._live.values()):
            while live.waiting and len(live.running) < live.execution.plan.parallelism:
                if self._running >= self._settings.max_parallel or self._stopping:
                    return
                self._begin(live, live.waiting.popleft())

    def _begin(self, live: Live, task: Task) -> None:
        live.execution.begin(task, now())
        self._save(live, task)
        self._running += 1
        live.running[task.index] = asyncio.create_task(self._attempt(live, task))

    async def _attempt(self, live: Live, task: Task) -> None:
        try:
            outcome = await self._attempts.run(live.execution, task, live.cancelled)
        finally:
            self._running -= 1
            del live.running[task.index]
        if self._stopping and not outcome.ok:
            return
        again = self._conclude(live, task, outcome)
        self._save(live, task)
        if again and live.cancelled.is_set():
            self._cancel_waiting(live)
        elif again:
            delay = min(MAX_BACKOFF_S, self._settings.retry_backoff_s * 2 ** (task.attempts - 1))
            asyncio.get_running_loop().call_later(delay, self._requeue, live, task)
        self._finish(live)
        self._pump()

    def _conclude(self, live: Live, task: Task, outcome: Outcome) -> bool:
        """Set the task's next state from an attempt's outcome. True if it is to be tried again."""
        task.outcome = outcome
        again = not outcome.ok and may_retry(live.execution.plan, task, outcome)
        if again:
            live.execution.move(task, "pending")
        else:
            task.finished = now()
            live.execution.move(task, outcome.task_state())
        if not outcome.ok:
            fields = {"execution": live.execution.id, "task": task.index, "attempt": task.attempt}
            log.info("compute.attempt_failed", **fields, again=again, reason=outcome.message)
        return again

    def _requeue(self, live: Live, task: Task) -> None:
        if task.state == "pending" and not self._stopping:
            live.waiting.append(task)
            self._pump()

    def _finish(self, live: Live) -> bool:
        """Close the execution if all its tasks are final."""
        execution = live.execution
        if live.done.is_set():
            return True
        state = execution.outcome_state()
        if state is None or live.running:
            return False
        execution.state, execution.message, execution.finished = state, final_message(live.tasks), now()
        self._save(live)
        self._live.pop(execution.name, None)
        if execution.deleting:
            self._store.delete_execution(execution.name)
        live.done.set()
        return True

    def _save(self, live: Live, *tasks: Task) -> None:
        live.execution.updated = now()
        self._store.save(live.execution, *tasks)
