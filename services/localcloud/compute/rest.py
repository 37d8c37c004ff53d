"""What the two REST surfaces share: names, pages, durations, environment, faults on requests."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Sequence
from typing import TypeVar

from aiohttp import web

from services.localcloud.faults import Faults
from services.localcloud.http import ApiError, Handler

DEFAULT_PAGE = 100
MAX_PAGE = 1000
JOB_ID = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

Row = TypeVar("Row")


def location_of(request: web.Request) -> str:
    """``projects/P/locations/L`` of a request's path."""
    return f"projects/{request.match_info['project']}/locations/{request.match_info['location']}"


def valid_job_id(job_id: str) -> str:
    if not JOB_ID.fullmatch(job_id):
        raise ApiError(
            400,
            f"invalid job id {job_id!r}: at most 63 lowercase letters, digits and hyphens, "
            "starting with a letter, not ending with a hyphen",
        )
    return job_id


def page_request(request: web.Request) -> tuple[int, int | None]:
    """(page size, position given by the page token). Raises ApiError 400 for a token of no page of ours."""
    try:
        size = int(request.query.get("pageSize", "0")) or DEFAULT_PAGE
        token = request.query.get("pageToken", "")
        position = int(token) if token else None
    except ValueError as error:
        raise ApiError(400, f"invalid page size or token: {error}") from error
    if size < 0:
        raise ApiError(400, f"invalid page size: {size}")
    return min(size, MAX_PAGE), position


def page(rows: Sequence[tuple[int, Row]], size: int) -> tuple[list[Row], dict[str, str]]:
    """Cut ``rows`` (one more than the page, if there are more) to the page; its ``nextPageToken`` if any."""
    items = [row for _, row in rows[:size]]
    return items, ({"nextPageToken": str(rows[size - 1][0])} if len(rows) > size else {})


def seconds(duration: object, what: str) -> float | None:
    """``"1.5s"`` → 1.5; None for an absent one. Raises ApiError 400."""
    if duration is None or duration == "":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d{1,9})?)s", str(duration))
    if match is None:
        raise ApiError(400, f"invalid duration {duration!r} for {what}: expected like '600s'")
    return float(match[1])


def integer(value: object, what: str, default: int, minimum: int = 0) -> int:
    """An int64 as JSON has it, a number or a string. Absent is ``default``."""
    if value is None or value == "":
        return default
    try:
        number = int(str(value))
    except ValueError as error:
        raise ApiError(400, f"invalid number {value!r} for {what}") from error
    if number < minimum:
        raise ApiError(400, f"{what} must be at least {minimum}, not {number}")
    return number


def new_uid() -> str:
    return str(uuid.uuid4())


def with_faults(faults: Faults, point: str, handler: Handler) -> Handler:
    """A handler under the fault rules of ``point``.

    ``error`` answers its status and ``drop`` closes the connection, both before anything happened; ``kill``
    closes it after the call took effect; ``delay`` waits first; ``duplicate`` calls twice, as a retry would.
    """

    async def faulty(request: web.Request) -> web.StreamResponse:
        rule = faults.check(point, method=request.method, path=request.path)
        if rule is None:
            return await handler(request)
        if rule.action == "error":
            raise ApiError(rule.status, f"fault injected at {point}")
        if rule.action in ("delay", "reorder"):
            await asyncio.sleep(rule.delay_ms / 1000)
        if rule.action == "duplicate":
            await handler(request)
        if rule.action in ("drop", "kill"):
            if rule.action == "kill":
                await handler(request)
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError(f"fault injected at {point}")
        return await handler(request)

    return faulty


def faulty_routes(
    faults: Faults, point: str, table: Sequence[tuple[str, str, Handler]]
) -> list[web.RouteDef]:
    """Routes of (method, path, handler), each under the fault rules of ``point``."""
    return [web.route(method, path, with_faults(faults, point, handler)) for method, path, handler in table]
