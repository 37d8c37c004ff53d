"""The one error tree. Its two branches decide ack or nack, exit code and HTTP status.

::

    FitSenseError
    ├── Permanent            the same call will fail again: ack, exit 65, HTTP 4xx
    │   ├── BadConfig          a run config that cannot be admitted; lists every problem
    │   ├── BadMessage         a message that cannot be understood
    │   ├── BadArtifact        an artifact that is missing, torn or not what its manifest says
    │   ├── GateFailed         a quality gate was crossed; names each threshold
    │   ├── BudgetExceeded     the teacher's budget does not allow the next call
    │   ├── TooManyErrors      the teacher's error rate says that going on is waste
    │   ├── Unauthenticated    a caller that does not prove who it is
    │   └── Misconfigured      a setting of the environment is missing or wrong
    └── Retryable            a later call may succeed: nack, exit 75, HTTP 503
        ├── Unavailable        a service did not answer, or said to come back
        └── Interrupted        SIGTERM: stop cleanly, go on elsewhere
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_PERMANENT = 65
"""EX_DATAERR of sysexits.h."""
EXIT_RETRYABLE = 75
"""EX_TEMPFAIL of sysexits.h."""


class FitSenseError(Exception):
    """Base of all errors that FitSense raises on purpose. ``hint`` says what would be right."""

    exit_code = EXIT_PERMANENT
    status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Permanent(FitSenseError):
    """The same call will fail again."""

    status = 400


class Retryable(FitSenseError):
    """A later call may succeed."""

    exit_code = EXIT_RETRYABLE
    status = 503


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a document: where, what, and what would be right."""

    path: str
    message: str
    allowed: str = ""


class BadConfig(Permanent):
    """A run config that cannot be admitted. ``problems`` holds all of them, not the first alone."""

    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in problems))
        self.problems = list(problems)


class BadMessage(Permanent):
    """A message that cannot be understood; it belongs in the dead-letter topic, with the reason."""


class BadArtifact(Permanent):
    """An artifact that is missing, torn, or not what its manifest says."""

    status = 409


class GateFailed(Permanent):
    """A quality gate was crossed."""

    status = 422


class BudgetExceeded(Permanent):
    """The teacher's budget does not allow the next call."""


class TooManyErrors(Permanent):
    """The teacher's error rate says that going on is waste."""


class Unauthenticated(Permanent):
    """A caller that does not prove who it is, or is another than the one allowed."""

    status = 401


class Misconfigured(Permanent):
    """A setting of the environment is missing or wrong."""

    status = 500


class Unavailable(Retryable):
    """A service did not answer, or said to come back."""


class Interrupted(Retryable):
    """SIGTERM came: stop cleanly; the next attempt goes on."""
