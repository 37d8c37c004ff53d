"""``student train`` in a process of its own, forked from one that has imported TRL: two seconds, not fifteen.

The child is the real task against the real local Storage. The only thing done to it is what a platform does:
a signal, at an exactly chosen write to the bucket.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore
from fitsense.config import Training
from tests.gpu.corpus import RUN

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["student.train", "student.tiny.base", "tests.gpu.trainer"])


@dataclass(frozen=True)
class Blow:
    """``signal`` hits the trainer at its ``write``-th write to the bucket, just before or just after it."""

    signal: int
    write: int
    after: bool = False


@dataclass(frozen=True)
class Order:
    """One training task."""

    recipes: Path
    log: Path
    version: str = "v1"
    training: Training = field(default_factory=Training)
    run_id: str = RUN
    blow: Blow | None = None
    environment: tuple[tuple[str, str], ...] = ()


def start(order: Order) -> BaseProcess:
    """The environment of the test points it to the test's bucket."""
    process = _CONTEXT.Process(target=_task, args=(order, dict(os.environ)))
    process.start()
    return process


def run(order: Order) -> int:
    """Its exit code; minus the signal's number when it was killed."""
    process = start(order)
    process.join(120)
    assert process.exitcode is not None, order.log.read_text()[-3000:]
    return process.exitcode


def writes(log: Path) -> list[str]:
    """The names of the objects that the task of this log has written, in order."""
    return [line.split()[2] for line in log.read_text().splitlines() if line.startswith("WRITE ")]


def weights(store: ArtifactStore, version: str = "v1") -> dict[str, str]:
    """SHA-256 of what a training leaves in the way of weights, configuration and tokenizer."""
    prefix = f"models/{version}/"
    short = {name.removeprefix(prefix): name for name in store.names(prefix)}
    kept = [name for name in short if name.startswith(("adapter/", "weights/", "tokenizer"))]
    return {name: hashlib.sha256(read(store, short[name])).hexdigest() for name in sorted(kept)}


def read(store: ArtifactStore, name: str) -> bytes:
    stored = store.read(name)
    assert stored, name
    return stored.data


def _task(order: Order, environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment, **_told(order), **dict(order.environment))
    output = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _count_writes(order.blow)
    from student.train import main

    code = main([])
    os._exit(code)


def _told(order: Order) -> dict[str, str]:
    return {
        "FITSENSE_RUN_ID": order.run_id,
        "FITSENSE_VERSION": order.version,
        "FITSENSE_TRAINING": orjson.dumps(order.training.model_dump(mode="json")).decode(),
        "FITSENSE_GPU_CONFIGS": str(order.recipes),
        "FITSENSE_CHECKPOINT_S": "0",
    }


def _count_writes(blow: Blow | None) -> None:
    original, count = ArtifactStore.create, 0

    def create(store: ArtifactStore, *arguments: Any, **options: Any) -> bool:
        nonlocal count
        count += 1
        os.write(1, f"WRITE {count} {arguments[0]}\n".encode())
        hit = blow is not None and count == blow.write
        if blow and hit and not blow.after:
            os.kill(os.getpid(), blow.signal)
        made = original(store, *arguments, **options)
        if blow and hit and blow.after:
            os.kill(os.getpid(), blow.signal)
        return made

    setattr(ArtifactStore, "create", create)  # noqa: B010 - a method of another signature


KILL, TERMINATE = int(signal.SIGKILL), int(signal.SIGTERM)
