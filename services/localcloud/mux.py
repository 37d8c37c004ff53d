"""One port for HTTP/1.1 and gRPC: the first bytes of a connection say which it is.

HTTP/1.1 connections are handed to aiohttp as they are (no copying). HTTP/2 connections, told by the
fixed client preface of RFC 9113 section 3.4, are spliced to the gRPC server's Unix socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Mux:
    """Accepts on ``sock`` until closed; ``http`` makes aiohttp protocols, ``grpc_path`` is a Unix socket."""

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
            connection, _ = await loop.sock_accept(self._sock)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._dispatch(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self._sock.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dispatch(self, connection: socket.socket) -> None:
        try:
            head = await _peek(connection, len(PREFACE))
            if head == PREFACE and self._grpc_path is not None:
                await self._splice(connection, self._grpc_path)
            elif head:
                loop = asyncio.get_running_loop()
                await loop.connect_accepted_socket(self._http, connection)
            else:
                connection.close()
        except OSError:
            connection.close()  # the client went away before it was served; nothing to answer
        except asyncio.CancelledError:
            connection.close()
            raise

    async def _splice(self, connection: socket.socket, path: Path) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        upstream_reader, upstream_writer = await asyncio.open_unix_connection(str(path))
        await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))


async def _peek(connection: socket.socket, size: int) -> bytes:
    """The first ``size`` bytes, left in place; fewer when they already differ from the preface."""
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


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until end of file, then close the other side's writing half, so that both pumps end."""
    try:
        with suppress(ConnectionError):  # a peer that resets ends this direction like end of file
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        with suppress(OSError):
            writer.close()
