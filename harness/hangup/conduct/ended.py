"""Peers whose container a script ends: started when trials want one, shared, and ended for all of them at once.

A container costs the engine half a second, so the trials that wait while one starts get it together, and it ends when
each of them has come to that step: as in production, where the end of a container is that of all its connections. What
a trial sees is its own all the same: its port, its packets, its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from typing import cast

from hangup.catalogue import Step
from hangup.conduct.peer import LoggedConnection, Peer
from hangup.errors import LabError, PeerFault
from hangup.labs import ContainerEnd, PeerContainer
from hangup.labs.base import PeerContainers

TOGETHER = 16
"""Trials that share a container at most."""
AT_ONCE = 12
"""Containers at a time."""
PORTS = range(5_000, 10_000)
"""Apart from those of the run's own peer: a port tells the trial, at whatever address it is."""


class EndedContainers:
    """All such peers of a run."""

    def __init__(self, containers: PeerContainers | None) -> None:
        self._containers = containers
        self._room = asyncio.Semaphore(AT_ONCE)
        self._ports = cycle(PORTS)
        self._forming: dict[str, _Shared] = {}
        """By how it is to end: the container that is not started yet, and takes more trials."""

    @asynccontextmanager
    async def peer(self, end: Step) -> AsyncIterator[EndedPeer]:
        """One trial's part in a peer whose container ends so. Raises LabError where none can be started."""
        key = end.model_dump_json()
        shared = self._forming.get(key)
        if shared is None or len(shared.members) >= TOGETHER:
            shared = self._forming[key] = _Shared(end)
        peer = EndedPeer(shared, next(self._ports))
        try:
            async with shared.starting:
                if shared.peer is None:
                    await self._start(key, shared)
            yield peer
        finally:
            await peer.leave()

    async def _start(self, key: str, shared: _Shared) -> None:
        if self._containers is None:
            raise LabError("this lab has no engine of containers")
        await self._room.acquire()
        try:
            shared.container = await self._containers.start()
        except BaseException:
            self._room.release()
            raise
        finally:
            if self._forming.get(key) is shared:
                del self._forming[key]  # who comes from here on gets another one
        shared.gone.add_done_callback(lambda _: self._room.release())
        shared.peer = await Peer.greet(shared.container.process, shared.container.host)


class EndedPeer:
    """The peer as one of the trials knows it that share its container (``hangup.conduct.peer.TrialPeer``)."""

    def __init__(self, shared: _Shared, port: int) -> None:
        self._shared = shared
        self._port = port
        self.trial = ""
        shared.members.add(self)

    @property
    def host(self) -> str:
        """The container's own address."""
        return self._shared.running.host

    async def open(self, trial: str, further: Sequence[Step]) -> int:
        """Listen on a port of the trial's own."""
        self.trial = trial
        return await self._shared.running.open(trial, further, self._port)

    async def run(self, trial: str, steps: Sequence[Step]) -> tuple[int | None, int]:
        """Play steps on the trial's first connection."""
        return await self._shared.running.run(trial, steps)

    async def end(self, trial: str, step: Step) -> None:
        """Returns when the container has ended, which waits for the other trials.

        Raises PeerFault where the engine cannot end it: a busy machine's kernel may fail to freeze one, and the trial
        is repeated with another.
        """
        del trial, step  # they are known
        self._shared.ready.add(self)
        self._shared.end_if_all_are_ready()
        await asyncio.shield(self._shared.ended)

    async def close(self, trial: str) -> tuple[LoggedConnection, ...]:
        """End the trial. Where the container has ended, this returns when it is removed: all its trials are over."""
        if self not in self._shared.logs:
            self._shared.ready.discard(self)  # it waits no more
            return await self._shared.running.close(trial)
        await self.leave()
        await asyncio.shield(self._shared.gone)
        return self._shared.logs[self]

    async def leave(self) -> None:
        """Nothing more is wanted of the container; the last one removes it. Safe to call twice."""
        if self in self._shared.members:
            await self._shared.leave(self)


class _Shared:
    """One container, and the trials that share it."""

    def __init__(self, end: Step) -> None:
        self._step = end
        self.container: PeerContainer | None = None
        self.peer: Peer | None = None
        self.starting = asyncio.Lock()
        self.members: set[EndedPeer] = set()
        self.ready: set[EndedPeer] = set()
        """Those that wait for the container's end."""
        self.logs: dict[EndedPeer, tuple[LoggedConnection, ...]] = {}
        """As they were just before that end: nothing can be asked of the peer afterwards."""
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._ending: asyncio.Task[None] | None = None

    @property
    def running(self) -> Peer:
        """The peer, once it was started."""
        assert self.peer is not None
        return self.peer

    def end_if_all_are_ready(self) -> None:
        """Called when one is ready, and when one leaves for which the others may have waited."""
        if self.ready and self.ready == self.members and self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        assert self.container is not None
        try:
            for member in list(self.ready):
                if member in self.ready:  # it may have given up while another one's was asked for
                    self.logs[member] = await self.running.log(member.trial)
            await self.container.end(cast("ContainerEnd", self._step.act), self._step.number("grace", 10))
        except (LabError, PeerFault) as error:
            self.ended.set_exception(PeerFault(str(error)))
            self.ended.exception()  # looked at, also where all who waited for it have given up
        else:
            self.ended.set_result(None)

    async def leave(self, member: EndedPeer) -> None:
        """One trial less; with the last one goes the container."""
        self.members.discard(member)
        self.ready.discard(member)
        self.end_if_all_are_ready()
        if not self.members and self.container is not None:
            try:
                await self.container.remove()
            finally:
                self.gone.set_result(None)
