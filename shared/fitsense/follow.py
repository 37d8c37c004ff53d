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
TELL_EVERY_S = 15.0
"""Where there is no terminal, a stage that runs long says this often how far it is."""
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
        """Seconds to go, by the slowest task's own guess, or else at the speed so far."""
        guesses = [task.eta_s for task in self.tasks.values() if task.eta_s is not None]
        if guesses:
            return max(guesses)
        return (self.total - self.done) / self.rate if self.rate else None

    def words(self) -> str:
        """At most 59 characters for a training: what is left of a line of 80."""
        unit = next((task.unit for task in self.tasks.values()), "rows")
        notes = [task.note for task in self.tasks.values() if task.note]
        words = [f"{self.done:,}/{self.total:,} {unit}", *(notes[:1] or self._speed())]
        words += [f"ETA {clock(self.eta_s)}"] if self.eta_s is not None else []
        return ", ".join(words)

    def _speed(self) -> list[str]:
        tokens = sum(task.tokens for task in self.tasks.values())
        cost = sum(task.cost_usd for task in self.tasks.values())
        words = [f"{self.rate:,.0f}/s"]
        words += [f"{tokens:,} tok"] if tokens else []
        return words + ([f"${cost:.2f}"] if cost else [])


def clock(seconds: float) -> str:
    """``45 s``, from a minute on ``2:10``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"


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
        self._quiet_until = 0.0

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
        """A line a stage, cut off where the terminal ends."""
        table = Table.grid(padding=0)
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_row(Text(view.run_id, style="bold"))
        table.add_row(Text(f"{'stage':<12} {'state':<7} {'rows':>9} {'seconds':>8}", style="bold"))
        for stage in view.stages.values():
            state = Text(f"{stage.state:<7}", style=_STYLE[stage.state])
            table.add_row(Text(f"{stage.stage:<12} ") + state + Text(" ") + self._told_of(stage))
        return table

    def _told_of(self, stage: StageView) -> Text:
        """Rows and seconds of what has landed, why it failed, or how far it is."""
        if stage.manifest:
            return Text(f"{stage.manifest.counters.rows_out:>9,} {stage.manifest.seconds:>8.1f}")
        if stage.failure:
            return Text(" ".join(stage.failure.message.split()), style="red")
        return Text(self._so_far(stage))

    def _so_far(self, stage: StageView) -> str:
        progress = self.progress.get(stage.stage)
        return progress.words() if progress and stage.state == "running" else ""

    def _print_changes(self, view: RunView) -> None:
        for stage in view.stages.values():
            if stage.state in ("waiting", "skipped"):
                continue
            if (stage.stage, stage.state) not in self._told:
                self._told.add((stage.stage, stage.state))
                self._print(stage, self._so_far(stage))
            elif self._so_far(stage) and time.monotonic() > self._quiet_until:
                self._print(stage, self._so_far(stage))

    def _print(self, stage: StageView, words: str) -> None:
        self._quiet_until = time.monotonic() + TELL_EVERY_S
        if stage.manifest:
            words = f"{stage.manifest.counters.rows_out:,} rows, {stage.manifest.seconds:.1f} s"
        elif stage.failure:
            words = " ".join(stage.failure.message.split())
        self.console.print(f"{stage.stage:<12} {stage.state:<7} {words}", highlight=False, markup=False)
