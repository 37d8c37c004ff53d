"""Makes the node serve what ``models/channels.json`` says. Events are hints; the file is the truth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from fitsense.artifacts import ArtifactStore
from fitsense.errors import Permanent, Retryable
from fitsense.guard import TRANSIENT
from fitsense.models import channels
from fitsense.models.channels import Channels, NotPossible, Wanted, Wish
from student.serving.cache import ModelCache
from student.serving.node import Node
from student.serving.routing import Routes

log = structlog.get_logger(__name__)


class Refusal(NamedTuple):
    """Why a version cannot serve, and the number of the last change that was known then."""

    reason: str
    change: int


@dataclass(frozen=True)
class Habits:
    """``name`` is this node's in the history; ``every_s`` the time between looks without a hint."""

    name: str = "agent"
    every_s: float = 2.0
    keep_versions: int = 2


class Follower:
    """``error`` is why the node does not serve what it should, empty when it does; ``last_error`` stays.

    One task looks and flips, which takes no time; another one, a piece of work at a time, brings what is
    missing: so that a roll-back never waits for an engine that starts.
    """

    def __init__(self, store: ArtifactStore, node: Node, cache: ModelCache, habits: Habits) -> None:
        self.error = ""
        self.last_error = ""
        self.channels = Channels()
        self._store = store
        self._node = node
        self._cache = cache
        self._habits = habits
        self._hint = asyncio.Event()
        self._looking = asyncio.Lock()
        self._refused: dict[str, Refusal] = {}
        self._looked_back = -1
        self._work: asyncio.Task[None] | None = None

    def hint(self) -> None:
        """Something may have changed: look now."""
        self._hint.set()

    @property
    def refused(self) -> dict[str, str]:
        """Versions that could not serve, with the reasons."""
        return {version: refusal.reason for version, refusal in self._refused.items()}

    async def run(self) -> None:
        """For ever. No error ends it: it is shown, and the next look begins anew."""
        try:
            while True:
                self._hint.clear()
                await self._guarded(self._look())
                if self._work is None or self._work.done():
                    self._work = asyncio.create_task(self._guarded(self._catch_up()))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hint.wait(), self._habits.every_s)
        finally:
            if self._work is not None:
                self._work.cancel()

    async def _guarded(self, step: Awaitable[None]) -> None:
        try:
            await step
        except (Retryable, *TRANSIENT) as error:
            self._failed(f"{type(error).__name__}: {error}")
            log.warning("follow.unavailable", reason=self.error)
        except Exception as error:
            self._failed(f"{type(error).__name__}: {error}")
            log.exception("follow.crashed")

    def _failed(self, reason: str) -> None:
        self.error = self.last_error = reason

    async def _look(self) -> None:
        async with self._looking:  # else an older reading might come in after a newer one
            self.channels = await asyncio.to_thread(channels.read, self._store)
            self._node.flip(self._routes())

    async def _catch_up(self) -> None:
        """Bring what is missing, let go of what is old."""
        for version in self._missing():
            try:
                await self._node.bring(version)
            except Permanent as error:
                await self._refuse(version, error)
            await self._look()
        if not self._missing() and not self._refused_now(self.channels.champion):
            self.error = ""
        await self._bring_previous()
        named = [name for name in (self.channels.previous, self.channels.challenger) if name]
        self._node.retire(named, self._habits.keep_versions)
        await asyncio.to_thread(self._cache.prune, self._node.loaded | {*named})
        if self._missing():  # a change that came meanwhile
            self.hint()

    def _routes(self) -> Routes:
        """What the channels say, as far as it is loaded; else as it was."""
        now, there = self.channels, self._node.servings
        champion = now.champion if now.champion in there else self._node.routes.champion
        if now.champion is None or champion not in there:
            champion = None
        if now.challenger not in there or now.challenger == champion:
            return Routes(champion)
        return Routes(champion, now.challenger, now.traffic)

    def _missing(self) -> list[str]:
        now = self.channels
        wanted = Routes(now.champion, now.challenger, now.traffic).wanted
        return [v for v in wanted if v not in self._node.servings and not self._refused_now(v)]

    def _refused_now(self, version: str | None) -> bool:
        """Whether it was refused since the channels were last changed: a new order is a new trial."""
        if version is None or version not in self._refused:
            return False
        return self._refused[version].change == len(self.channels.history)

    async def _bring_previous(self) -> None:
        """What a roll-back would go back to, if the champion's engine can hold it: then it takes no time."""
        previous, change = self.channels.previous, len(self.channels.history)
        if previous is None or previous in self._node.servings or change == self._looked_back:
            return
        self._looked_back = change
        try:
            key = await asyncio.to_thread(self._cache.key, previous)
            if key in self._node.keys:
                await self._node.bring(previous)
        except Permanent as error:
            self._refused[previous] = Refusal(error.message, change)
            log.warning("previous.refused", version=previous, reason=error.message)

    async def _refuse(self, version: str, error: Permanent) -> None:
        """Take the channels back, for this node and everybody."""
        self._failed(f"{version}: {type(error).__name__}: {error.message}")
        log.error("version.refused", version=version, error=type(error).__name__, reason=error.message)
        by, reason = f"agent {self._habits.name}", f"{type(error).__name__}: {error.message}"[:1000]
        try:
            self.channels = await asyncio.to_thread(
                channels.change, self._store, take_back(version, by, reason)
            )
        except NotPossible as impossible:
            log.error("roll_back.impossible", version=version, reason=impossible.message)
        self._refused[version] = Refusal(reason, len(self.channels.history))


def take_back(version: str, by: str, reason: str) -> Wanted:
    """Roll the champion back, or end the challenger's trial; nothing when it is neither any more."""

    def wanted(now: Channels) -> Wish | None:
        if now.champion == version:
            return channels.roll_back(by, reason, expected=version)(now)
        if now.challenger == version and now.traffic:
            return channels.canary(version, 0, by, reason)(now)
        return None

    return wanted
