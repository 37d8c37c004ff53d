"""One life of one fork server, seen from the local cloud, and the processes it forked."""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.localcloud.compute.forkserver import kill_group

log = structlog.get_logger(__name__)


class SpawnerDied(ConnectionError):
    """The fork server ended while, or before, a task of its own ran."""


@dataclass(frozen=True)
class Command:
    """What to run: ``argv`` as a program or, in an image that forks, its ``main()`` with ``arguments``."""

    argv: list[str]
    arguments: list[str]
    env: dict[str, str]
    cwd: Path
    log: Path


@dataclass
class Process:
    """A task's process. ``wait`` gives its exit code, negative for a signal."""

    id: int
    server: Server
    pid: int = 0
    ended: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def wait(self) -> int:
        """Raises SpawnerDied if the fork server died under it, OSError if it could not be forked."""
        return await asyncio.shield(self.ended)

    def signal(self, number: int) -> None:
        """Signal the process and all it started; too late is no error."""
        self.server.send({"signal": number, "id": self.id})

    def fail(self, error: OSError) -> None:
        """End without an exit code. What is left of its group dies."""
        if self.pid:
            kill_group(self.pid, signal.SIGKILL)
        if not self.ended.done():
            self.ended.set_exception(error)
            self.ended.exception()  # a caller that gave up on it must not cause a warning


class Server:
    """One life of one fork server process."""

    def __init__(self, name: str, popen: Callable[[socket.socket], subprocess.Popen[bytes]]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._popen = popen(theirs)
        ours.setblocking(False)
        self._socket = ours
        self._ids = itertools.count(1)
        self._processes: dict[int, Process] = {}
        self._sources: dict[str, int] = {}
        self._retired = False
        self.alive = True
        self.refused = ""
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.reading = asyncio.create_task(self._read(name))

    def send(self, message: dict[str, Any]) -> None:
        if self.alive:
            self._writer.write(orjson.dumps(message) + b"\n")

    def start(self, command: Command, fork: str | None) -> Process:
        process = Process(next(self._ids), self)
        self._processes[process.id] = process
        message = {"start": process.id, "exec": fork is None, "env": command.env}
        message |= {"argv": [fork, *command.arguments] if fork else command.argv}
        self.send(message | {"cwd": str(command.cwd), "log": str(command.log)})
        return process

    def kill(self) -> None:
        self._popen.kill()

    def stale(self) -> bool:
        """Whether a source file that it has imported was changed since."""
        return any(_modified(path) != time for path, time in self._sources.items())

    def retire(self) -> None:
        """Take no more tasks; end once the last one has."""
        self._retired = True
        if not self._processes:
            self.kill()

    async def _read(self, name: str) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._socket)
        try:
            with suppress(ConnectionError):
                while line := await reader.readline():
                    self._handle(name, orjson.loads(line))
        finally:
            self._over(name)

    def _handle(self, name: str, message: dict[str, Any]) -> None:
        if "started" in message:
            self._processes[message["started"]].pid = message["pid"]
        elif "exited" in message:
            self._processes.pop(message["exited"]).ended.set_result(message["status"])
            if self._retired:
                self.retire()
        elif "failed" in message:
            self._processes.pop(message["failed"]).fail(OSError(message["why"]))
        elif "ready" in message:
            self._sources = message["sources"]
            self.ready.set_result(message["ready"])
        else:
            self.refused = message["refused"]
            log.warning("forkserver.refused", image=name, module=self.refused, why=message["why"])

    def _over(self, name: str) -> None:
        self.alive = False
        self._writer.close()
        self._popen.kill()
        code = self._popen.wait()
        error = SpawnerDied(f"the fork server of {name} died ({_how(code)})")
        for process in self._processes.values():
            process.fail(error)
        self._processes.clear()
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _modified(path: str) -> int:
    """Nanoseconds; 0 for a file that is gone."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
