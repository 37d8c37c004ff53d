"""``python -m services.localcloud.supervisor --file supervisor.json``: keeps the named processes running.

The file: ``[{"name", "argv", "env"?, "cwd"?, "log", "ready_file"?}]``, started in this order; a process
with a ``ready_file`` is waited for until that file is there. ``supervisor.status.json`` beside it tells
what runs. SIGTERM or SIGINT stops all of them, the last one first. They die when the supervisor dies.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.localcloud.compute.forkserver import die_with_parent, kill_group

FIRST_BACKOFF_S, MAX_BACKOFF_S = 0.1, 5.0
HEALTHY_AFTER_S = 10.0
GRACE_S = 10.0
POLL_S = 0.05


@dataclass
class Child:
    """One process to keep running. Times are monotonic seconds, ``since`` is RFC 3339."""

    name: str
    argv: list[str]
    log: Path
    cwd: str = "."
    env: dict[str, str] = field(default_factory=dict)
    ready_file: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    since: str = ""
    begun: float = 0.0
    restarts: int = -1
    backoff_s: float = FIRST_BACKOFF_S
    due: float = 0.0
    ready: bool = False
    was_ready: bool = False
    last_exit: int | None = None

    @classmethod
    def parse(cls, entry: dict[str, Any]) -> Child:
        paths = {name: Path(entry[name]) for name in ("log", "ready_file") if entry.get(name)}
        return cls(**(entry | paths))

    def start(self) -> None:
        """Start it; a command that cannot be run counts as a process that died at once."""
        self.begun, self.restarts = time.monotonic(), self.restarts + 1
        self.since = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        supervisor = os.getpid()
        with self.log.open("ab") as output:
            try:
                self.process = subprocess.Popen(
                    self.argv,
                    cwd=self.cwd,
                    env={**os.environ, **self.env},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=lambda: die_with_parent(supervisor),  # noqa: PLW1509 - there are no threads here
                )
            except OSError as error:
                output.write(f"[supervisor] cannot start {self.name}: {error}\n".encode())
                self.died(127)

    def look(self) -> None:
        """Bring ``ready`` up to date: alive, and its ready file there if it names one."""
        self.ready = self.process is not None and (self.ready_file is None or self.ready_file.exists())
        self.was_ready |= self.ready

    def died(self, code: int) -> None:
        """Plan the restart. What it left running dies."""
        if self.process:
            kill_group(self.process.pid, signal.SIGKILL)
        now = time.monotonic()
        if now - self.begun >= HEALTHY_AFTER_S:
            self.backoff_s = FIRST_BACKOFF_S
        self.process, self.ready, self.last_exit = None, False, code
        self.due = now + self.backoff_s
        self.backoff_s = min(MAX_BACKOFF_S, 2 * self.backoff_s)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace, the whole group in the end."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_S)
        kill_group(self.process.pid, signal.SIGKILL)
        self.last_exit, self.process, self.ready = self.process.wait(), None, False

    def status(self) -> dict[str, Any]:
        pid = self.process.pid if self.process else None
        told = {"pid": pid, "restarts": max(0, self.restarts), "since": self.since, "ready": self.ready}
        return told | {"last_exit": self.last_exit}


class Supervisor:
    """One loop, no threads: sleeps until a signal comes, a restart is due or a ready file is awaited."""

    def __init__(self, file: Path) -> None:
        self._children = [Child.parse(entry) for entry in json.loads(file.read_bytes())]
        self._status_path = file.with_name("supervisor.status.json")
        self._told = ""
        self._stopping = False
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def run(self) -> None:
        while not self._stopping:
            waiting = self._step()
            self._tell()
            if select.select([self._woken], [], [], waiting)[0]:
                os.read(self._woken, 4096)
        for child in reversed(self._children):
            child.stop()
            self._tell()

    def _step(self) -> float | None:
        """Reap, restart what is due, start what may start; how long to sleep, None for until a signal."""
        now, sleep = time.monotonic(), None
        for child in self._children:
            if child.process and (code := child.process.poll()) is not None:
                child.died(code)
            if child.process is None and child.due <= now and not self._stopping:
                child.start()
            child.look()
            if not child.ready:
                pause = POLL_S if child.process else max(0.0, child.due - now)
                sleep = pause if sleep is None else min(sleep, pause)
            if child.ready_file and not child.was_ready:
                break  # those after it may need it, so they wait until it has been ready once
        return sleep

    def _tell(self) -> None:
        """Write the status file, atomically, if there is news."""
        processes = {child.name: child.status() for child in self._children}
        text = json.dumps({"pid": os.getpid(), "stopping": self._stopping, "processes": processes}, indent=1)
        if text != self._told:
            partial = self._status_path.with_suffix(".partial")
            partial.write_text(text)
            partial.replace(self._status_path)
            self._told = text

    def _stop(self, *_: object) -> None:
        self._stopping = True


def main() -> None:
    parser = argparse.ArgumentParser(prog="supervisor", description="Keeps processes running.")
    parser.add_argument("--file", type=Path, required=True, help="JSON list of processes")
    Supervisor(parser.parse_args().file.resolve()).run()


if __name__ == "__main__":
    main()
