"""Progress of a task as events on the ``runs`` topic: for people who watch, never for decisions."""

from __future__ import annotations

import time
from typing import Protocol

import structlog

from fitsense.cloud import Cloud
from fitsense.events import StageProgressed, publish
from fitsense.settings import TaskSettings

log = structlog.get_logger(__name__)

FIRST_AFTER_S = 0.7
"""Tasks shorter than this say nothing: opening a channel would cost more than they take."""
EVERY_S = 0.5


class Report(Protocol):
    """Told how far a task is; ``eta_s`` where the task knows better than the rate so far."""

    def __call__(
        self,
        done: int,
        total: int,
        unit: str,
        tokens: int,
        cost_usd: float,
        note: str = "",
        eta_s: float | None = None,
    ) -> None: ...


class ProgressReporter:
    """Call it as often as you like; it speaks at most twice a second, and a dead bus cannot stop it."""

    def __init__(self, cloud: Cloud, task: TaskSettings, stage: str) -> None:
        self._cloud = cloud
        self._task = task
        self._stage = stage
        self._started = time.monotonic()
        self._next = self._started + FIRST_AFTER_S
        self._sequence = 0

    def __call__(
        self,
        done: int,
        total: int,
        unit: str,
        tokens: int,
        cost_usd: float,
        note: str = "",
        eta_s: float | None = None,
    ) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        self._sequence += 1
        event = StageProgressed(
            run_id=self._task.run_id,
            stage=self._stage,
            task=self._task.index,
            done=done,
            total=total,
            unit=unit,
            note=note,
            eta_s=eta_s if eta_s is None else round(eta_s, 1),
            tokens=tokens,
            cost_usd=round(cost_usd, 6),
            seconds=round(now - self._started, 3),
            sequence=self._sequence,
        )
        publish(self._cloud, "runs", event, wait=False)
