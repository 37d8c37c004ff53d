"""``student agent``: serve what the channels say, for ever, behind one address.

``--socket PATH``, or ``--host`` and ``--port``; everything else stands in the environment
(``student.settings.AgentSettings``). SIGTERM: nothing new is taken, what is under way is answered, exit 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.errors import FitSenseError
from fitsense.telemetry import configure_logging
from student.serving.cache import ModelCache
from student.serving.follower import Follower, Habits
from student.serving.front import CONNECT_S, Front
from student.serving.hints import Hints
from student.serving.hosts import Spares
from student.serving.node import Node
from student.serving.options import EngineOptions
from student.settings import AgentSettings

log = structlog.get_logger(__name__)


def main(arguments: list[str]) -> int:
    """0 after SIGTERM, 65 for a setting that is wrong."""
    configure_logging("student-agent")
    parser = argparse.ArgumentParser(prog="student agent")
    parser.add_argument("--socket", type=Path, help="listen on a Unix socket")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 is a free one")
    options = parser.parse_args(arguments)
    try:
        settings = AgentSettings.from_env()
    except FitSenseError as error:
        log.error("agent.misconfigured", reason=error.message, hint=error.hint)
        return error.exit_code

    def site(runner: web.AppRunner) -> web.BaseSite:
        if options.socket:
            return web.UnixSite(runner, str(options.socket))
        return web.TCPSite(runner, options.host, options.port)

    asyncio.run(Agent(settings).run(site))
    return 0


class Agent:
    """Front, node and follower of one process."""

    def __init__(self, settings: AgentSettings) -> None:
        self.settings = settings
        self.cloud = Cloud(settings.cloud)

    async def run(self, site: Callable[[web.AppRunner], web.BaseSite]) -> None:
        """Until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=limits, connector=connector) as session:
            await self._serve(session, site, stop)

    async def _serve(
        self,
        session: aiohttp.ClientSession,
        site: Callable[[web.AppRunner], web.BaseSite],
        stop: asyncio.Event,
    ) -> None:
        node, follower = self._parts(session)
        front = Front(node, session, told(follower))
        runner = web.AppRunner(front.app(), handler_cancellation=True, shutdown_timeout=1.0, access_log=None)
        await runner.setup()
        listener = site(runner)
        await listener.start()
        log.info("agent.listening", address=runner.addresses[0])
        following = asyncio.create_task(self._follow(follower))
        await stop.wait()
        log.info("agent.draining", in_flight=node.in_flight)
        front.draining = True
        following.cancel()
        await listener.stop()
        await node.drain(self.settings.drain_s)
        await runner.cleanup()
        await node.stop()
        log.info("agent.stopped")

    def _parts(self, session: aiohttp.ClientSession) -> tuple[Node, Follower]:
        settings = self.settings
        store = ArtifactStore(self.cloud.bucket)
        cache = ModelCache(store, settings.cache)
        options = EngineOptions(max_num_seqs=settings.sequences, max_loras=settings.keep_versions + 4)
        spares = Spares(options, settings.cache / "logs", keep=settings.spare)
        spares.refill()
        node = Node(cache, spares, session)
        habits = Habits(settings.node, settings.follow_s, settings.keep_versions)
        return node, Follower(store, node, cache, habits)

    async def _follow(self, follower: Follower) -> None:
        loop = asyncio.get_running_loop()

        def hint() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(follower.hint)

        # Imports of Google's clients take a second, in which nobody would be answered.
        await asyncio.to_thread(lambda: (self.cloud.bucket, self.cloud.subscriber))
        hints = Hints(self.cloud, self.settings.subscription, hint)
        hints.start()
        try:
            await follower.run()
        finally:
            hints.stop()


def told(follower: Follower) -> dict[str, Any]:
    """What ``healthz`` shows of the follower, as it is when it is asked."""
    return {
        "wanted": lambda: follower.channels.champion,
        "change": lambda: len(follower.channels.history),
        "refused": lambda: follower.refused,
        "error": lambda: follower.error or None,
        "last_error": lambda: follower.last_error or None,
    }
