"""The process that owns one connection, and that is made to be killed.

It runs the same `Connection` as the peer does. Each line on its control socket is a batch of steps; each
answer carries the whole log so far, because nothing can be asked of a process that was killed. It ends when
the peer closes the control socket, however that came about.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import TYPE_CHECKING, Any

from hangup_server.connection import Connection
from hangup_server.errors import StepError
from hangup_server.script import parse
from hangup_server.steps.step import ConnectionStep

if TYPE_CHECKING:
    import socket

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Blocked when the process starts, so that one that comes early waits until it means what it should."""

ENDED = "the process that owns the connection has ended"
"""Why a batch could not be done that was under way, or came, when the process ended."""


def encode(message: dict[str, Any]) -> bytes:
    """One line of the control socket."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def main(connection: socket.socket, control: socket.socket) -> None:
    """Returns when the process shall exit."""
    asyncio.run(_Owner(control).live(connection))


class _Owner:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._control.setblocking(False)
        self._batches: asyncio.Queue[bytes]
        self._buffer = b""
        self._orderly = False

    async def live(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._batches = asyncio.Queue()
        loop = asyncio.get_running_loop()
        connection = Connection(sock)
        work = loop.create_task(self._work(connection))
        loop.add_signal_handler(signal.SIGTERM, self._end_orderly, work)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        loop.add_reader(self._control, self._hear, work)
        with contextlib.suppress(asyncio.CancelledError):
            await work
        loop.remove_reader(self._control)
        if self._orderly:
            with contextlib.suppress(StepError):  # a step may have ended it before
                connection.close()
        with contextlib.suppress(OSError):  # the peer may be gone
            await self._answer(connection, ENDED)

    def _end_orderly(self, work: asyncio.Task[None]) -> None:
        self._orderly = True
        work.cancel()

    def _hear(self, work: asyncio.Task[None]) -> None:
        try:
            data = self._control.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._control)
            work.cancel()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._batches.put_nowait(line)

    async def _work(self, connection: Connection) -> None:
        while True:
            steps = parse(json.loads(await self._batches.get())["steps"])
            why = None
            try:
                await connection.run(step for step in steps if isinstance(step, ConnectionStep))
            except StepError as error:
                why = str(error)
            await self._answer(connection, why)

    async def _answer(self, connection: Connection, why: str | None) -> None:
        line = encode({"why": why, "log": connection.log().as_json()})
        await asyncio.get_running_loop().sock_sendall(self._control, line)
