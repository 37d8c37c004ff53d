"""A local cloud of a test's own: started on a free port, stopped, killed and restarted on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import requests

ROOT = Path(__file__).parents[1]
PROJECT = "fitsense-test"
LOCATION = "local"


class CloudProcess:
    """``python -m services.localcloud`` as a child process.

    ``url`` stays the same over ``kill`` and ``start``: the port is kept, as a restarted cloud's would be.
    """

    def __init__(
        self, state: Path, parts: str = "pubsub,storage", settings: dict[str, Any] | None = None
    ) -> None:
        self.state = state
        self.parts = parts
        self.settings = settings or {}
        self.port = 0
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        state.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point Google's clients here."""
        return {
            "STORAGE_EMULATOR_HOST": self.url,
            "PUBSUB_EMULATOR_HOST": self.url.removeprefix("http://"),
            "PUBSUB_PROJECT_ID": PROJECT,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FITSENSE_RUN_ENDPOINT": self.url,
            "FITSENSE_BATCH_ENDPOINT": self.url,
            "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        }

    def start(self) -> CloudProcess:
        ready = self.state / "ready"
        ready.unlink(missing_ok=True)
        settings = self.state / "settings.json"
        settings.write_bytes(orjson.dumps(self.settings))
        command = [
            sys.executable,
            "-m",
            "services.localcloud",
            "--state",
            str(self.state),
            "--port",
            str(self.port),
        ]
        command += ["--project", PROJECT, "--location", LOCATION, "--parts", self.parts]
        command += ["--settings", str(settings), "--ready", str(ready)]
        log = (self.state / "localcloud.log").open("ab")
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ})
        deadline = time.monotonic() + 30
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.state / "localcloud.log").read_text()[-4000:])
            time.sleep(0.01)
        self.url = ready.read_text()
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def kill(self) -> None:
        """SIGKILL: no chance to flush anything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        """Kill at once and start again on the same port and state."""
        self.kill()
        self.start()

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the fault rules in force (services/localcloud/faults.py)."""
        requests.put(f"{self.url}/_localcloud/faults", json=list(rules), timeout=10).raise_for_status()
