"""Google's JSON error shape, once for all REST surfaces of the local cloud."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class ApiError(Exception):
    """An error as Google's APIs answer it: HTTP status, gRPC status name, message, reason."""

    def __init__(self, code: int, message: str, reason: str = "", status: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or _STATUS.get(code, "UNKNOWN")
        self.status = status or _STATUS.get(code, "UNKNOWN")

    def body(self) -> dict[str, Any]:
        """The JSON body: https://cloud.google.com/apis/design/errors and Storage's older ``errors`` list."""
        error = {
            "code": self.code,
            "message": self.message,
            "status": self.status,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
        }
        return {"error": error}

    def response(self) -> web.Response:
        return json_response(self.body(), status=self.code)


def json_response(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is ``{}``; anything else is a 400."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"Parse Error: {error}", "parseError") from error
    if not isinstance(value, dict):
        raise ApiError(400, "Parse Error: the body must be a JSON object", "parseError")
    return value


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer ApiError in Google's shape; a bug is a logged 500, never a broken connection."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as error:
        return ApiError(error.status, error.reason).response()
    except ConnectionError:
        raise
    except Exception as error:
        log.exception("localcloud.bug", method=request.method, path=request.raw_path)
        return ApiError(500, f"local cloud: {type(error).__name__}: {error}").response()
