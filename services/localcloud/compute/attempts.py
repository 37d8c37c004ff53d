"""One attempt of one task: its steps in order, its timeout, its cancellation, the faults asked for."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from services.localcloud.compute.launcher import Launcher
from services.localcloud.compute.model import Execution, Outcome, Step, Task, exited
from services.localcloud.compute.processes import Process
from services.localcloud.compute.settings import UnknownImage
from services.localcloud.faults import Faults, Rule


class Attempts:
    """Runs attempts. ``grace_s`` passes between SIGTERM and SIGKILL."""

    def __init__(self, launcher: Launcher, faults: Faults, grace_s: float) -> None:
        self._launcher = launcher
        self._faults = faults
        self._grace_s = grace_s

    async def run(self, execution: Execution, task: Task, cancelled: asyncio.Event) -> Outcome:
        """Never raises for what a task, its image or its fork server does: that is the outcome."""
        fault = self._faults.check(
            f"{execution.api}.task",
            job=execution.job,
            task=str(task.index),
            attempt=str(task.attempt),
            execution=execution.id,
        )
        try:
            outcome = await self._run(execution, task, cancelled, fault)
        except UnknownImage as error:
            outcome = Outcome(kind="unstartable", message=str(error))
        except OSError as error:
            outcome = Outcome(kind="lost", message=f"the attempt was lost: {error}")
        if not outcome.ok:
            _note(self._launcher.log_path(execution, task), task, outcome)
        return outcome

    async def _run(
        self, execution: Execution, task: Task, cancelled: asyncio.Event, fault: Rule | None
    ) -> Outcome:
        if fault and fault.action == "error":
            return Outcome(kind="fault", message=f"fault injected: {fault.action} (status {fault.status})")
        if fault and fault.action in ("delay", "reorder"):
            await asyncio.sleep(fault.delay_ms / 1000)
        steps = _Steps(self._launcher, execution, task, cancelled, self._grace_s)
        return await steps.run(fault.delay_ms / 1000 if fault and fault.action == "kill" else None)


class _Steps:
    """The steps of one attempt, within the task's time."""

    def __init__(
        self, launcher: Launcher, execution: Execution, task: Task, cancelled: asyncio.Event, grace_s: float
    ) -> None:
        self._launcher = launcher
        self._execution = execution
        self._task = task
        self._cancelled = cancelled
        self._grace_s = grace_s
        timeout_s = execution.plan.timeout_s
        self._deadline = asyncio.get_running_loop().time() + (timeout_s if timeout_s else float("inf"))
        self._background: list[Process] = []

    async def run(self, kill_after_s: float | None) -> Outcome:
        """The first failure that counts, else success. ``kill_after_s``: SIGKILL each step so long after."""
        failure: Outcome | None = None
        try:
            for number, step in enumerate(self._execution.plan.steps):
                if failure is None or step.always_run:
                    outcome = await self._step(number, step, kill_after_s)
                    failure = failure or (None if _tolerated(step, outcome) else outcome)
                if self._cancelled.is_set() or self._remaining() <= 0:
                    break
        finally:
            await asyncio.gather(*(self._terminate(process) for process in self._background))
        return failure or exited(0)

    async def _step(self, number: int, step: Step, kill_after_s: float | None) -> Outcome:
        process = await self._launcher.launch(self._execution, self._task, number)
        if kill_after_s is not None:
            asyncio.get_running_loop().call_later(kill_after_s, process.signal, signal.SIGKILL)
        if step.background:
            self._background.append(process)
            return exited(0)
        left = self._remaining()
        if step.timeout_s and step.timeout_s < left:
            return await self._watch(process, step.timeout_s, step.timeout_s)
        return await self._watch(process, left, self._execution.plan.timeout_s or left)

    async def _watch(self, process: Process, limit_s: float, told_s: float) -> Outcome:
        ended = asyncio.ensure_future(process.wait())
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        limit = None if limit_s == float("inf") else max(0.0, limit_s)
        try:
            await asyncio.wait({ended, cancelled}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
        if ended.done():
            return exited(ended.result())
        await self._terminate(process)
        if self._cancelled.is_set():
            return Outcome(kind="cancelled", message="cancelled")
        return Outcome(kind="timed_out", message=f"timed out after {told_s:g} s")

    async def _terminate(self, process: Process) -> None:
        """SIGTERM, then SIGKILL after the grace. Returns once the process is gone."""
        process.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._grace_s)
        except TimeoutError:
            process.signal(signal.SIGKILL)
            await process.wait()

    def _remaining(self) -> float:
        return self._deadline - asyncio.get_running_loop().time()


def _tolerated(step: Step, outcome: Outcome) -> bool:
    return outcome.ok or (step.ignore_exit_status and outcome.kind in ("exited", "signalled"))


def _note(path: Path, task: Task, outcome: Outcome) -> None:
    """Tell the reader of the log how it ended, where the task itself could not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as log:
        log.write(f"[local cloud] attempt {task.attempt} of task {task.index} failed: {outcome.message}\n")
