"""The local cloud's side of the fork servers: starts them, keeps them warm, and hands out processes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import orjson
import structlog

from services.localcloud.compute import forkserver
from services.localcloud.compute.processes import Command, Process, Server, SpawnerDied
from services.localcloud.compute.settings import Image, host_environment

log = structlog.get_logger(__name__)

QUIET_IMPORTS = {
    "OPENBLAS_NUM_THREADS": "1",
    "_RJEM_MALLOC_CONF": "background_thread:false",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Keeps numpy's BLAS and pyarrow's allocator from starting threads at import: they can be preloaded."""


class Spawner:
    """Starts the processes of one image. Its fork server is restarted when it dies."""

    def __init__(self, name: str, image: Image | None, preload: list[str], log_path: Path) -> None:
        self.name = name
        self._fork = image.fork if image else None
        self._cwd = Path(image.cwd if image else ".").resolve()
        self._env = image.env if image else {}
        self._python = _interpreter(image)
        modules = [*preload, *(image.preload if image else []), self._fork] if self._fork else []
        self._modules = list(dict.fromkeys(module for module in modules if module))
        self._log = log_path
        self._server: Server | None = None
        self._starting = asyncio.Lock()
        self._retired: set[Server] = set()
        self._closed = False

    def _popen(self, control: socket.socket) -> subprocess.Popen[bytes]:
        """The server's process, given its end of the control socket."""
        options = {
            "fd": control.fileno(),
            "modules": self._modules,
            "main": self._fork,
            "path": str(self._cwd),
        }
        command = [self._python, "-P", forkserver.__file__, orjson.dumps(options).decode()]
        env = {**host_environment(), **QUIET_IMPORTS, **self._env}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=self._cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[control.fileno()],
                start_new_session=True,
            )

    async def start(self, command: Command) -> Process:
        """Raises SpawnerDied if the fork server cannot be brought up, OSError if it cannot be run at all."""
        server = await self.warm()
        return server.start(command, self._fork)

    async def warm(self) -> Server:
        """The running fork server, started if need be."""
        async with self._starting:
            self._retire_stale()
            while self._server is None or not self._server.alive:
                if self._closed:
                    raise SpawnerDied("the local cloud is stopping")
                server = self._server = Server(self.name, self._popen)
                try:
                    pid = await asyncio.shield(server.ready)
                except SpawnerDied:
                    if not self._drop(server.refused):
                        raise
                    continue
                log.info("forkserver.ready", image=self.name, pid=pid, modules=self._modules)
                server.reading.add_done_callback(partial(self._ended, server))
            return self._server

    async def close(self) -> None:
        """Kill the fork servers, and with them all their tasks."""
        self._closed = True
        for server in [*self._retired, *([self._server] if self._server else [])]:
            server.kill()
            await server.reading

    def _retire_stale(self) -> None:
        """After a change of its code an image's next task must not run the old one."""
        if self._server and self._server.alive and self._server.stale():
            log.info("forkserver.reloads", image=self.name)
            self._retired.add(self._server)
            self._server.retire()
            self._server = None

    def _drop(self, refused: str) -> bool:
        """Do without a refused module. Without its own module the image is executed instead of forked."""
        if not refused:
            return False
        self._modules.remove(refused)
        if refused == self._fork:
            log.warning("forkserver.executes", image=self.name, module=refused)
            self._fork, self._modules = None, []
        return True

    def _ended(self, server: Server, _: asyncio.Task[None]) -> None:
        self._retired.discard(server)
        if server is self._server and not self._closed:
            log.warning("forkserver.died", image=self.name)
            self._rewarming = asyncio.create_task(self._rewarm())

    async def _rewarm(self) -> None:
        try:
            await self.warm()
        except OSError as error:  # the next task tries again, and fails with this reason
            log.warning("forkserver.down", image=self.name, error=str(error))


def _interpreter(image: Image | None) -> str:
    """The image's own Python if its command starts with one, so that forked modules find their packages."""
    command = image.argv[0] if image and image.fork else ""
    return command if Path(command).name.startswith("python") else sys.executable
