"""The loopback lab: 127.0.0.1, for platforms and machines where nothing else is permitted.

It captures where an AF_PACKET socket may be opened (Linux, with CAP_NET_RAW); elsewhere its cells are unproved.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

from hangup.capture import Ring
from hangup.catalogue.model import Need
from hangup.errors import LabError
from hangup.labs.base import MAY_OFFER, Building, LabName, Network, PeerContainers, Side, Target, quietly
from hangup.labs.certificates import Certificates
from hangup.labs.host import HostLab
from hangup.labs.process import Process, Subprocess
from hangup.labs.sockdiag import SocketDiag
from hangup_server import hold


class LoopbackLab(HostLab):
    """Children of the harness that talk over the loopback interface."""

    name: LabName = "loopback"
    host = client_host = "127.0.0.1"
    targets: Mapping[Target, str] = MappingProxyType({})
    network: Network | None = None
    containers: PeerContainers | None = None

    def __init__(self) -> None:
        self.capture: Ring | None = None
        self.diag: SocketDiag | None = None
        self.certificates = Certificates(self.host, "localhost")
        self._processes: list[Process] = []

    @classmethod
    async def start(cls, building: Building = quietly) -> Self:
        """Open it. Never fails: what the machine does not permit is left out."""
        lab = cls()
        if sys.platform == "linux":
            try:
                lab.diag = SocketDiag.here()
                lab.capture = Ring(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0), "lo", loopback=True)
            except OSError:
                pass  # no CAP_NET_RAW: `doctor` and every table of the run say "unproved"
        return lab

    def offers(self) -> frozenset[Need]:
        """No network of its own; holding segments back only where the peer, which runs as we do, has the right."""
        return MAY_OFFER[self.name] if hold.works() else frozenset()

    async def spawn(self, side: Side, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Process:
        """Start a program as a child of the harness, in a session of its own."""
        del side  # both sides are this host
        loop = asyncio.get_running_loop()
        try:
            _transport, protocol = await loop.subprocess_exec(
                Subprocess, *argv, env=dict(env), cwd=cwd, start_new_session=True
            )
        except OSError as error:
            raise LabError(f"{argv[0]}: {error.strerror}") from None
        self._processes.append(protocol.process)
        return protocol.process

    async def close(self) -> None:
        """Kill every child that is left."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            await process.end(0)
        self._processes.clear()
        self.certificates.remove()
        if self.capture is not None:
            self.capture.close()
        if self.diag is not None:
            self.diag.close()
