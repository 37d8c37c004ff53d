"""From a step of a plan to a process: image, command line, environment, folder, log file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.localcloud.component import Context
from services.localcloud.compute.model import Execution, Step, Task
from services.localcloud.compute.processes import Command, Process
from services.localcloud.compute.settings import (
    ComputeSettings,
    bare_name,
    cloud_environment,
    host_environment,
    resolved_cwd,
    resolved_secrets,
)
from services.localcloud.compute.spawner import Spawner


class Launcher:
    """Starts steps. One fork server for each image that names a module, one for everything else."""

    def __init__(self, context: Context, settings: ComputeSettings, logs: Path) -> None:
        self._context = context
        self._settings = settings
        self._logs = logs
        self._plain = Spawner("plain", None, [], logs / "forkserver.log")
        self._forking = {
            name: Spawner(name, image, settings.preload, logs / f"forkserver-{name.replace('/', '_')}.log")
            for name, image in settings.images.items()
            if image.fork
        }
        self._warming: list[asyncio.Task[object]] = []

    def start(self) -> None:
        """Bring the fork servers up in the background, so that the first task finds them warm."""
        spawners = [self._plain, *self._forking.values()]
        self._warming = [asyncio.create_task(spawner.warm()) for spawner in spawners]

    async def stop(self) -> None:
        """Kill every process."""
        await asyncio.gather(*(spawner.close() for spawner in (self._plain, *self._forking.values())))
        await asyncio.gather(*self._warming, return_exceptions=True)

    def log_path(self, execution: Execution, task: Task) -> Path:
        return self._logs / execution.log_file(task)

    async def launch(self, execution: Execution, task: Task, number: int) -> Process:
        """Start step ``number`` of a task. Raises UnknownImage, SpawnerDied or OSError."""
        step = execution.plan.steps[number]
        log = self.log_path(execution, task)
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = self._environment(execution, task, step)
        if step.script:
            script = log.with_suffix(f".step-{number}.sh")
            _write_script(script, step.script)
            return await self._plain.start(Command([str(script)], [], environment, log.parent, log))
        image = self._settings.image(step.image)
        spawner = self._forking.get(step.image) or self._forking.get(bare_name(step.image)) or self._plain
        cwd = resolved_cwd(image)
        return await spawner.start(Command([*image.argv, *step.args], step.args, environment, cwd, log))

    def _environment(self, execution: Execution, task: Task, step: Step) -> dict[str, str]:
        plan = execution.plan
        return {
            **host_environment(),
            **cloud_environment(self._context.url, self._context.project),
            **(self._settings.image(step.image).env if step.image else {}),
            **(plan.task_env[task.index] if plan.task_env else {}),
            **step.env,
            **resolved_secrets(step.secrets),
            **platform_environment(execution, task),
        }


def platform_environment(execution: Execution, task: Task) -> dict[str, str]:
    """What Google's machines tell a task about itself.

    https://cloud.google.com/run/docs/container-contract#jobs-env-vars and
    https://cloud.google.com/batch/docs/create-run-job-environment-variables.
    """
    index, count, attempt = str(task.index), str(execution.plan.task_count), str(task.attempt)
    if execution.api == "run":
        return {
            "CLOUD_RUN_JOB": execution.job,
            "CLOUD_RUN_EXECUTION": execution.id,
            "CLOUD_RUN_TASK_INDEX": index,
            "CLOUD_RUN_TASK_COUNT": count,
            "CLOUD_RUN_TASK_ATTEMPT": attempt,
        }
    return {
        "BATCH_JOB_ID": execution.job,
        "BATCH_JOB_UID": execution.uid,
        "BATCH_TASK_INDEX": index,
        "BATCH_TASK_COUNT": count,
        "BATCH_TASK_RETRY_ATTEMPT": attempt,
    }


def _write_script(path: Path, text: str) -> None:
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}")
    path.chmod(0o700)
