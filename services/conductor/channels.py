"""Telling every change of the channels: one CloudEvent each on topic ``models``, at least once.

Whoever swaps ``models/channels.json`` may die right after it. So the conductor tells: on the bucket's
notification, and again on every tick, it publishes what has no mark yet, then marks it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from fitsense.artifacts import ArtifactStore
from fitsense.events import (
    ChannelsChanged,
    Event,
    ModelCanaried,
    ModelChallenged,
    ModelPromoted,
    ModelRolledBack,
)
from fitsense.models import channels
from fitsense.models.channels import Change
from fitsense.models.manifest import ModelManifest, model_name

TOLD = "model_events/"

EVENTS: dict[channels.Action, type[ChannelsChanged]] = {
    "promoted": ModelPromoted,
    "rolled_back": ModelRolledBack,
    "canaried": ModelCanaried,
    "challenged": ModelChallenged,
}


class ChannelTeller:
    """Publishes changes in their order; an id says which, so that a reader can drop a second telling."""

    def __init__(self, store: ArtifactStore, emit: Callable[[Event], None]) -> None:
        self.store = store
        self.emit = emit
        self._told: set[str] | None = None
        self._alone = threading.Lock()

    def tell(self) -> None:
        """Publish every change that has no mark."""
        with self._alone:
            if self._told is None:
                self._told = set(self.store.names(TOLD))
            for change in channels.read(self.store).history:
                name = f"{TOLD}{change.number:08d}-{change.id}.json"
                if name not in self._told:
                    self._tell(change, name)
                    self._told.add(name)

    def _tell(self, change: Change, name: str) -> None:
        if not self.store.exists(name):
            self.emit(self._event(change))
            self.store.create_model(name, change)

    def _event(self, change: Change) -> Event:
        manifest = self.store.read_model(model_name(change.version), ModelManifest)
        told = change.model_dump(include={"version", "number", "champion", "challenger", "traffic"})
        told |= change.model_dump(include={"by", "reason", "forced"})
        return EVENTS[change.action](run_id=manifest.run_id if manifest else change.version, **told)
