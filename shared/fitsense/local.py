"""The local cloud as an operator sees it: where it lives, how it is started and stopped.

All state is in ``.local/`` in this checkout (or ``FITSENSE_HOME``) and may be deleted at any time. The
processes are started by their module names alone: the library does not import the services.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from fitsense.errors import Misconfigured, Unavailable

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "fitsense-local"
LOCATION = "local"
BUCKET = "fitsense-local"
START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Local:
    """One checkout's local cloud."""

    home: Path = field(default_factory=lambda: Path(os.environ.get("FITSENSE_HOME") or ROOT / ".local"))
    root: Path = ROOT

    @property
    def supervisor_file(self) -> Path:
        return self.home / "supervisor.json"

    @property
    def ready_file(self) -> Path:
        return self.home / "cloud.url"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def sockets(self) -> Path:
        """Unix sockets' paths have at most 107 bytes, so they cannot live deep inside a checkout."""
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"fitsense-{os.getuid()}-{digest}"

    def url(self) -> str | None:
        """Where it answers; None when it is not running."""
        if self.supervisor_pid() is None or not self.ready_file.exists():
            return None
        return self.ready_file.read_text()

    def supervisor_pid(self) -> int | None:
        """The process that keeps the others alive, if it lives."""
        status = self.supervisor_file.with_suffix(".status.json")
        try:
            pid = int(orjson.loads(status.read_bytes())["pid"])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, KeyError):
            return None
        return pid if b"services.localcloud.supervisor" in command else None

    def environment(self, url: str) -> dict[str, str]:
        """The variables that point FitSense and any Google client at it."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FITSENSE_LOCATION": LOCATION,
            "FITSENSE_BUCKET": BUCKET,
            "FITSENSE_RUN_ENDPOINT": url,
            "FITSENSE_BATCH_ENDPOINT": url,
            "STORAGE_EMULATOR_HOST": url,
            "PUBSUB_EMULATOR_HOST": url.removeprefix("http://"),
            "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        }

    def gcloud_environment(self, url: str) -> dict[str, str]:
        """The same for gcloud, which has names of its own; the trailing slashes are needed."""
        return {
            "CLOUDSDK_CORE_PROJECT": PROJECT,
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{url}/storage/v1/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"{url}/",
            "CLOUDSDK_CONFIG": str(self.home / "gcloud"),
        }

    def up(self, port: int = 0) -> str:
        """Start what is not running; the URL once everything answers. Raises Unavailable with the log."""
        running = self.url()
        if running:
            return running
        for folder in (self.home, self.logs, self.sockets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = f"http://127.0.0.1:{self._port(port)}"
        self.ready_file.unlink(missing_ok=True)
        _write_json(self.home / "cloud.json", self._cloud_settings())
        _write_json(self.supervisor_file, self._processes(url))
        with (self.logs / "supervisor.log").open("ab") as log:
            command = [sys.executable, "-m", "services.localcloud.supervisor"]
            supervisor = subprocess.Popen(
                [*command, "--file", str(self.supervisor_file)],
                cwd=self.root,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            self._await_ready(supervisor)
            self._provision(url)
        except BaseException:
            self.down()  # half a cloud is worse than none
            raise
        return url

    def down(self) -> bool:
        """Stop everything; True when something ran."""
        pid = self.supervisor_pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise Unavailable(f"process {pid} does not stop", hint=f"kill -9 {pid}")
            _reap(pid)
            time.sleep(0.02)
        self.ready_file.unlink(missing_ok=True)
        return True

    def _port(self, wanted: int) -> int:
        """The one asked for, the one of last time if it is free, or any free one."""
        remembered = self.home / "port"
        if wanted:
            candidates = [wanted]
        else:
            candidates = [int(remembered.read_text())] if remembered.exists() else []
            candidates.append(0)
        for candidate in candidates:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", candidate))
                except OSError:
                    continue
                port = int(probe.getsockname()[1])
                remembered.write_text(str(port))
                return port
        raise Misconfigured(f"port {wanted} is taken", hint="leave --port out to get a free one")

    def _cloud_settings(self) -> dict[str, Any]:
        """What the local cloud is told: images, services behind the front door, ticks."""
        python = sys.executable
        return {
            "images": {
                "jobs": {
                    "argv": [python, "-m", "jobs"],
                    "cwd": str(self.root),
                    "env": {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"},
                    "fork": "jobs.__main__",
                    "preload": PRELOAD,
                }
            },
            # More tasks than cores: one that waits for the bucket leaves its core to another.
            "max_parallel": 2 * (os.cpu_count() or 1),
            "services": [
                {
                    "name": "conductor",
                    "prefix": "/conductor/",
                    "upstream": f"unix:{self.sockets / 'conductor.sock'}",
                    "strip": True,
                }
            ],
            "schedules": [{"name": "tick", "every_s": 2.0, "topic": "ticks", "data": "{}"}],
        }

    def _processes(self, url: str) -> list[dict[str, Any]]:
        python = sys.executable
        port = url.rsplit(":", 1)[1]
        cloud = [python, "-m", "services.localcloud", "--state", str(self.home / "cloud"), "--port", port]
        cloud += ["--project", PROJECT, "--location", LOCATION]
        cloud += ["--settings", str(self.home / "cloud.json"), "--ready", str(self.ready_file)]
        conductor = [python, "-m", "gunicorn", "services.conductor.app:create_app()"]
        conductor += ["--bind", f"unix:{self.sockets / 'conductor.sock'}", "--worker-class", "gthread"]
        conductor += ["--threads", "8", "--timeout", "120", "--graceful-timeout", "5"]
        conductor += ["--no-control-socket"]  # gunicorn would put one for all checkouts into the home folder
        settings = {"FITSENSE_CLAIM_GRACE_S": "3", "FITSENSE_CODE_VERSION": code_version(self.root)}
        environment = self.environment(url) | settings
        ready = {"ready_file": str(self.ready_file)}
        return [
            self._process("cloud", cloud, {"FITSENSE_LOCATION": LOCATION, "FITSENSE_BUCKET": BUCKET}) | ready,
            self._process("conductor", conductor, environment),
        ]

    def _process(self, name: str, argv: list[str], environment: dict[str, str]) -> dict[str, Any]:
        log = str(self.logs / f"{name}.log")
        return {"name": name, "argv": argv, "env": environment, "cwd": str(self.root), "log": log}

    def _await_ready(self, supervisor: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.ready_file.exists():
            if supervisor.poll() is not None or time.monotonic() > deadline:
                tail = _tail(self.logs / "cloud.log") or _tail(self.logs / "supervisor.log")
                raise Unavailable(f"the local cloud did not start:\n{tail}", hint=f"logs are in {self.logs}")
            time.sleep(0.02)

    def _provision(self, url: str) -> None:
        settings = {"FITSENSE_CODE_VERSION": code_version(self.root)}
        try:
            made = subprocess.run(
                [sys.executable, "-m", "services.localcloud.provision"],
                cwd=self.root,
                env={**os.environ, **self.environment(url), **settings},
                capture_output=True,
                text=True,
                check=False,
                timeout=START_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"provisioning hangs: {error}", hint=f"logs are in {self.logs}") from error
        if made.returncode:
            raise Unavailable(f"provisioning failed:\n{made.stderr[-2000:]}")


PRELOAD = [
    "google.cloud.storage",
    "google.cloud.pubsub_v1",
    "numpy",
    "polars",
    "pydantic",
    "structlog",
    "yaml",
    "orjson",
    "jobs.runner",
    "fitsense.events",
]
"""Imported once by the fork server instead of by every task: 0.5 CPU-seconds saved each."""


def code_version(root: Path) -> str:
    """The commit, with ``+dirty`` when the tree differs from it; ``unknown`` outside of git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+dirty", "--abbrev=12", "--match="]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def _reap(pid: int) -> None:
    """Collect the supervisor if it is this process's own child; else /proc keeps its zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _write_json(path: Path, value: Any) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    partial.rename(path)


def _tail(path: Path, characters: int = 2000) -> str:
    return path.read_text(errors="replace")[-characters:] if path.exists() else ""
