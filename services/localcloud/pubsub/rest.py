"""The REST side: the same methods, transcoded from and to JSON.

https://google.aip.dev/127
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from google.protobuf import json_format

from services.localcloud.http import ApiError, json_body, json_response
from services.localcloud.pubsub.methods import PUBLISHER, SUBSCRIBER, Call, Method

_SYSTEM_PARAMETERS = {
    "alt",
    "prettyPrint",
    "key",
    "quotaUser",
    "fields",
    "access_token",
    "$.xgafv",
    "callback",
}


def routes(calls: dict[str, Call]) -> list[web.RouteDef]:
    """Routes for topics, subscriptions and snapshots only: other APIs share ``/v1/projects/P``."""
    return [
        web.route(method.verb, method.path, _handler(method, calls[method.call]))
        for method in (*PUBLISHER, *SUBSCRIBER)
    ]


def _handler(method: Method, call: Call) -> Any:
    async def handle(request: web.Request) -> web.Response:
        response = await call(_request(method, request, await json_body(request)))
        return json_response(json_format.MessageToDict(response))

    return handle


def _request(method: Method, request: web.Request, body: dict[str, Any]) -> Any:
    """The protobuf request; ApiError 400 for JSON that does not fit it."""
    message = method.request()
    values = body if method.verb in ("PUT", "PATCH", "POST") else _query(request)
    try:
        json_format.ParseDict(values, message)
    except json_format.ParseError as error:
        raise ApiError(400, f"Invalid JSON payload received. {error}") from error
    _set(message, method.target, _resource(method, request))
    return message


def _query(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name not in _SYSTEM_PARAMETERS}


def _resource(method: Method, request: web.Request) -> str:
    """The resource's name out of the path."""
    parts = request.match_info
    project = f"projects/{parts['project']}"
    return f"{project}/{method.collection}/{parts['id']}" if method.collection else project


def _set(message: Any, target: str, name: str) -> None:
    """Set a (nested) field; a different value in the body is a contradiction."""
    *path, field = target.split(".")
    for part in path:
        message = getattr(message, part)
    given = getattr(message, field)
    if given and given != name:
        raise ApiError(400, f"The resource's name in the body ({given}) differs from the path's ({name}).")
    setattr(message, field, name)
