"""The gRPC side: both services on a Unix socket, which the port's multiplexer feeds."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import structlog

from services.localcloud.http import ApiError
from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.methods import PUBLISHER, SUBSCRIBER, Call, Method
from services.localcloud.pubsub.streaming import Stream
from services.localcloud.pubsub.wire import StreamingPullRequest

log = structlog.get_logger(__name__)

_MAX_BYTES = 20 * 2**20
_MAX_PATH = 100  # bytes; the kernel's limit for a Unix socket's path is 107
_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_BYTES),
    ("grpc.max_send_message_length", _MAX_BYTES * 10),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
]


def socket_path(folder: Path) -> Path:
    """Where the socket goes: in ``folder``, or in a temporary one when that makes too long a path."""
    path = folder / "grpc.sock"
    return path if len(str(path).encode()) <= _MAX_PATH else Path(tempfile.mkdtemp(prefix="pubsub-")) / "s"


def new_server(path: Path, broker: Broker, calls: dict[str, Call]) -> Any:
    """A ``grpc.aio.Server`` bound to ``path``, not yet started. ``calls`` implements the methods by name."""
    server = grpc.aio.server(options=_OPTIONS)
    for service, methods in (("Publisher", PUBLISHER), ("Subscriber", SUBSCRIBER)):
        handlers = {method.name: _unary(method, calls[method.call]) for method in methods}
        if service == "Subscriber":
            handlers["StreamingPull"] = _streaming(broker)
        name = f"google.pubsub.v1.{service}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    server.add_insecure_port(f"unix:{path}")
    return server


def _unary(method: Method, call: Call) -> Any:
    async def handle(request: Any, context: Any) -> Any:
        async with _Errors(context, method.name):
            if method.name == "Pull":
                return await call(request, context.time_remaining())
            return await call(request)

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=method.request.FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


def _streaming(broker: Broker) -> Any:
    async def handle(requests: AsyncIterator[Any], context: Any) -> None:
        async with _Errors(context, "StreamingPull"):
            await Stream(broker, requests, context.write).run()

    return grpc.stream_stream_rpc_method_handler(
        handle,
        request_deserializer=StreamingPullRequest.FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


class _Errors:
    """Ends a call with the gRPC status of its ApiError; a bug is logged and answered as INTERNAL."""

    def __init__(self, context: Any, method: str) -> None:
        self._context = context
        self._method = method

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if isinstance(error, ApiError):
            status = getattr(grpc.StatusCode, error.status, grpc.StatusCode.UNKNOWN)
            await self._context.abort(status, error.message)
        if isinstance(error, Exception) and not isinstance(error, grpc.RpcError | grpc.aio.AbortError):
            log.error("localcloud.bug", method=self._method, exc_info=error)
            await self._context.abort(
                grpc.StatusCode.INTERNAL, f"local cloud: {type(error).__name__}: {error}"
            )
