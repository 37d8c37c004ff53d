"""A host: one engine with the versions that stand on one base. It is started again whenever it dies."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import aiohttp
import structlog

from fitsense.errors import FitSenseError
from student.serving.cache import LocalModel
from student.serving.engine import Engine
from student.serving.options import EngineOptions, rank_of, room_for
from student.serving.probe import probe

log = structlog.get_logger(__name__)

State = Literal["starting", "ready", "down", "stopped"]
READY_S = 300.0
"""The longest that an engine may take to start: some gigabytes of weights from a cold disk."""
WATCH_S = 0.5
ANSWER_S = 10.0
SILENT_CHECKS = 3
"""So many health checks without an answer in ANSWER_S, and an engine that still runs counts as hung."""
MAX_BACKOFF_S = 30.0


class Spares:
    """Engines for whoever needs one. One may be kept that has done its imports and only needs its model."""

    def __init__(self, options: EngineOptions, logs: Path, *, keep: bool) -> None:
        self.options = options
        self._logs = logs
        self._keep = keep
        self._spare: Engine | None = None

    def refill(self) -> None:
        """Begin one, if one is to be kept and there is none."""
        if self._keep and (self._spare is None or not self._spare.alive):
            self._spare = self._new()

    def take(self, options: EngineOptions | None = None) -> Engine:
        """The spare, or a new one when there is none."""
        options = options or self.options
        engine, self._spare = self._spare, None
        if engine is None or not engine.alive:
            return self._new(options)
        engine.options = options
        return engine

    def _new(self, options: EngineOptions | None = None) -> Engine:
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        return Engine.spare(options or self.options, log_path=self._logs / f"engine-{stamp}.log")

    def stop(self) -> None:
        self._keep = False
        if self._spare is not None:
            self._spare.kill()


class Host:
    """``key`` says which models it can hold (``LocalModel.key``), ``versions`` which it does."""

    def __init__(self, model: LocalModel, spares: Spares, session: aiohttp.ClientSession) -> None:
        self.key = model.key
        self.state: State = "starting"
        self.since = dt.datetime.now(dt.UTC)
        self.restarts = 0
        self.error = ""
        self.versions: dict[str, LocalModel] = {}
        self.refresh: Callable[[str], object] = str
        self._first = model
        self._spares = spares
        self._session = session
        self._alone = asyncio.Lock()
        self._engine: Engine | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.options = _options_for(model, spares.options)

    @property
    def url(self) -> str:
        return self._engine.url if self._engine else ""

    @property
    def pid(self) -> int | None:
        return self._engine.pid if self._engine else None

    def holds(self, model: LocalModel) -> bool:
        """Whether ``model`` can be added to it."""
        fits = model.adapter is None or rank_of(model.adapter) <= self.options.max_lora_rank
        return self.state != "stopped" and self.key == model.key and fits

    async def start(self) -> None:
        """Start its engine on the bare base. Raises EngineDied."""
        async with self._alone:
            await self._launch()
        self._to("ready")
        self._watcher = asyncio.create_task(self._watch())

    async def _launch(self) -> None:
        self._engine = engine = self._spares.take(self.options)
        engine.launch(self._first.base, name=self._first.version if self._first.adapter is None else "base")
        try:
            await asyncio.to_thread(engine.wait_ready, READY_S)
        except FitSenseError:
            await asyncio.to_thread(engine.kill)
            raise

    async def load(self, model: LocalModel) -> None:
        """Serve ``model`` by its version's name; full weights are there already. Raises BadAdapter."""
        async with self._alone:
            if model.version not in self.versions:
                await self._load(model)
                self.versions[model.version] = model

    async def _load(self, model: LocalModel) -> None:
        assert self._engine is not None
        if model.adapter is not None:
            await asyncio.to_thread(self._engine.load_adapter, model.version, model.adapter)

    async def unload(self, version: str) -> None:
        async with self._alone:
            model = self.versions.pop(version, None)
            if model and model.adapter and self._engine and self.state == "ready":
                await asyncio.to_thread(self._engine.unload_adapter, version)

    async def answers(self, within_s: float = ANSWER_S) -> bool:
        """Whether its engine says that it is well, now."""
        if self.state != "ready" or self._engine is None or not self._engine.alive:
            return False
        try:
            limit = aiohttp.ClientTimeout(total=within_s)
            async with self._session.get(f"{self.url}/health", timeout=limit) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _watch(self) -> None:
        """Until it is stopped: see the engine die, or fall silent, and start it again."""
        silent = 0
        while self.state != "stopped":
            await asyncio.sleep(WATCH_S)
            silent = 0 if await self.answers() else silent + 1
            alive = self._engine is not None and self._engine.alive
            if not alive or silent >= SILENT_CHECKS:
                await self._restart()
                silent = 0

    async def _restart(self) -> None:
        """Try until it stands, waiting longer each time; all versions come back, the last one is probed."""
        assert self._engine is not None
        self.error = f"the engine died: {self._engine.last_words(400)}"
        self._to("down")
        log.error("engine.died", pid=self.pid, words=self._engine.last_words())
        await asyncio.to_thread(self._engine.kill)
        backoff = 0.5
        while self.state != "stopped":
            self.restarts += 1
            try:
                await self._restarted()
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
                log.exception("engine.restart_failed", restarts=self.restarts)
                await asyncio.to_thread(self._engine.kill)
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF_S)
            else:
                self._to("ready")
                log.info("engine.restarted", pid=self.pid, restarts=self.restarts)
                return

    async def _restarted(self) -> None:
        async with self._alone:
            await self._launch()
            for version, model in self.versions.items():
                await asyncio.to_thread(self.refresh, version)
                await self._load(model)
        if self.versions:
            await probe(self._session, self.url, list(self.versions)[-1])

    def _to(self, state: State) -> None:
        if self.state != "stopped":
            self.state, self.since = state, dt.datetime.now(dt.UTC)

    async def stop(self) -> None:
        """End its engine; what is in flight is cut off."""
        self._to("stopped")
        if self._watcher is not None:
            self._watcher.cancel()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.stop)
        log.info("host.stopped", key=self.key, versions=list(self.versions))


def _options_for(model: LocalModel, options: EngineOptions) -> EngineOptions:
    """Room for its adapter's rank; none at all beside full weights."""
    if model.adapter is None:
        return replace(options, lora=False)
    return replace(options, max_lora_rank=room_for([options.max_lora_rank, rank_of(model.adapter)]))
