"""``Range`` of downloads and ``Content-Range`` of resumable uploads. Pure. RFC 9110 section 14."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.localcloud.http import ApiError

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range begins at or behind the end: answered with 416 and ``Content-Range: bytes */size``."""


def requested(header: str | None, size: int) -> tuple[int, int] | None:
    """``(start, end)`` (end exclusive) of the one range asked for; None: the whole content.

    A header that is malformed or asks for several ranges is ignored, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(0, size - int(match[2])), size
    if start >= size:
        raise Unsatisfiable
    return start, end


@dataclass(frozen=True)
class Span:
    """What a PUT to a resumable upload brings. ``start`` is None for a status query or an empty finish."""

    start: int | None
    total: int | None


def sent(header: str | None) -> Span | None:
    """The span of ``Content-Range: bytes a-b/total`` (``a-b/*``, ``*/total``, ``*/*``); None without."""
    if header is None:
        return None
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        raise ApiError(400, f"Failed to parse Content-Range header: {header!r}", "badRequest")
    total = None if match[3] == "*" else int(match[3])
    return Span(int(match[1]) if match[1] else None, total)
