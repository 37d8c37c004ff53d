"""The local cloud as an operator sees it: where it lives, how it is started and stopped.

All state is in ``.local/`` in this checkout (or ``FITSENSE_HOME``) and may be deleted at any time. The
processes are started by their module names alone: the library does not import the services.

Any number of terminals may start, use and stop it at once. ``up.lock`` lets one start or stop it at a
time; whoever needs it for a while shares ``users.lock``, and the last one out stops what was started for
that alone (``transient`` says so). ``provisioned`` tells for which address and code it was provisioned:
a start that was killed before is made good by the next.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fitsense.errors import Misconfigured, Unavailable
from fitsense.local_settings import (
    BUCKET,
    GPU_NODE_ENV,
    LOCATION,
    STUDENT,
    STUDENT_DRAIN_S,
    client_environment,
    cloud_command,
    cloud_settings,
    code_version,
    commit,
    conductor_command,
    edited_since,
    gcloud_environment,
    gpu_node_ready,
    read_json,
    student_command,
    tail,
    write_json,
)

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Local:
    """One checkout's local cloud.

    ``student``: whether models are served, which takes 2 GB; ``FITSENSE_STUDENT=off`` leaves that out.
    ``gpu_configs``: recipes to train by, instead of the GPU node's own.
    """

    home: Path = field(default_factory=lambda: Path(os.environ.get("FITSENSE_HOME") or ROOT / ".local"))
    root: Path = ROOT
    student: bool = field(default_factory=lambda: os.environ.get("FITSENSE_STUDENT") != "off")
    gpu_configs: str = field(default_factory=lambda: os.environ.get("FITSENSE_GPU_CONFIGS", ""))

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home.resolve())  # its processes run in another folder

    @property
    def supervisor_file(self) -> Path:
        return self.home / "supervisor.json"

    @property
    def ready_file(self) -> Path:
        return self.home / "cloud.url"

    @property
    def provisioned_file(self) -> Path:
        return self.home / "provisioned"

    @property
    def transient_file(self) -> Path:
        return self.home / "transient"

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
            pid = int(read_json(status)["pid"])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, TypeError, ValueError, KeyError):
            return None
        return pid if os.fsencode(self.supervisor_file) in arguments else None

    @property
    def serves(self) -> bool:
        """Whether it serves models: only where the GPU node's environment is."""
        return self.student and gpu_node_ready(self.root)

    def running(self) -> set[str]:
        """Names of the processes that were started, empty when it does not run."""
        return {process["name"] for process in read_json(self.supervisor_file) or ()} if self.url() else set()

    def environment(self, url: str) -> dict[str, str]:
        """The variables that point FitSense and any Google client at it."""
        return client_environment(url)

    def gcloud_environment(self, url: str) -> dict[str, str]:
        """The same for gcloud."""
        return gcloud_environment(url, self.home)

    def up(self, port: int = 0) -> str:
        """Start what is not running, to stay; the URL once everything answers.

        What runs already is started anew when it holds code of another commit or from before an edit, but
        not for a tree that merely differs from its commit. While a ``fitsense run`` uses it, an edit waits,
        and another commit raises Unavailable. So does a cloud that does not start, with its log.
        """
        with self._alone():
            self.transient_file.unlink(missing_ok=True)
            return self._up(port)

    @contextmanager
    def used(self) -> Iterator[str]:
        """Its URL; it stays until the block ends. One that runs for such blocks only stops with the last."""
        with self._open("users.lock") as users:
            with self._alone():
                if self.url() is None:
                    self.transient_file.touch()
                url = self._up()
                fcntl.flock(users, fcntl.LOCK_SH)  # at once: only who is alone ever asks for all of it
            try:
                yield url
            finally:
                with self._alone():
                    if self.transient_file.exists() and _exclusive(users):
                        self._stop()

    def down(self) -> bool:
        """Stop everything; True when something ran."""
        with self._alone():
            return self._stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops it meanwhile; one who is at it is waited for."""
        with self._open("up.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, name: str) -> IO[bytes]:
        """A file to lock. The kernel drops the lock with its holder, however that dies."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (self.home / name).open("ab")

    def _up(self, port: int = 0) -> str:
        version = code_version(self.root)
        url = self.url()
        if url and self._outdated(version):
            self._stop()
            url = None
        if url is None:
            self._stop()  # what a start that was killed left half done
            return self._start(port, version)
        if read_json(self.provisioned_file) != _marker(url, version):
            self._provision(url, version)
        return url

    def _outdated(self, version: str) -> bool:
        """Whether it should be started anew for its code. Raises Unavailable when it should but is in use."""
        processes = {process["name"]: process for process in read_json(self.supervisor_file)}
        running = processes["conductor"]["env"]["FITSENSE_CODE_VERSION"]
        with self._open("users.lock") as users:
            free = _exclusive(users)
        if self.serves and STUDENT not in processes:
            if not free:
                raise Unavailable(
                    "the local cloud runs without the student, and a run uses it",
                    hint="wait for that run, or stop it all: fitsense down",
                )
            return True
        if commit(running) == commit(version):
            return free and edited_since(self.root, self.supervisor_file.stat().st_mtime)
        if not free:
            raise Unavailable(
                f"the local cloud runs {running}, this checkout is at {version}, and a run uses it",
                hint="wait for that run, or stop it all: fitsense down",
            )
        return True

    def _start(self, port: int, version: str) -> str:
        for folder in (self.logs, self.sockets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = f"http://127.0.0.1:{self._port(port)}"
        for stale in (self.ready_file, self.provisioned_file):
            stale.unlink(missing_ok=True)
        write_json(self.home / "cloud.json", cloud_settings(self.root, self.sockets, self.gpu_configs))
        write_json(self.supervisor_file, self._processes(url, version))
        supervisor = self._supervise()
        try:
            self._await_ready(supervisor)
            self._provision(url, version)
        except BaseException:  # half a cloud is worse than none; it may not have told its process id yet
            supervisor.terminate()
            supervisor.wait(STOP_TIMEOUT_S)
            self.ready_file.unlink(missing_ok=True)
            raise
        return url

    def _supervise(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "services.localcloud.supervisor"]
        with (self.logs / "supervisor.log").open("ab") as log, self._open("supervisor.lock") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            return subprocess.Popen(
                [*command, "--file", str(self.supervisor_file)],
                cwd=self.root,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[alive.fileno()],  # locked as long as it lives
            )

    def _await_supervisor(self) -> int | None:
        """Its process id; one that lives but has not told it yet is waited for."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while (pid := self.supervisor_pid()) is None:
            with self._open("supervisor.lock") as alive:
                if _exclusive(alive):
                    return None
            if time.monotonic() > deadline:
                raise Unavailable(
                    "a supervisor does not tell its process id", hint=f"logs are in {self.logs}"
                )
            time.sleep(0.02)
        return pid

    def _stop(self) -> bool:
        pid = self._await_supervisor()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _lives(pid):
            if time.monotonic() > deadline:
                raise Unavailable(f"process {pid} does not stop", hint=f"kill -9 {pid}")
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

    def _processes(self, url: str, version: str) -> list[dict[str, Any]]:
        conductor = self.environment(url) | {"FITSENSE_CLAIM_GRACE_S": "3", "FITSENSE_CODE_VERSION": version}
        place = {"FITSENSE_LOCATION": LOCATION, "FITSENSE_BUCKET": BUCKET}
        ready = {"ready_file": str(self.ready_file)}
        processes = [
            self._process("cloud", cloud_command(self.home, url, self.ready_file), place) | ready,
            self._process("conductor", conductor_command(self.sockets), conductor),
        ]
        return [*processes, self._student(url, version)] if self.serves else processes

    def _student(self, url: str, version: str) -> dict[str, Any]:
        told = {"FITSENSE_MODEL_CACHE": str(self.home / "models"), "FITSENSE_DRAIN_S": STUDENT_DRAIN_S}
        environment = self.environment(url) | GPU_NODE_ENV | {"FITSENSE_CODE_VERSION": version} | told
        return self._process(STUDENT, student_command(self.root, self.sockets), environment)

    def _process(self, name: str, argv: list[str], environment: dict[str, str]) -> dict[str, Any]:
        log = str(self.logs / f"{name}.log")
        return {"name": name, "argv": argv, "env": environment, "cwd": str(self.root), "log": log}

    def _await_ready(self, supervisor: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.ready_file.exists():
            if supervisor.poll() is not None or time.monotonic() > deadline:
                log = tail(self.logs / "cloud.log") or tail(self.logs / "supervisor.log")
                raise Unavailable(f"the local cloud did not start:\n{log}", hint=f"logs are in {self.logs}")
            time.sleep(0.02)

    def _provision(self, url: str, version: str) -> None:
        """Make what the pipelines need, again if need be, and note it down once it is all there."""
        try:
            made = subprocess.run(
                [sys.executable, "-m", "services.localcloud.provision"],
                cwd=self.root,
                env={**os.environ, **self.environment(url), "FITSENSE_CODE_VERSION": version},
                capture_output=True,
                text=True,
                check=False,
                timeout=START_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"provisioning hangs: {error}", hint=f"logs are in {self.logs}") from error
        if made.returncode:
            raise Unavailable(f"provisioning failed:\n{made.stderr[-2000:]}")
        write_json(self.provisioned_file, _marker(url, version))


def _marker(url: str, version: str) -> dict[str, str]:
    return {"url": url, "code_version": version}


def _exclusive(lock: IO[bytes]) -> bool:
    """Whether nobody else holds ``lock``; then it is held, and else what was held of it is given up."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    """A zombie does not: it waits for its parent, which may be another process than this."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
