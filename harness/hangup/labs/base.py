"""What a lab offers: addresses, processes on either side, the client's packets, and the client kernel's view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from hangup.agents.build import Build
from hangup.agents.manifest import Manifest
from hangup.capture import Ring
from hangup.catalogue.model import Need
from hangup.labs.firewall import Fate
from hangup.labs.forge import Forged
from hangup.labs.process import Process
from hangup.labs.sockdiag import SocketDiag

LabName = Literal["netns", "loopback", "docker"]
Side = Literal["client", "peer"]


MAY_OFFER: Mapping[LabName, frozenset[Need]] = {
    "netns": frozenset({"net", "hold", "router", "firewall", "translation", "abort"}),
    "loopback": frozenset({"hold"}),
    "docker": frozenset({"net", "hold", "containers", "published"}),
}
"""The needs that a lab meets where the machine permits all that it asks for."""

Building = Callable[[str], None]
"""Told the title of what has to be built before the lab can go on."""


def quietly(title: str) -> None:
    """Where nobody wants to know what is built."""


Target = Literal["blackhole", "no route", "published port"]
"""Where a client can be sent to instead of the peer: nothing ever answers; no route leads there; a proxy of an engine's
accepts for a container."""


class Network(Protocol):
    """Faults in the middle of a trial, which is told by its port. Each raises LabError where it cannot be made."""

    async def fate(self, fate: Fate, port: int, client_port: int | None) -> None:
        """From now on this becomes of the trial's packets, or only of those of its connection from ``client_port``."""

    async def forge(self, forged: Forged) -> None:
        """Send a segment, between the two hosts, that neither of them has sent."""

    async def abort(self, client_port: int, port: int) -> None:
        """Have the client's kernel abort a connection that its owner did not end."""

    async def lend_address(self, port: int) -> str:
        """Have the trial's connections come from an address of their own from now on: this one."""

    async def remove_address(self, port: int) -> None:
        """Take that address away from the client's host."""

    async def translate(self, port: int) -> None:
        """Have the trial's connections that are made from now on come to the peer from the router's own address."""

    async def forget(self, port: int, remote: int) -> None:
        """Have the router lose the translation of the connection that comes to the peer from the port ``remote``."""

    async def clear(self, port: int) -> None:
        """The trial is over: nothing more becomes of its packets."""


ContainerEnd = Literal["kill", "stop", "remove", "pause", "disconnect"]
"""What a script can have done to the peer's container (``catalogue.script``)."""


class PeerContainer(Protocol):
    """A peer in a container of its own, which is there to be ended."""

    host: str
    """Its own address."""
    process: Process

    async def end(self, how: ContainerEnd, grace: int) -> None:
        """Returns when it is done. ``grace``: seconds from SIGTERM to SIGKILL, where it is stopped."""
        ...

    async def remove(self) -> None:
        """Returns when nothing is left of it, whatever became of it before."""
        ...


class PeerContainers(Protocol):
    """What a lab with an engine of containers offers beside its own peer."""

    async def start(self) -> PeerContainer:
        """Start one more. Raises LabError where it cannot be started."""
        ...


class Lab(Protocol):
    """A place where trials run. Opened and closed by ``open_lab``."""

    name: LabName
    host: str
    """The peer's address, as clients are told it."""
    client_host: str
    """The client's own address."""
    targets: Mapping[Target, str]
    """Addresses that are not the peer's; empty where the lab has no network of its own."""
    published: Sequence[int]
    """The ports of the target ``published port``, behind which nothing listens; none until ``furnish`` was asked."""
    network: Network | None
    """What a trial may do to the network; None where there is no router between client and peer."""
    capture: Ring | None
    """The packets at the client's side; None where the machine does not permit it, and then cells are unproved."""
    diag: SocketDiag | None
    """The client kernel's sockets; None where the platform cannot tell."""
    containers: PeerContainers | None
    """Peers in containers of their own; None where the lab has no engine of containers."""

    async def prepare(self, manifest: Manifest, building: Building) -> Build:
        """Make an agent ready to start; ``building`` is told its title where that takes a while. Raises BuildError."""
        ...

    async def start_agent(self, build: Build) -> Process:
        """Start an agent at the client's side. Raises LabError where it cannot be started."""
        ...

    async def start_peer(self, keys: Path | None = None) -> Process:
        """Start the peer at its side. Raises LabError where it cannot be started.

        ``keys``: where it appends the keys of its TLS sessions, if it shares this machine's files.
        """
        ...

    async def furnish(self, needs: Collection[Need]) -> list[str]:
        """Have what scenarios need that not every run has to pay for; in words, what cannot be had, and why."""
        ...

    def offers(self) -> frozenset[Need]:
        """The needs that this lab meets here, as far as it is furnished: at most those of ``MAY_OFFER``."""
        ...

    async def close(self) -> None:
        """End every process of the lab and remove all that it made. Safe to call twice."""
        ...
