"""Following a run: what the bucket shows, with progress from events between two landings."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fitsense.cloud import Cloud
from fitsense.errors import BadMessage, Unavailable
from fitsense.events import StageProgressed, StageStarted, decode
from fitsense.runs import RunReader, RunView, StageView

POLL_S = 0.25
CLEAN_UP_S = 5.0
_STYLE = {"waiting": "dim", "running": "cyan", "landed": "green", "failed": "bold red", "skipped": "dim"}


@dataclass
class Progress:
    """What the tasks of one stage said last, together."""

    tasks: dict[int, StageProgressed] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(task.done for task in self.tasks.values())

    @property
    def total(self) -> int:
        return sum(task.total for task in self.tasks.values())

    @property
    def rate(self) -> float:
        return sum(task.done / task.seconds for task in self.tasks.values() if task.seconds)

    @property
    def eta_s(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None

    def words(self) -> str:
        unit = next((task.unit for task in self.tasks.values()), "rows")
        tokens = sum(task.tokens for task in self.tasks.values())
        cost = sum(task.cost_usd for task in self.tasks.values())
        words = [f"{self.done:,}/{self.total:,} {unit}", f"{self.rate:,.0f}/s"]
        words += [f"{tokens:,} tok"] if tokens else []
        words += [f"${cost:.2f}"] if cost else []
        words += [f"ETA {self.eta_s:.0f} s"] if self.eta_s is not None else []
        return ", ".join(words)


@contextmanager
def listening(cloud: Cloud, run_id: str, seen: Callable[[Any], None]) -> Iterator[None]:
    """Hear the run's events on a subscription of one's own; gone afterwards, or by itself in a day."""
    from google.api_core.exceptions import GoogleAPIError

    name = cloud.subscription(f"follow-{uuid.uuid4().hex[:16]}")
    request = {
        "name": name,
        "topic": cloud.topic("runs"),
        "filter": f'attributes.run_id = "{run_id}"',
        "expiration_policy": {"ttl": {"seconds": 86_400}},
    }
    cloud.subscriber.create_subscription(request=request)

    def hear(message: Any) -> None:
        message.ack()
        with suppress(BadMessage):  # of a newer version of FitSense: nothing we could show
            seen(decode(message.data))

    stream = cloud.subscriber.subscribe(name, callback=hear)
    try:
        yield
    finally:
        stream.cancel()
        with suppress(Exception):  # the stream ends with whatever was in flight; there is no more use for it
            stream.result(timeout=CLEAN_UP_S)
        with suppress(GoogleAPIError):  # it expires by itself, and the cloud may be gone
            request = {"subscription": name}
            cloud.subscriber.delete_subscription(request=request, timeout=CLEAN_UP_S, retry=None)


class Follower:
    """Shows one run until it ends."""

    def __init__(self, cloud: Cloud, reader: RunReader, run_id: str, console: Console) -> None:
        self.cloud = cloud
        self.reader = reader
        self.run_id = run_id
        self.console = console
        self.progress: dict[str, Progress] = {}
        self.started: set[str] = set()
        self._told: set[tuple[str, str]] = set()

    def hear(self, event: Any) -> None:
        if isinstance(event, StageProgressed):
            self.progress.setdefault(event.stage, Progress()).tasks[event.task] = event
        elif isinstance(event, StageStarted):
            self.started.add(event.stage)

    def follow(self) -> RunView:
        """The run as it ended. On a terminal a live table, elsewhere a line a change."""
        with listening(self.cloud, self.run_id, self.hear):
            if not self.console.is_terminal:
                return self._until_end(self._print_changes)
            with Live(console=self.console, refresh_per_second=8, transient=True) as live:
                return self._until_end(lambda view: live.update(self.table(view)))

    def _until_end(self, show: Callable[[RunView], None]) -> RunView:
        while True:
            view = self.reader.observe(self.run_id, claims=True)
            if view is None:
                raise Unavailable(f"run {self.run_id} is not open yet")
            show(view)
            if view.state != "running":
                return view
            time.sleep(POLL_S)

    def table(self, view: RunView) -> Table:
        table = Table(
            title=view.run_id, title_justify="left", title_style="bold", box=None, padding=(0, 1), expand=True
        )
        for heading in ("stage", "state", "rows", "seconds"):
            table.add_column(
                heading, justify="right" if heading in ("rows", "seconds") else "left", no_wrap=True
            )
        table.add_column("", overflow="ellipsis", no_wrap=True, ratio=1)
        for stage in view.stages.values():
            table.add_row(*self._row(stage))
        return table

    def _row(self, stage: StageView) -> tuple[str | Text, ...]:
        state = Text(stage.state, style=_STYLE[stage.state])
        if stage.manifest:
            manifest = stage.manifest
            return stage.stage, state, f"{manifest.counters.rows_out:,}", f"{manifest.seconds:.1f}", ""
        if stage.failure:
            return stage.stage, state, "", "", Text(stage.failure.message, style="red")
        progress = self.progress.get(stage.stage)
        return stage.stage, state, "", "", progress.words() if progress else ""

    def _print_changes(self, view: RunView) -> None:
        for stage in view.stages.values():
            if stage.state in ("waiting", "skipped") or (stage.stage, stage.state) in self._told:
                continue
            self._told.add((stage.stage, stage.state))
            name, state, rows, seconds, more = self._row(stage)
            words = f"{rows} rows, {seconds} s" if rows else str(more)
            self.console.print(f"{name:<13} {state!s:<8} {words}", highlight=False)
