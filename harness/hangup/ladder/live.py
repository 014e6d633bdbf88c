"""A ladder as the trial goes on: each row is handed out once, in the order in which things happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hangup.ladder.acts import Act, Placer, act_of
from hangup.ladder.packets import Packet, Packets
from hangup.ladder.rows import OVER, Row, begins, beside, ends, opens, reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hangup.catalogue import Step
    from hangup.conduct.trial import Operation
    from hangup.wire import IcmpError, Segment

_FIRST = 1


class LiveLadder:
    """The spectator of one trial (``hangup.conduct.trial.Spectator``)."""

    def __init__(self, further: Sequence[Step], show: Callable[[Row], None], pump: Callable[[], None]) -> None:
        """``further``: what the peer does on further connections.

        ``pump`` hands over the packets that are there, so that none is shown behind what it led to.
        """
        self.packets: list[Packet] = []
        """Those that passed before the trial was over."""
        self.errors: list[IcmpError] = []
        """The ICMP errors among them."""
        self._further = [Act("accept", "accept"), *map(act_of, further)]
        self._show = show
        self._pump = pump
        self._reader: Packets | None = None
        self._placers = {_FIRST: Placer()}
        self._current = _FIRST
        self._over = self._headed = False

    def step(self, step: Step) -> None:
        """A step begins; where it is not the peer's, all that the peer was told has been done."""
        self._pump()
        now = time.time_ns()
        if step.actor == "peer":
            self._peer(now, self._placers[_FIRST].tell(act_of(step)))
            return
        self._peer(now, self._placers[_FIRST].settle())
        if step.actor in ("network", "container"):
            self._show(Row(now, peer=f"{step.actor}: {step.act}"))
        elif step.act == "idle":
            self._show(Row(now, f"idle {step.number('ms', 100)} ms"))
        elif step.actor == "client" and step.act != "finish":
            self._show(Row(now, begins(step.act.removeprefix("begin "))))

    def observed(self, operation: Operation) -> None:
        """The client's API gave this."""
        self._pump()
        self._show(Row(operation.ended_ns, ends(operation)))

    def packet(self, segment: Segment) -> None:
        """One segment of the trial. The first one of all is the client's SYN."""
        if self._reader is None:
            self._reader = Packets(segment.dport)
        packet = self._reader.feed(segment)
        if not self._over:
            self.packets.append(packet)
        elif not self._headed:
            self._headed = True
            self._show(OVER)
        if packet.connection != self._current:
            self._current = packet.connection
            self._show(opens(packet))
        self._show(beside(packet, self._placer(packet.connection).feed(packet)))

    def icmp(self, error: IcmpError) -> None:
        """An ICMP error about one of them."""
        if not self._over:
            self.errors.append(error)
        self._show(reported(error))

    def over(self) -> None:
        """The script has been played."""
        self._pump()
        self._peer(time.time_ns(), self._placers[_FIRST].settle())
        self._over = True

    def _placer(self, connection: int) -> Placer:
        if connection not in self._placers:
            placer = self._placers[connection] = Placer()
            for act in self._further:
                placer.tell(act)
        return self._placers[connection]

    def _peer(self, now: int, acts: Sequence[Act]) -> None:
        for act in acts:
            self._show(Row(now, peer=act.text))
