"""The judge: every rule that a plan or an answer breaks, with the numbers that show it.

``review`` says everything, ``verify_*`` only what forbids to show the plan. See ``violation.Severity``.
"""

from fitsense.training.verify.answer import verify_answer
from fitsense.training.verify.plan import (
    blocking,
    review,
    session_minutes,
    verify_plan,
    verify_request,
)
from fitsense.training.verify.violation import Severity, Violation

__all__ = [
    "Severity",
    "Violation",
    "blocking",
    "review",
    "session_minutes",
    "verify_answer",
    "verify_plan",
    "verify_request",
]
