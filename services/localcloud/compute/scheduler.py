"""Ticks: what Cloud Scheduler does with a Pub/Sub or an HTTP target, without its REST surface."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson
import structlog

from services.localcloud.component import Context
from services.localcloud.compute.settings import Schedule
from services.localcloud.http import ApiError

log = structlog.get_logger(__name__)

TIMEOUT_S = 30.0


class Scheduler:
    """Fires each schedule at a fixed rate. A tick that its target is too slow for is left out, not queued."""

    def __init__(self, context: Context, schedules: list[Schedule]) -> None:
        self._context = context
        self._schedules = schedules
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep(schedule)) for schedule in self._schedules]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, schedule: Schedule) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            elapsed = loop.time() - start
            await asyncio.sleep(schedule.every_s - elapsed % schedule.every_s)
            try:
                await self._fire(schedule)
            except (ApiError, aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                log.warning(
                    "scheduler.failed", schedule=schedule.name, error=f"{type(error).__name__}: {error}"
                )

    async def _fire(self, schedule: Schedule) -> None:
        data = schedule.data.encode() if isinstance(schedule.data, str) else orjson.dumps(schedule.data)
        if schedule.topic:
            await self._publish(schedule, data)
        else:
            await self._post(schedule, data)

    async def _publish(self, schedule: Schedule, data: bytes) -> None:
        if self._context.publish is None:
            raise ApiError(503, "the Pub/Sub part is not running")
        topic = schedule.topic
        if "/" not in topic:
            topic = f"projects/{self._context.project}/topics/{topic}"
        await self._context.publish(topic, data, dict(schedule.attributes))

    async def _post(self, schedule: Schedule, data: bytes) -> None:
        url = self._context.url + schedule.url if schedule.url.startswith("/") else schedule.url
        headers = {"Content-Type": "application/json", "User-Agent": "Google-Cloud-Scheduler"}
        headers |= {
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": schedule.name,
            **schedule.attributes,
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=data, headers=headers) as response,
        ):
            if response.status >= 400:
                raise ApiError(response.status, f"{url} answered {response.status}")
