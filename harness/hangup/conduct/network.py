"""The network's steps in one trial: which address the client is told, and what is done to its packets on the way.

It knows the packets so far, from which forged ones take their numbers, and nothing of agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from hangup.catalogue import Step
from hangup.conduct.observer import Tracker
from hangup.labs import Lab, Target
from hangup.labs.firewall import FATES
from hangup.labs.forge import Forged
from hangup.wire import Flags, Segment
from hangup.wire.sequence import offset

TARGETS: tuple[Target, ...] = get_args(Target)


class TrialNetwork:
    """The network, as one trial sees it."""

    def __init__(self, lab: Lab, host: str, port: int, tracker: Tracker | None) -> None:
        self._lab, self._port, self._tracker = lab, port, tracker
        self._touched = self._translated = False
        self.host = host
        """The address that the client is told: the peer's, until a step says otherwise."""
        self.client_host = lab.client_host
        """The address that the client has."""

    def client_port(self, remote: int | None) -> int | None:
        """The client's port of the trial's first connection, which the peer knows as ``remote`` once it has accepted.

        Where the router translates, these differ, and the capture tells.
        """
        if remote is None or not self._translated:
            return remote
        assert self._tracker is not None, "a lab with a router captures"
        return next(iter(self._tracker.client_ports()), None)

    async def play(self, step: Step, remote: int | None) -> None:
        """Do a step. ``remote``: as the peer knows the first connection's port. Raises LabError."""
        client_port = self.client_port(remote)
        for target in TARGETS:
            if step.act == target:
                self.host = self._lab.targets[target]
                return
        network = self._lab.network
        assert network is not None, "the plan leaves out what the lab does not offer"
        self._touched = True
        for fate in FATES:
            if step.act == fate:
                await network.fate(fate, self._port, client_port if step.params.get("flow") is True else None)
                return
        if step.act == "own address":
            self.client_host = await network.lend_address(self._port)
            return
        if step.act == "remove address":
            await network.remove_address(self._port)
            return
        if step.act == "translate":
            self._translated = True
            await network.translate(self._port)
            return
        assert remote is not None, "the catalogue has these only after an accept"
        assert client_port is not None, "what was accepted was seen"
        if step.act == "forget":
            await network.forget(self._port, remote)
        elif step.act == "abort":
            await network.abort(client_port, self._port)
        else:
            await network.forge(self._forged(step, client_port))

    def _forged(self, step: Step, client_port: int) -> Forged:
        """A RST with the numbers that its receiver awaits, or some ``ahead``."""
        client, peer = (self.client_host, client_port), (self._lab.host, self._port)
        assert self._tracker is not None, "a lab with a router captures"
        segments = self._tracker.recent()
        sent = {
            client: following([s for s in segments if s.sport == client_port]),
            peer: following([s for s in segments if s.dport == client_port]),
        }
        source, destination = (peer, client) if step.text("to", "client") == "client" else (client, peer)
        return Forged(source, destination, sent[source] + step.number("ahead", 0), sent[destination])

    async def clear(self) -> None:
        """The trial is over: the network is as it was."""
        if self._touched and self._lab.network is not None:
            await self._lab.network.clear(self._port)


def following(segments: Sequence[Segment]) -> int:
    """The sequence number behind the last one that these segments of one sender use."""
    last = segments[0].seq
    for segment in segments:
        if not segment.flags & Flags.RST:
            size = segment.length + bool(segment.flags & Flags.SYN) + bool(segment.flags & Flags.FIN)
            last += max(0, offset(segment.seq + size, last))
    return last & 0xFFFFFFFF
