"""Why a call did not bring an answer, and what follows from it. Pure.

::

    429                      rate_limited   whole client backs off; costs the record no attempt
    503, 529                 overloaded     retried, counts as congestion
    timeout                  timeout        retried, counts as congestion; may have been charged
    408, 409, other 5xx      server         retried
    dropped, refused         connection     retried; may have been charged
    200 that is no answer    bad_response   retried; may have been charged
    400, 422, other 4xx      rejected       this record fails
    401, 403, 404, no quota  fatal          the stage stops: every record would fail
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import orjson

Kind = Literal[
    "rate_limited", "overloaded", "timeout", "server", "connection", "bad_response", "rejected", "fatal"
]

BACKOFF_BASE_S = 0.25
BACKOFF_CAP_S = 30.0
LONGEST_PAUSE_S = 3600.0
_FATAL_STATUSES = frozenset({401, 403, 404})
_FATAL_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""https://platform.openai.com/docs/guides/error-codes: a 429 that no waiting helps."""
_CHARGED_STATUSES = frozenset({408, 502, 504, 524})
"""A gateway gave up on work that may go on behind it."""


@dataclass(frozen=True)
class CallFailed(Exception):
    """One try that failed. ``error`` is short, for people, and holds no secret."""

    kind: Kind
    error: str
    status: int = 0
    request_id: str = ""
    retry_after_s: float = 0.0
    maybe_charged: bool = False

    @property
    def retryable(self) -> bool:
        return self.kind not in ("rejected", "fatal")

    @property
    def congested(self) -> bool:
        return self.kind in ("rate_limited", "overloaded", "timeout")


def from_status(status: int, body: bytes, headers: Mapping[str, str], secret: str) -> CallFailed:
    """The failure that an HTTP status other than 2xx means; ``secret`` is cut out of the message."""
    message, code = _error_of(body)
    return CallFailed(
        kind=_kind(status, code),
        error=f"{status}: {message.replace(secret, '***')}"[:300],
        status=status,
        request_id=headers.get("x-request-id", ""),
        retry_after_s=retry_after(headers, time.time()) if status in (429, 503, 529) else 0.0,
        maybe_charged=status in _CHARGED_STATUSES,
    )


def _kind(status: int, code: str) -> Kind:
    if status in _FATAL_STATUSES or code in _FATAL_CODES:
        return "fatal"
    if status == 429:
        return "rate_limited"
    if status in (503, 529):
        return "overloaded"
    return "server" if status >= 500 or status in (408, 409) else "rejected"


def _error_of(body: bytes) -> tuple[str, str]:
    """Message and code of an OpenAI error body; of any other, its first characters."""
    try:
        error = orjson.loads(body)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace"), ""
    if not isinstance(error, dict):
        return str(error), ""
    return str(error.get("message", "")), str(error.get("code") or "")


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait by ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date), at most an hour.

    RFC 9110, section 10.2.3; 0 when neither is there or can be read.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) / scale
        except ValueError:
            continue
        return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_PAUSE_S)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return min(max(email.utils.mktime_tz(date) - now, 0.0), LONGEST_PAUSE_S) if date else 0.0


def backoff(failures: int, rng: Random) -> float:
    """Seconds before the next try: full jitter, so that calls that failed together come back apart.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return rng.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (failures - 1)))
