"""What this node serves: versions on hosts, the alias's routes, and who is being answered by what."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import structlog

from fitsense.errors import FitSenseError, Permanent, Unavailable
from student.serving.cache import LocalModel, ModelCache
from student.serving.engine import EngineDied
from student.serving.hosts import Host, Spares
from student.serving.probe import probe
from student.serving.routing import Routes

log = structlog.get_logger(__name__)

START_TRIES = 2
RETIRE_S = 300.0
"""Answers under way keep their version for that long."""


class NotServed(Permanent):
    """This node serves no such version."""

    status = 404


class NotReady(Unavailable):
    """Nothing serves at the moment; ``healthz`` says why."""


class NotServable(Permanent):
    """A version on whose files no engine starts."""

    status = 422


@dataclass
class Serving:
    """One version on its host. ``since`` is when it passed its probe."""

    version: str
    host: Host
    since: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    in_flight: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    @contextmanager
    def answering(self) -> Iterator[Serving]:
        """Count one answer under way."""
        self.in_flight += 1
        self.idle.clear()
        try:
            yield self
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self.idle.set()


class Node:
    """One asyncio loop's own. ``flip`` takes effect between two requests; nothing under way notices."""

    def __init__(self, cache: ModelCache, spares: Spares, session: aiohttp.ClientSession) -> None:
        self.routes = Routes()
        self.servings: dict[str, Serving] = {}
        self.hosts: list[Host] = []
        self.loading = ""
        self.flips = 0
        self._cache = cache
        self._spares = spares
        self._session = session
        self._recent: list[str] = []
        self._retiring: dict[str, asyncio.Task[None]] = {}

    @contextmanager
    def lease(self, model: str, user: str) -> Iterator[Serving]:
        """The version that answers this request; it stays loaded until the lease ends.

        Raises NotServed for a version that is not here, NotReady while nobody can answer.
        """
        version = self.routes.resolve(model, user)
        if version is None:
            raise NotReady("no model serves yet", hint="promote one: fitsense models promote")
        serving = self.servings.get(version)
        if serving is None:
            raise NotServed(f"the model {version} does not exist here", hint=", ".join(self.servings))
        if serving.host.state != "ready":
            raise NotReady(f"the engine of {version} is {serving.host.state}")
        with serving.answering():
            yield serving

    @property
    def in_flight(self) -> int:
        return sum(serving.in_flight for serving in self.servings.values())

    async def bring(self, version: str) -> None:
        """Download, load and probe a version; it serves nobody yet, unless by its own name.

        Raises BadArtifact, BadAdapter, ProbeFailed or NotServable for a version that cannot serve, and
        errors that may pass as they come.
        """
        self.loading = version
        try:
            if version in self._retiring:
                await self._retiring[version]
            model = await asyncio.to_thread(self._cache.fetch, version)
            host = await self._host(model)
            await host.load(model)
            try:
                await probe(self._session, host.url, version)
            except BaseException:
                await self._drop(Serving(version, host))
                raise
            self.servings[version] = Serving(version, host)
            log.info("version.ready", version=version, pid=host.pid)
        finally:
            self.loading = ""

    async def _host(self, model: LocalModel) -> Host:
        """The running engine that can take it, or another one beside it."""
        found = next((host for host in self.hosts if host.holds(model)), None)
        if found is not None:
            return found
        host = Host(model, self._spares, self._session)
        host.refresh = self._cache.fetch
        self.hosts.append(host)
        for attempt in range(1, START_TRIES + 1):
            try:
                await host.start()
            except EngineDied as error:
                if attempt == START_TRIES:
                    self.hosts.remove(host)
                    raise NotServable(f"no engine starts on {model.version}: {error.message}") from error
                log.warning("engine.not_started", version=model.version, reason=error.message)
            else:
                break
        self._spares.refill()
        return host

    def flip(self, routes: Routes) -> None:
        """From now on the alias stands for these."""
        if routes == self.routes:
            return
        before, self.routes = self.routes, routes
        self.flips += 1
        for version in reversed(routes.wanted):
            self._recent = [version, *(other for other in self._recent if other != version)]
        log.info("alias.flipped", before=before.champion, champion=routes.champion,
                 challenger=routes.challenger, traffic=routes.traffic)  # fmt: skip

    def retire(self, needed: Collection[str], old: int) -> None:
        """Unload what is neither needed nor among the ``old`` last ones, once it has no more to answer."""
        keys, kept = self.keys, set(needed) | set(self.routes.wanted)
        spare = [v for v in self._recent if v in self.servings and v not in kept]
        kept |= set(spare[:old])
        for serving in list(self.servings.values()):
            if serving.version not in kept or (keys and serving.host.key not in keys):
                del self.servings[serving.version]
                self._retiring[serving.version] = asyncio.create_task(self._retire(serving))

    async def _retire(self, serving: Serving) -> None:
        try:
            await _until_idle([serving], RETIRE_S)
            await self._drop(serving)
            log.info("version.unloaded", version=serving.version)
        except FitSenseError:
            log.exception("version.not_unloaded", version=serving.version)
        finally:
            del self._retiring[serving.version]

    async def _drop(self, serving: Serving) -> None:
        """Unload it; a host that holds nothing any more ends."""
        host = serving.host
        await host.unload(serving.version)
        if not host.versions and host in self.hosts:
            self.hosts.remove(host)
            await host.stop()

    @property
    def keys(self) -> set[str]:
        """Of the engines that answer to the alias."""
        return {self.servings[v].host.key for v in self.routes.wanted if v in self.servings}

    @property
    def loaded(self) -> set[str]:
        """Versions whose files are in use."""
        return {version for host in self.hosts for version in host.versions} | {self.loading}

    async def drain(self, at_most_s: float) -> None:
        """Wait until nothing is in flight."""
        await _until_idle([*self.servings.values()], at_most_s)

    async def stop(self) -> None:
        """End all engines."""
        self._spares.stop()
        await asyncio.gather(*(host.stop() for host in self.hosts))


async def _until_idle(servings: Collection[Serving], at_most_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            for serving in servings:
                await serving.idle.wait()
