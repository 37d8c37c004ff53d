"""``python -m jobs <stage>``: one task of a stage, as Cloud Run starts it.

Exit codes: 0 done (or done before), 65 given up (``failure.json`` says why), 75 try again.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from types import FrameType

import requests
import structlog
import urllib3
from google.api_core.exceptions import RetryError, ServerError, TooManyRequests
from google.auth.exceptions import RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from fitsense.cloud import Cloud
from fitsense.errors import EXIT_PERMANENT, EXIT_RETRYABLE, FitSenseError, Permanent
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
    runner: Runner | None = None
    try:
        settings, task = Settings.from_env(), TaskSettings.from_env()
        configure_logging(f"job-{stage}", settings.log_level, run_id=task.run_id, task=str(task.index))
        log.info("task.started", count=task.count, attempt=task.attempt)
        runner = Runner(Cloud(settings), task, stage, StopSignal())
        runner.run()
        log.info("task.finished", **_usage())
    except FitSenseError as error:
        log.error("stage.failed", error=type(error).__name__, reason=error.message, hint=error.hint)
        return _give_up(runner, error) if isinstance(error, Permanent) else error.exit_code
    except _TRANSIENT:
        log.exception("stage.unavailable")
        return EXIT_RETRYABLE
    except Exception as error:
        log.exception("stage.crashed")
        return _give_up(
            runner, Bug(f"{type(error).__name__}: {error}", hint="a bug; the log has its traceback")
        )
    return 0


def _usage() -> dict[str, float]:
    """What the task cost: CPU seconds and the peak of its memory in MiB (Linux counts KiB)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "peak_mib": usage.ru_maxrss // 1024}


class Bug(Permanent):
    """An error that nobody foresaw: the same input would meet it again."""


_TRANSIENT = (
    ServerError,
    TooManyRequests,
    RetryError,
    TransportError,
    RefreshError,
    DataCorruption,
    InvalidResponse,
    urllib3.exceptions.HTTPError,
    requests.RequestException,
    ConnectionError,
    TimeoutError,
)
"""What the platform answers when it is not well; Google's clients have retried it before it comes here."""


def _give_up(runner: Runner | None, error: Permanent) -> int:
    """Write ``failure.json``; if even that fails, let the platform try again."""
    try:
        if runner is not None:
            runner.fail(error)
    except _TRANSIENT:
        log.exception("failure.unwritten")
        return EXIT_RETRYABLE
    return error.exit_code


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
