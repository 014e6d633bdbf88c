"""From a trial's segments to what a ladder shows: sender, flags in words, relative numbers, repetitions.

It also tells the three kinds of RST apart, by the header alone. It knows nothing of who asked for what.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from hangup.wire import ConnectionTable, Flags
from hangup.wire.sequence import offset

if TYPE_CHECKING:
    from hangup.wire import Connection, Segment

Sender = Literal["client", "peer"]

_SYN, _FIN, _RST, _ACK = int(Flags.SYN), int(Flags.FIN), int(Flags.RST), int(Flags.ACK)
_WORDS = (
    Flags.SYN, Flags.FIN, Flags.RST, Flags.PSH, Flags.URG, Flags.ECE, Flags.CWR, Flags.ACK,
)  # fmt: skip


class Cause(Enum):
    """Why a RST was sent. RFC 9293 section 3.5.2 gives answers and aborts different headers."""

    REFUSED = "answers a SYN: nothing listens there"
    ANSWER = "answers a segment that no open socket takes"
    ABORT = "sent by a socket that was still alive"
    FORGED = "sent by another host in the peer's name: its TTL is not that of the peer's own segments"


class Packet(NamedTuple):
    """One segment of a trial. Sequence numbers are relative to the first one of their sender."""

    time_ns: int
    connection: int
    """Its connection's number, from 1 on in the order of their first segments."""
    client_port: int
    sender: Sender
    flags: int
    seq: int
    ack: int | None
    """None where the segment acknowledges nothing."""
    payload: bytes
    """What was captured of the payload."""
    length: int
    """Bytes of payload."""
    repeated: bool
    """It takes sequence numbers, and none that had not been seen: a retransmission."""
    cause: Cause | None
    """Of a RST."""

    @property
    def syn(self) -> bool:
        """SYN is set."""
        return bool(self.flags & _SYN)

    @property
    def fin(self) -> bool:
        """FIN is set."""
        return bool(self.flags & _FIN)

    @property
    def rst(self) -> bool:
        """RST is set."""
        return bool(self.flags & _RST)

    @property
    def words(self) -> str:
        """Flags and payload in words: ``PSH ACK 41 bytes``."""
        words = [flag.name or "" for flag in _WORDS if self.flags & flag]
        if self.length:
            words.append("1 byte" if self.length == 1 else f"{self.length} bytes")
        if self.repeated:
            words.append("(again)")
        return " ".join(words)

    @property
    def numbers(self) -> str:
        """Sequence and acknowledgement number: ``seq 1 ack 42``."""
        return f"seq {self.seq}" + ("" if self.ack is None else f" ack {self.ack}")


class _Direction:
    """How far one sender has got."""

    def __init__(self) -> None:
        self.base: int | None = None
        self.reach = 0
        """The relative number behind the last one that it has used."""


class Packets:
    """Takes the segments of a trial, all of them to or from its ``port``, in the order of the capture."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._table = ConnectionTable()
        self._numbers: dict[Connection, int] = {}
        self._directions: dict[tuple[int, Sender], _Direction] = {}
        self._ttls: dict[int, int] = {}
        """Of the peer's own segments, by the connection's number."""

    def feed(self, segment: Segment) -> Packet:
        """One more segment."""
        connection = self._table.feed(segment)
        assert connection is not None
        number = self._numbers.setdefault(connection, len(self._numbers) + 1)
        sender: Sender = "client" if segment.dport == self._port else "peer"
        own, other = self._direction(number, sender), self._direction(number, _OTHER[sender])
        cause = None
        if segment.flags & _RST:
            forged = sender == "peer" and segment.ttl != self._ttls.get(number, segment.ttl)
            cause = Cause.FORGED if forged else _cause(segment, answered=own.base is not None)
        elif sender == "peer":
            self._ttls[number] = segment.ttl
        seq, repeated = _advance(own, segment)
        ack = None
        if segment.flags & _ACK and other.base is not None:
            ack = offset(segment.ack, other.base + other.reach) + other.reach
        return Packet(
            time_ns=segment.time_ns,
            connection=number,
            client_port=segment.sport if sender == "client" else segment.dport,
            sender=sender,
            flags=segment.flags,
            seq=seq,
            ack=ack,
            payload=segment.payload,
            length=segment.length,
            repeated=repeated,
            cause=cause,
        )

    def _direction(self, connection: int, sender: Sender) -> _Direction:
        return self._directions.setdefault((connection, sender), _Direction())


_OTHER: dict[Sender, Sender] = {"client": "peer", "peer": "client"}


def _advance(own: _Direction, segment: Segment) -> tuple[int, bool]:
    """The segment's relative number, and whether it repeats what was there. ``own`` is moved on."""
    first = own.base is None
    base = own.base = segment.seq if own.base is None else own.base
    seq = offset(segment.seq, base + own.reach) + own.reach
    size = segment.length + bool(segment.flags & _SYN) + bool(segment.flags & _FIN)
    repeated = not first and size > 0 and not segment.flags & _RST and seq + size <= own.reach
    if not segment.flags & _RST:
        own.reach = max(own.reach, seq + size)
    return seq, repeated


def _cause(segment: Segment, *, answered: bool) -> Cause:
    """RFC 9293 section 3.5.2: an answer takes its number from the ACK that it answers, and bears none itself.

    To a SYN, which has none, it has number 0 and acknowledges. An abort acknowledges as every segment does.
    """
    if not segment.flags & _ACK:
        return Cause.ANSWER
    return Cause.ABORT if answered else Cause.REFUSED
