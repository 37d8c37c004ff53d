"""One port for HTTP/1.1 and gRPC: the first bytes of a connection say which it is.

HTTP/1.1 connections are handed to aiohttp as they are (no copying). HTTP/2 connections, told by the
fixed client preface of RFC 9113 section 3.4, are spliced to the gRPC server's Unix socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Mux:
    """Accepts on ``sock`` until closed. ``http`` makes aiohttp protocols; ``grpc_path`` is a Unix socket."""

    def __init__(
        self, sock: socket.socket, http: Callable[[], asyncio.BaseProtocol], grpc_path: Path | None
    ) -> None:
        self._sock = sock
        self._http = http
        self._grpc_path = grpc_path
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Accept for ever; cancel to stop."""
        loop = asyncio.get_running_loop()
        self._sock.setblocking(False)
        while True:
            try:
                connection, _ = await loop.sock_accept(self._sock)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:  # out of descriptors, or the client is gone already: others still come
                log.warning("mux.accept_failed", error=str(error))
                await asyncio.sleep(0.05)
                continue
            task = asyncio.create_task(self._dispatch(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self._sock.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dispatch(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            head = await _peek(connection, len(PREFACE))
            if head == PREFACE and self._grpc_path is not None:
                await _splice(connection, self._grpc_path)
            elif head:
                await loop.connect_accepted_socket(self._http, connection)
            else:
                connection.close()
        except OSError:
            connection.close()  # the client went away before it was served; nothing to answer
        except asyncio.CancelledError:
            connection.close()
            raise


async def _peek(connection: socket.socket, size: int) -> bytes:
    """Look at the first ``size`` bytes without taking them; fewer when they already are no preface."""
    loop = asyncio.get_running_loop()
    while True:
        await _readable(loop, connection)
        head = connection.recv(size, socket.MSG_PEEK)
        if not head or len(head) == size or not PREFACE.startswith(head):
            return head
        await asyncio.sleep(0.001)  # a split preface: wait for the rest


async def _readable(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)


async def _splice(connection: socket.socket, path: Path) -> None:
    """Copy both ways until either end closes. Cancelling cuts both off."""
    loop = asyncio.get_running_loop()
    upstream, downstream = _End(), _End()
    upstream.other, downstream.other = downstream, upstream
    await loop.create_unix_connection(lambda: upstream, str(path))
    try:
        await loop.connect_accepted_socket(lambda: downstream, connection)
        await asyncio.gather(upstream.lost.wait(), downstream.lost.wait())
    finally:
        upstream.abort()
        downstream.abort()


class _End(asyncio.Protocol):
    """One end of a splice: what it receives goes out at the other, no faster than that can send."""

    def __init__(self) -> None:
        self.other: _End | None = None
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.writelines(self._early)
        self._early.clear()
        if self.other is not None and self.other.lost.is_set():
            transport.close()

    def send(self, data: bytes) -> None:
        """Write, or keep until there is a connection: the gRPC server speaks before it is spoken to."""
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.send(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        self.lost.set()
        if self.other is not None and self.other._transport is not None:
            self.other._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
