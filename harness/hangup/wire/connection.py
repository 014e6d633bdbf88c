"""One TCP connection, built up segment by segment: how it ended, who ended it, and what had arrived by then.

Zeek's view (`state`, `history`, who is originator) comes from `machine`, the byte counts and endings from
`direction`; this module joins the two and knows which side is which. It does not know other connections:
that is `table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .direction import By, Direction, Ending
from .machine import Machine
from .segments import Flags, Flow, IcmpError, Segment, host
from .zeek import starts_flipped

if TYPE_CHECKING:
    from .zeek import ConnState


class Endpoint(NamedTuple):
    """A socket: where one side of a connection is."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Connection:
    """What the segments fed so far tell; every property may be asked at any time. Times are nanoseconds."""

    __slots__ = (
        "_backward",
        "_forward",
        "_last",
        "_machine",
        "_sport",
        "_src",
        "end",
        "flow",
        "icmp",
        "start",
    )

    def __init__(self, opening: Segment) -> None:
        """The connection that `opening` is the first segment of, fed with it."""
        self._src, self._sport = opening.src, opening.sport
        self.flow: Flow = opening.flow
        """Of the first segment, whoever turns out to be the originator."""
        syn, ack = bool(opening.flags & Flags.SYN), bool(opening.flags & Flags.ACK)
        self._machine = Machine(flipped=starts_flipped(opening.sport, opening.dport, syn=syn, ack=ack))
        self._forward = Direction()
        self._backward = Direction()
        self.start = self._last = opening.time_ns
        self.end = opening.time_ns
        """When the last segment was seen, of whatever kind."""
        self.icmp: list[IcmpError] = []
        """The ICMP errors that quote one of its segments."""
        self.feed(opening)

    def feed(self, segment: Segment) -> None:
        """Take the next segment, of either side."""
        machine = self._machine
        forward = segment.src == self._src and segment.sport == self._sport
        if not machine.both_closed:
            self._last = segment.time_ns
        self.end = segment.time_ns
        machine.feed(segment, first=forward)
        if segment.checksum_ok is False:
            return  # the receiver never took it
        # Roles are settled before the first FIN or RST, so `by` stays right.
        by: By = "orig" if forward is not machine.flipped else "resp"
        if forward:
            self._forward.send(segment, self._backward, by)
        else:
            self._backward.send(segment, self._forward, by)

    def is_reuse(self, segment: Segment) -> bool:
        """The segment, between the same two sockets, belongs to another connection: the next one."""
        return self._machine.is_reuse(segment)

    @property
    def forward_is_orig(self) -> bool:
        """The sender of the first segment is the originator, as far as is known by now."""
        return not self._machine.flipped

    @property
    def orig(self) -> Endpoint:
        """Who opened it: who sent the SYN; where that was missed, whoever looks like it."""
        flow = self.flow.reversed() if self._machine.flipped else self.flow
        return Endpoint(host(flow.src), flow.sport)

    @property
    def resp(self) -> Endpoint:
        flow = self.flow.reversed() if self._machine.flipped else self.flow
        return Endpoint(host(flow.dst), flow.dport)

    @property
    def state(self) -> ConnState:
        """Zeek's `conn_state`."""
        return self._machine.state

    @property
    def history(self) -> str:
        """Zeek's `history`."""
        return self._machine.history

    @property
    def duration(self) -> int:
        """As Zeek counts it: up to the segment with which both sides had ended their part."""
        return self._last - self.start

    @property
    def complete(self) -> bool:
        """The whole three-way handshake was seen."""
        return self._orig.syn and self._resp.syn and self._resp.answered

    @property
    def closed(self) -> bool:
        """Nothing more is to come: both FINs are acknowledged, or one side took the other's RST."""
        forward, backward = self._forward, self._backward
        if forward.fin_acked and backward.fin_acked:
            return True
        return any(reset.acceptable for reset in (*forward.resets, *backward.resets))

    @property
    def fins(self) -> tuple[Ending, ...]:
        return _in_order(self._forward.fins, self._backward.fins)

    @property
    def resets(self) -> tuple[Ending, ...]:
        return _in_order(self._forward.resets, self._backward.resets)

    @property
    def first_fin(self) -> By | None:
        fins = self.fins
        return fins[0].by if fins else None

    @property
    def orig_bytes(self) -> int:
        """Payload that the originator sent, each byte counted once."""
        return self._orig.sent

    @property
    def resp_bytes(self) -> int:
        """Payload that the responder sent, each byte counted once."""
        return self._resp.sent

    @property
    def orig_acked(self) -> int:
        """Payload of the originator that the responder's TCP acknowledged, though perhaps nobody read it."""
        return self._orig.acked

    @property
    def resp_acked(self) -> int:
        """Payload of the responder that the originator's TCP acknowledged."""
        return self._resp.acked

    @property
    def orig_packets(self) -> int:
        return self._orig.packets

    @property
    def resp_packets(self) -> int:
        return self._resp.packets

    @property
    def orig_retransmissions(self) -> int:
        return self._orig.retransmissions

    @property
    def resp_retransmissions(self) -> int:
        return self._resp.retransmissions

    @property
    def _orig(self) -> Direction:
        return self._backward if self._machine.flipped else self._forward

    @property
    def _resp(self) -> Direction:
        return self._forward if self._machine.flipped else self._backward

    def __repr__(self) -> str:
        return f"<Connection {self.orig} > {self.resp} {self.state} {self.history}>"


def _in_order(one: list[Ending], other: list[Ending]) -> tuple[Ending, ...]:
    return tuple(sorted(one + other, key=lambda ending: ending.number))
