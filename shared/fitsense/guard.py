"""One guard around every task: errors become exit codes, give-ups ``failure.json``.

Exit codes: 0 done (or done before), 65 given up (``failure.json`` says why), 75 try again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import requests
import structlog
import urllib3
from google.api_core.exceptions import RetryError, ServerError, TooManyRequests
from google.auth.exceptions import RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from fitsense.errors import EXIT_RETRYABLE, FitSenseError, Permanent

log = structlog.get_logger(__name__)


class Bug(Permanent):
    """An error that nobody foresaw: the same input would meet it again."""


class Task(Protocol):
    """What is guarded. ``fail`` records a give-up for people and for the conductor."""

    def run(self) -> None: ...

    def fail(self, error: FitSenseError) -> None: ...


TRANSIENT = (
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


def run_guarded(make: Callable[[], Task]) -> int:
    """The exit code of the task that ``make`` makes."""
    task: Task | None = None
    try:
        task = make()
        task.run()
    except FitSenseError as error:
        log.error("task.failed", error=type(error).__name__, reason=error.message, hint=error.hint)
        return _give_up(task, error) if isinstance(error, Permanent) else error.exit_code
    except TRANSIENT:
        log.exception("task.unavailable")
        return EXIT_RETRYABLE
    except Exception as error:
        log.exception("task.crashed")
        return _give_up(
            task, Bug(f"{type(error).__name__}: {error}", hint="a bug; the log has its traceback")
        )
    return 0


def _give_up(task: Task | None, error: FitSenseError) -> int:
    """Write ``failure.json``; if even that fails, let the platform try again."""
    try:
        if task is not None:
            task.fail(error)
    except TRANSIENT:
        log.exception("failure.unwritten")
        return EXIT_RETRYABLE
    return error.exit_code
