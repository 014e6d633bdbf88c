"""Peers in containers of their own, which own their network namespace as any container does, and are there to be ended.

What becomes of a container is left to the engine: how it takes the network of a dead one away is part of what a
client sees.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hangup.labs.base import ContainerEnd
from hangup.labs.docker.engine import Engine
from hangup.labs.docker.leftovers import remove_container
from hangup.labs.process import Process

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Started:
    """A container that was started."""

    id: str
    network: str
    process: Process
    host: str


class EndedPeer:
    """One such peer (``hangup.labs.base.PeerContainer``)."""

    def __init__(self, engine: Engine, started: Started) -> None:
        self._engine = engine
        self._started = started
        self.host = started.host
        self.process = started.process

    async def end(self, how: ContainerEnd, grace: int) -> None:
        """Returns when the engine has done it: what is killed, stopped or removed has no network then."""
        await self._engine.call(partial(_end, started=self._started, how=how, grace=grace))

    async def remove(self) -> None:
        """Returns when nothing is left of it, whatever became of it before."""
        await self._engine.call(partial(remove_container, container=self._started.id))
        await self.process.end()


class EndedPeers:
    """Starts them (``hangup.labs.base.PeerContainers``)."""

    def __init__(self, engine: Engine, start: Callable[[], Awaitable[Started]]) -> None:
        self._engine = engine
        self._start = start

    async def start(self) -> EndedPeer:
        """Start one more. Raises LabError."""
        return EndedPeer(self._engine, await self._start())


def _end(api: APIClient, started: Started, how: ContainerEnd, grace: int) -> None:
    match how:
        case "kill":
            api.kill(started.id)
        case "stop":
            api.stop(started.id, timeout=grace)
        case "remove":
            remove_container(api, started.id)
        case "pause":
            api.pause(started.id)
        case "disconnect":
            api.disconnect_container_from_network(started.id, started.network)
