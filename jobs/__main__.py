"""``python -m jobs <stage>``: one task of a stage, as Cloud Run starts it.

Exit codes: 0 done (or done before), 65 given up (``failure.json`` says why), 75 try again.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from types import FrameType

import structlog

from fitsense.cloud import Cloud
from fitsense.errors import EXIT_PERMANENT
from fitsense.guard import run_guarded
from fitsense.pipeline import load_pipelines
from fitsense.settings import Settings, TaskSettings
from fitsense.telemetry import configure_logging
from jobs.runner import Runner

log = structlog.get_logger(__name__)


class StopSignal:
    """SIGTERM sets it; stages ask it between units of work."""

    def __init__(self) -> None:
        self._set = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def __call__(self) -> bool:
        return self._set

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._set = True


def run_task(stage: str) -> int:
    """The task's exit code. What cannot succeed later is recorded in ``failure.json``."""
    code = run_guarded(lambda: _runner(stage))
    if code == 0:
        log.info("task.finished", **_usage())
    return code


def _runner(stage: str) -> Runner:
    settings, task = Settings.from_env(), TaskSettings.from_env()
    configure_logging(f"job-{stage}", settings.log_level, run_id=task.run_id, task=str(task.index))
    log.info("task.started", count=task.count, attempt=task.attempt)
    return Runner(Cloud(settings), task, stage, StopSignal())


def _usage() -> dict[str, float]:
    """What the task cost: CPU seconds and the peak of its memory in MiB (Linux counts KiB)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "peak_mib": usage.ru_maxrss // 1024}


def main() -> int:
    known = list(load_pipelines().stages)
    stage = sys.argv[1] if len(sys.argv) == 2 else ""
    if stage not in known:
        sys.stderr.write(f"usage: python -m jobs <stage>; stages: {', '.join(known)}\n")
        return EXIT_PERMANENT
    code = run_task(stage)
    sys.stderr.flush()
    # Pub/Sub's and Storage's background threads would keep a finished task alive for seconds.
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
