"""The standard library's asyncio streams: ``open_connection`` and its reader and writer."""

from __future__ import annotations

import asyncio

from plumbing.client import StreamClient


class Session:
    """One pair of a reader and a writer."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def connect(self, host: str, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection(host, port)

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
