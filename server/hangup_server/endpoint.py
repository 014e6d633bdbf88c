"""One connection of a listener, whoever owns it: the process itself at first, and a child once it was given away.

It knows neither the listener nor what trial, if any, the connection belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hangup_server.connection import Connection
from hangup_server.errors import StepError, explain
from hangup_server.steps.process import ProcessStep
from hangup_server.steps.step import ConnectionStep

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

    from hangup_server.log import Address, ConnectionLog
    from hangup_server.nursery import Nursery, OwnedConnection
    from hangup_server.script import Script
    from hangup_server.steps.step import Step


class Endpoint:
    """`close` must be called whatever happened."""

    def __init__(self, sock: socket.socket, remote: Address, nursery: Nursery | None) -> None:
        self.remote = remote
        self._connection = Connection(sock)
        self._nursery = nursery
        self._adoption: asyncio.Future[OwnedConnection] | None = None
        self._owned: OwnedConnection | None = None

    async def give_away(self) -> None:
        """From here on a new child process alone owns the connection."""
        if self._nursery is None:
            raise StepError("accept: this peer has no processes to give a connection to; that needs Linux")
        self._adoption = asyncio.ensure_future(self._nursery.adopt(self._connection))
        try:
            # A trial that is closed just now must still find the process that is being born, to end it.
            self._owned = await asyncio.shield(self._adoption)
        except OSError as error:
            raise StepError(f"accept: {explain(error)}") from error

    async def run(self, steps: Iterable[Step]) -> None:
        """Does steps of the connection, and of the process that owns it, in order."""
        batch: list[ConnectionStep] = []
        for step in steps:
            if isinstance(step, ConnectionStep):
                batch.append(step)
                continue
            await self._run_batch(batch)
            batch = []
            if not isinstance(step, ProcessStep):
                raise StepError(f"{step.name}: not a step for a connection")
            if self._owned is None:
                raise StepError(f"{step.name}: no process owns the connection; accept it with process = true")
            await self._owned.end(step)
        await self._run_batch(batch)

    async def _run_batch(self, batch: Sequence[ConnectionStep]) -> None:
        if batch:
            await (self._owned or self._connection).run(batch)

    async def close(self) -> None:
        await self._connection.abandon()
        if self._adoption is None:
            return
        with contextlib.suppress(OSError, StepError):  # given away in vain: there is no process
            self._owned = await self._adoption
            await self._owned.close()

    def log(self) -> ConnectionLog:
        return (self._owned or self._connection).log()


async def serve(endpoint: Endpoint, script: Script) -> None:
    """Does a whole script on a connection that has just been accepted. Raises StepError."""
    if script.process:
        await endpoint.give_away()
    await endpoint.run(script.steps)
