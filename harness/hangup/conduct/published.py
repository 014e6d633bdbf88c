"""Ports that are published and have nobody behind them: lent to one trial at a time, which is told by its port.

The port that was used the longest ago is lent next, so that what comes late on it meets nobody else's trial.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hangup.catalogue import Step
from hangup.conduct.peer import LoggedConnection
from hangup.errors import LabError
from hangup.labs import Lab


class PublishedPorts:
    """All that a lab has."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for port in lab.published:
            self._free.put_nowait(port)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Nobody]:
        """One for a trial. Raises LabError where the lab has none."""
        if not self._lab.published:
            raise LabError("this lab has no published ports")
        port = await self._free.get()
        try:
            yield Nobody(self._lab.targets["published port"], port)
        finally:
            self._free.put_nowait(port)


class Nobody:
    """Who is behind such a port (``hangup.conduct.peer.TrialPeer``): the catalogue has them do nothing."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self._port = port

    async def open(self, trial: str, further: Sequence[Step]) -> int:
        """The port is open from the start."""
        del trial, further
        return self._port

    async def run(self, trial: str, steps: Sequence[Step]) -> tuple[int | None, int]:
        """Nobody can."""
        raise LabError(f"{trial}: nobody was to do {', '.join(step.act for step in steps)}")

    async def end(self, trial: str, step: Step) -> None:
        """Nobody's container ends."""
        raise LabError(f"{trial}: nobody was to meet {step.act!r}")

    async def close(self, trial: str) -> tuple[LoggedConnection, ...]:
        """Nobody has seen a connection."""
        del trial
        return ()
