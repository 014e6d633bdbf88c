"""The stream of an attached container: its input raw, its two outputs in frames, as the engine multiplexes them.

A frame is eight bytes (the output's number, three of nothing, the length, big-endian) and the output's own bytes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from hangup.labs.process import Process

_HEADER = struct.Struct(">BxxxI")
_STDERR = 2


class Attached(asyncio.Protocol):
    """Joins a container's stream to its ``Process``; ``over`` is told when the stream ends."""

    def __init__(self, process: Process, over: Callable[[], None]) -> None:
        self._process = process
        self._over = over
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The stream is there."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._process.attach_stdin(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of frames, however they are cut."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEADER.size:
            output, length = _HEADER.unpack_from(buffer, at)
            end = at + _HEADER.size + length
            if len(buffer) < end:
                break
            feed = self._process.feed_stderr if output == _STDERR else self._process.feed_stdout
            feed(bytes(buffer[at + _HEADER.size : end]))
            at = end
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        """The container ended, or the engine did."""
        self._over()
