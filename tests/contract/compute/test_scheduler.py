"""Schedules: ticks reach their target, a failing one is tried again at the next tick."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.localcloud.component import Context
from services.localcloud.compute.scheduler import Scheduler
from services.localcloud.compute.settings import ComputeSettings, Schedule
from services.localcloud.faults import Faults
from services.localcloud.http import ApiError
from tests.cloud import CloudProcess
from tests.contract.compute.servers import serving


def test_a_url_is_posted_to_again_after_a_failure(tmp_path: Path) -> None:
    with serving() as target:
        target.failures_left = 2
        schedule = {"name": "tick", "every_s": 0.02, "url": f"{target.url}/echo", "data": {"tick": 1}}
        cloud = CloudProcess(tmp_path, parts="compute", settings={"schedules": [schedule]}).start()
        try:
            for _ in range(4):
                method, path, headers, body = target.requests.get(timeout=10)
                assert (method, path, body) == ("POST", "/echo", b'{"tick":1}')
                assert headers["X-CloudScheduler-JobName"] == "tick"
        finally:
            cloud.stop()
    log = (tmp_path / "localcloud.log").read_text()
    assert log.count("scheduler.failed") == 2
    assert "answered 500" in log


def test_a_topic_is_published_to_by_its_full_name(tmp_path: Path) -> None:
    published: list[tuple[str, bytes, dict[str, str]]] = []
    enough = asyncio.Event()

    async def publish(topic: str, data: bytes, attributes: dict[str, str]) -> None:
        published.append((topic, data, attributes))
        if len(published) == 3:
            enough.set()
        if len(published) == 1:
            raise ApiError(404, "no such topic yet")

    async def three_ticks() -> None:
        context = Context(tmp_path, "proj", "local", Faults(), publish=publish)
        schedule = Schedule(name="t", every_s=0.001, topic="artifacts", data="go", attributes={"a": "b"})
        scheduler = Scheduler(context, [schedule])
        scheduler.start()
        await asyncio.wait_for(enough.wait(), 30)
        await scheduler.stop()

    asyncio.run(three_ticks())
    assert published[2] == ("projects/proj/topics/artifacts", b"go", {"a": "b"})


def test_a_schedule_needs_one_target() -> None:
    with pytest.raises(ValueError, match="needs either a topic or a url"):
        ComputeSettings.parse({"schedules": [{"name": "t", "every_s": 1}]})
