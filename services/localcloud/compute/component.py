"""The compute part wired together."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from services.localcloud.component import Context
from services.localcloud.compute.attempts import Attempts
from services.localcloud.compute.batch_api import BatchApi
from services.localcloud.compute.launcher import Launcher
from services.localcloud.compute.operations import Operations
from services.localcloud.compute.run_api import RunApi
from services.localcloud.compute.scheduler import Scheduler
from services.localcloud.compute.settings import ComputeSettings
from services.localcloud.compute.store import Store
from services.localcloud.compute.tasks import Runner


class Compute:
    """State in ``state/compute/compute.sqlite``, logs in ``state/compute/logs/<job>/<execution>/``."""

    def __init__(self, context: Context) -> None:
        settings = ComputeSettings.parse(context.settings)
        folder = context.state / "compute"
        logs = folder / "logs"
        self._store = Store(folder / "compute.sqlite")
        self._launcher = Launcher(context, settings, logs)
        attempts = Attempts(self._launcher, context.faults, settings.grace_s)
        self._runner = Runner(self._store, attempts, settings)
        operations = Operations(self._store, logs)
        self._run_api = RunApi(context, self._store, self._runner, operations, logs)
        self._batch_api = BatchApi(context, self._store, self._runner, operations)
        self._scheduler = Scheduler(context, settings.schedules)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [*self._run_api.routes(), *self._batch_api.routes()]

    async def start(self) -> None:
        self._launcher.start()
        self._runner.recover()
        self._scheduler.start()

    async def stop(self) -> None:
        await self._scheduler.stop()
        await self._runner.stop()
        await self._launcher.stop()
        self._store.close()
