"""One vLLM OpenAI server as a child process: a base model and the adapters that stand on it.

::

    with Engine.start(base, {"run-7": adapter}) as engine:
        engine.wait_ready()
        OpenAI(base_url=f"{engine.url}/v1", api_key="none").chat.completions.create(model="run-7", ...)

The child holds the read end of a pipe and dies when its parent does, however that came. Its port is a free
one, bound before it starts, so that nobody can take it meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import orjson
import requests
import structlog

from fitsense.errors import Permanent, Unavailable
from student.serving.options import EngineOptions, arguments, environment

log = structlog.get_logger(__name__)

DEFAULTS = EngineOptions()
NEWLINE = orjson.OPT_APPEND_NEWLINE
POLL_S = 0.05
CALL_S = 60.0
"""An adapter of a few hundred megabytes is read from disk in that time."""


class EngineDied(Unavailable):
    """The engine's process has ended, or never got ready; the message ends with its last words."""


class BadAdapter(Permanent):
    """The engine does not take this adapter."""

    status = 422


class Engine:
    """A running engine. ``url`` is ``http://127.0.0.1:<port>``; the OpenAI API is under ``/v1``.

    The base is served as ``name``, each adapter under its own. Not for several threads at once.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], url: str, log_path: Path, options: EngineOptions
    ) -> None:
        assert process.stdin is not None
        self._process = process
        self._pipe = process.stdin
        self.url = url
        self.log_path = log_path
        self.options = options
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is not for loopback

    @classmethod
    def start(
        cls,
        base_folder: Path,
        adapters: Mapping[str, Path] | None = None,
        *,
        name: str = "base",
        max_num_seqs: int = 3,
        port: int = 0,
        log_path: Path | None = None,
        options: EngineOptions | None = None,
    ) -> Engine:
        """Start it and return at once; ``wait_ready`` waits.

        ``adapters`` maps names to folders of PEFT; more can be loaded later. ``port`` 0 is a free one.
        ``max_num_seqs`` answers are written at once, further requests wait in the engine.
        """
        engine = cls.spare(options or EngineOptions(max_num_seqs=max_num_seqs), port=port, log_path=log_path)
        engine.launch(base_folder, adapters, name=name)
        return engine

    @classmethod
    def spare(
        cls, options: EngineOptions = DEFAULTS, *, port: int = 0, log_path: Path | None = None
    ) -> Engine:
        """An engine that does its imports and waits for ``launch``."""
        log_path = log_path or Path(tempfile.mkdtemp(prefix="fitsense-engine-")) / "engine.log"
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with socket.socket() as listener, log_path.open("ab") as output:
            listener.bind(("127.0.0.1", port))  # vLLM listens once it is ready; until then, calls are refused
            process = subprocess.Popen(
                [sys.executable, "-m", "student.serving.server", str(listener.fileno())],
                env=environment(os.environ, options),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
            return cls(process, f"http://127.0.0.1:{listener.getsockname()[1]}", log_path, options)

    def launch(
        self, base_folder: Path, adapters: Mapping[str, Path] | None = None, *, name: str = "base"
    ) -> None:
        """Serve this base and these adapters; once in an engine's life."""
        adapters = dict(adapters or {})
        log.info(
            "engine.starting", pid=self.pid, url=self.url, base=str(base_folder), adapters=list(adapters)
        )
        order = orjson.dumps(arguments(base_folder, adapters, name, self.options), option=NEWLINE)
        with contextlib.suppress(BrokenPipeError):  # it has died: wait_ready says so
            self._pipe.write(order)
            self._pipe.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def healthy(self, timeout: float = 2.0) -> bool:
        """Whether it answers, and says that its inner process is well."""
        try:
            return self._session.get(f"{self.url}/health", timeout=timeout).status_code == 200
        except requests.RequestException:
            return False

    def wait_ready(self, timeout: float = 120.0) -> None:
        """Return once it answers. Raises EngineDied when it has ended, or is not ready in time."""
        deadline = time.monotonic() + timeout
        while not self.healthy():
            if not self.alive:
                raise EngineDied(f"the engine ended with {self._process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise EngineDied(f"the engine is not ready after {timeout:g} s: {self.last_words()}")
            time.sleep(POLL_S)

    def models(self) -> list[str]:
        """What it serves: the base and the adapters."""
        return [model["id"] for model in orjson.loads(self._call("GET", "/v1/models").content)["data"]]

    def load_adapter(self, name: str, folder: Path) -> None:
        """Serve ``folder`` as ``name``, a name that no adapter had before; answers under way do not notice.

        Raises BadAdapter, or EngineDied.
        """
        self._call("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    def unload_adapter(self, name: str) -> None:
        """Forget ``name``. Answers that are being written with it must be done before. Raises as above."""
        self._call("POST", "/v1/unload_lora_adapter", {"lora_name": name})

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=CALL_S)
        except requests.RequestException as error:
            raise EngineDied(f"{path}: {error}") from error
        if answer.ok:
            return answer
        if answer.status_code < 500 or self.healthy():  # a torn file is an error of the server's to vLLM
            raise BadAdapter(f"{path}: {answer.text[:500]}")
        raise EngineDied(f"{path}: {answer.status_code} {answer.text[:500]}")

    def last_words(self, size: int = 1500) -> str:
        """The end of its log."""
        return self.log_path.read_bytes()[-size:].decode(errors="replace").strip()

    def stop(self, timeout: float = 10.0) -> None:
        """End it and all that it started; answers under way are cut off. Again does nothing."""
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.kill()
        self._session.close()

    def kill(self) -> None:
        """End its whole process group at once: an engine that has died may have left its inner process."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
