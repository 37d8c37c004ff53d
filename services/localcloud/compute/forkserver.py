"""The process that tasks are forked from: imports modules once, then forks a task in a few milliseconds.

Run as a script, by the image's own interpreter, with one JSON argument: ``fd`` (a stream socket to the
local cloud), ``modules`` (to import), ``main`` (module whose ``main()`` a task runs,
or null: every task is an ``exec``), ``path`` (its entry for ``sys.path``). Standard library only.

Lines of JSON on the socket. In: ``{"start": id, "argv", "env", "cwd", "log", "exec"}`` and
``{"signal": number, "id": id}``. Out: ``{"ready": pid, "sources"}``, ``{"refused": module, "why"}``,
``{"started": id, "pid"}``, ``{"exited": id, "status"}`` (negative for a signal) and
``{"failed": id, "why"}``.

The end of the socket is the end of the local cloud, however it died: the server then kills every task with
all it started, and goes. (A death signal for the server itself would come first and leave orphans.)

No thread and no channel may exist here: a forked copy of a process with threads inherits locks that
nobody will ever release. Each import is checked, and a module that starts threads is refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
HARMLESS_THREADS = frozenset({"polars-ooc-clea"})
"""Names, cut to 15 bytes by the kernel, of idle native threads whose absence a forked copy does not notice.

polars 2.1 starts one at import, to clean up after spilling; its thread pool is made at first use.
"""
RESET_SIGNALS = (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int) -> None:
    """Have the kernel SIGKILL this process when its parent dies; exit at once if it is dead already."""
    if _LIBC is not None and _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(1)


def kill_group(leader: int, number: int) -> None:
    """Signal a process group; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_task(pid: int, number: int) -> None:
    """Signal a forked task with all it started; one that has no group of its own yet, alone.

    Between its fork and its setsid a group signal would find nobody, and be lost.
    """
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def threads_running() -> list[str]:
    """Names of all threads of this process besides the main one, those that Python does not know included."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    others = [entry for entry in tasks.iterdir() if entry.name != str(os.getpid())]
    return sorted({(entry / "comm").read_text().strip() for entry in others} - HARMLESS_THREADS)


def preload(modules: list[str]) -> tuple[str, str] | None:
    """Import them in order. (module, reason) for the first one that fails or starts a thread."""
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - an import can raise anything; the caller logs it
            return name, f"{type(error).__name__}: {error}"
        if threads := threads_running():
            return name, f"it started threads at import ({', '.join(threads)}), which a fork would break"
    return None


def sources(path: str) -> dict[str, int]:
    """Imported files below ``path``, installed packages aside, with their modification times in ns."""
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    own = [file for file in files if file.startswith(path.rstrip("/") + "/") and "site-packages" not in file]
    return {file: Path(file).stat().st_mtime_ns for file in own if Path(file).exists()}


class ForkServer:
    """Serves one control socket until it closes, then kills every task and returns."""

    def __init__(self, control: socket.socket, main: str | None, path: str) -> None:
        self._control = control
        self._sources = sources(path)
        self._main: Callable[[], Any] | None = importlib.import_module(main).main if main else None
        self._tasks: dict[int, int] = {}
        self._buffer = b""
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake)
        gc.collect()
        gc.freeze()  # forked copies then share these pages instead of touching them at their first collection
        self.send({"ready": os.getpid(), "sources": self._sources})
        watched = [self._control.fileno(), self._woken]
        with contextlib.suppress(ConnectionError):  # the local cloud is gone: the same as end of file
            while True:
                readable, _, _ = select.select(watched, [], [])
                if self._woken in readable:
                    os.read(self._woken, 4096)
                    self._reap()
                if self._control.fileno() in readable and not self._receive():
                    break
        for pid in self._tasks:
            kill_task(pid, signal.SIGKILL)

    def send(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")

    def _receive(self) -> bool:
        data = self._control.recv(1 << 16)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "start" in message:
                self._start(message)
            else:
                self._signal(message["id"], message["signal"])
        return bool(data)

    def _start(self, message: dict[str, Any]) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self.send({"failed": message["start"], "why": f"fork: {error}"})
            return
        if pid == 0:
            self._child(server, message)
        self._tasks[pid] = message["start"]
        self.send({"started": message["start"], "pid": pid})

    def _signal(self, task: int, number: int) -> None:
        for pid, known in self._tasks.items():
            if known == task:
                kill_task(pid, number)

    def _reap(self) -> None:
        """Tell ended tasks. What a task left running dies first, while a zombie still holds its pid."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            kill_group(ended.si_pid, signal.SIGKILL)
            _, status = os.waitpid(ended.si_pid, 0)
            if (task := self._tasks.pop(ended.si_pid, None)) is not None:
                self.send({"exited": task, "status": os.waitstatus_to_exitcode(status)})

    def _child(self, server: int, message: dict[str, Any]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for fd in (self._control.fileno(), self._woken, self._wake):
                os.close(fd)
            _become_task(server, message)
            if message["exec"] or self._main is None:
                code = _execute(message["argv"])
            else:
                gc.enable()
                code = call(self._main)
        except BaseException:  # noqa: BLE001 - nothing may unwind into the server's own loop
            traceback.print_exc()
        finally:
            flush()
            os._exit(code)


def _become_task(server: int, message: dict[str, Any]) -> None:
    """A session, signals, output, environment, folder, argv of its own; dies when the server dies."""
    os.setsid()
    die_with_parent(server)
    for number in RESET_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(message["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    for fd in (1, 2):
        os.dup2(log, fd)
    os.close(log)
    os.environ.clear()
    os.environ.update(message["env"])
    os.chdir(message["cwd"])
    sys.argv = message["argv"]


def _execute(argv: list[str]) -> int:
    """Become another program. Returns only if that fails: 127 not found, 126 not runnable, as a shell."""
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the image's command, without a shell
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the task's log
        return 127 if isinstance(error, FileNotFoundError) else 126


def call(main: Callable[[], Any]) -> int:
    """Run ``main()`` as an interpreter would run a script: its exit code, its threads waited for."""
    try:
        code = exit_code(main())
    except SystemExit as stop:
        code = exit_code(stop.code)
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - as the interpreter does for an uncaught exception
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return code


def exit_code(value: object) -> int:
    """What ``sys.exit(value)`` would exit with; a message goes to standard error."""
    if value is None or isinstance(value, int):
        return int(value or 0) & 0xFF
    print(value, file=sys.stderr)  # noqa: T201 - the task's log
    return 1


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a closed or broken stream has nothing left to save
            stream.flush()


def run(options: dict[str, Any]) -> None:
    control = socket.socket(fileno=options["fd"])
    control.setblocking(True)
    gc.disable()
    sys.path.insert(0, options["path"])
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if refused := preload(options["modules"]):
        control.sendall(json.dumps({"refused": refused[0], "why": refused[1]}).encode() + b"\n")
        return
    ForkServer(control, options["main"], options["path"]).serve()


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
