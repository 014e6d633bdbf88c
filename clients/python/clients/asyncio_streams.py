"""The standard library's asyncio streams: ``open_connection`` and its reader and writer.

Over TLS there is no half of a connection to close: ``write_eof`` raises ``NotImplementedError``. ``wait_closed`` waits
for the peer's close_notify, or its FIN, up to the 30 s of ``ssl_shutdown_timeout``.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from plumbing.client import StreamClient


class Session:
    """One pair of a reader and a writer."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    def __init__(self, ca: str | None) -> None:
        self._ssl = None if ca is None else ssl.create_default_context(cafile=ca)

    async def connect(self, host: str, port: int, *, keepalive: bool) -> None:
        self._reader, self._writer = await asyncio.open_connection(host, port, ssl=self._ssl)
        if keepalive:
            connection = self._writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def recv(self, limit: int) -> bytes:
        return await self._reader.read(limit)

    async def shutdown(self) -> None:
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


CLIENT = StreamClient("python/asyncio-streams", Session)
