"""What the suite runs against: the local cloud, and Google's emulator where it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.cloud import CloudProcess

OURS, EMULATOR = "ours", "emulator"


@dataclass(frozen=True)
class Backend:
    """``host`` is ``address:port``, for gRPC and REST."""

    name: str
    host: str
    cloud: CloudProcess | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def run_ours(folder: Path) -> Iterator[Backend]:
    cloud = CloudProcess(folder, parts="pubsub").start()
    try:
        yield Backend(OURS, cloud.url.removeprefix("http://"), cloud)
    finally:
        cloud.stop()


@cache
def emulator_jar() -> Path | None:
    """Where gcloud keeps the emulator; None when gcloud, Java or the emulator is not there."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    root = Path(os.path.realpath(gcloud)).parents[1]
    return next((root / "platform/pubsub-emulator/lib").glob("cloud-pubsub-emulator-*-all.jar"), None)


@contextmanager
def run_emulator(folder: Path) -> Iterator[Backend]:
    jar = emulator_jar()
    assert jar is not None
    port = _free_port()
    command = ["java", "-Xmx256m", "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"]
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for_port(port, process)
        yield Backend(EMULATOR, f"127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(15)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
