"""Structured logs, one JSON object a line, in the fields that Cloud Logging reads."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SEVERITY = {
    "critical": "CRITICAL",
    "error": "ERROR",
    "exception": "ERROR",
    "warning": "WARNING",
    "info": "INFO",
}


def _severity(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """https://cloud.google.com/logging/docs/structured-logging#special-payload-fields"""
    event["severity"] = _SEVERITY.get(method, "DEBUG")
    event["message"] = event.pop("event", "")
    return event


def configure_logging(service: str, level: str = "INFO", **fields: str) -> None:
    """Log JSON lines to stderr; ``service`` and ``fields`` stand in each of them."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", key="time"),
            structlog.processors.format_exc_info,
            _severity,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service, **fields)
