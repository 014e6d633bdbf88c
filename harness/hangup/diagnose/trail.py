"""The trail of a connection: its first and its last segments, kept as packed records.

Evidence is in how a connection begins and in how it ends, so what lies between is let go, and a connection costs
the same however long it lives. A record is of fixed size, and its layout is that of `RECORD`, which the
vectorised reader also writes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from hangup.wire import Flags

if TYPE_CHECKING:
    from hangup.wire import Segment

RECORD = struct.Struct("<QqIIIIHHBBBx")
"""Number, time, seq, ack, length, timestamp, window, IP id, flags, TTL, marks: see `Seen`."""

FORWARD, HAS_ID, HAS_TIMESTAMP = 1, 2, 4
"""Bits of a record's marks."""

_HEAD, _TAIL = 6, 40

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)


class Seen(NamedTuple):
    """One segment, as far as it may become evidence."""

    number: int
    time_ns: int
    seq: int
    ack: int
    length: int
    timestamp: int | None
    window: int
    ip_id: int | None
    flags: int
    ttl: int
    forward: bool
    """Sent by the side that sent the connection's first segment."""

    @property
    def syn(self) -> bool:
        return bool(self.flags & _SYN)

    @property
    def fin(self) -> bool:
        return bool(self.flags & _FIN)

    @property
    def rst(self) -> bool:
        return bool(self.flags & _RST)

    @property
    def has_ack(self) -> bool:
        return bool(self.flags & _ACK)

    @property
    def span(self) -> int:
        """Sequence numbers that it takes."""
        return self.length + self.syn + self.fin


def pack(segment: Segment, *, forward: bool) -> bytes:
    """The record of a segment."""
    timestamp = segment.options.timestamp
    marks = FORWARD if forward else 0
    if segment.ip_id is not None:
        marks |= HAS_ID
    if timestamp is not None:
        marks |= HAS_TIMESTAMP
    return RECORD.pack(
        segment.number, segment.time_ns, segment.seq, segment.ack, segment.length,
        timestamp[0] if timestamp else 0, segment.window, segment.ip_id or 0, segment.flags, segment.ttl, marks,
    )  # fmt: skip


def unpack(records: bytes) -> list[Seen]:
    """The segments of several records."""
    return [
        Seen(
            number, time_ns, seq, ack, length, stamp if marks & HAS_TIMESTAMP else None, window,
            ip_id if marks & HAS_ID else None, flags, ttl, bool(marks & FORWARD),
        )
        for number, time_ns, seq, ack, length, stamp, window, ip_id, flags, ttl, marks in RECORD.iter_unpack(records)
    ]  # fmt: skip


class Trail:
    """Grows at its end, and forgets its middle."""

    __slots__ = ("_head", "_tail", "_whole")

    def __init__(self) -> None:
        self._head = b""
        self._tail = bytearray()
        self._whole = True

    def add(self, record: bytes) -> None:
        """One more segment."""
        if len(self._head) < _HEAD * RECORD.size:
            self._head += record
            return
        tail = self._tail
        tail += record
        if len(tail) >= 2 * _TAIL * RECORD.size:
            del tail[: _TAIL * RECORD.size]
            self._whole = False

    @property
    def whole(self) -> bool:
        """Nothing is missing between its first and its last segment."""
        return self._whole

    def segments(self) -> list[Seen]:
        """The first and the last ones."""
        return unpack(self._head + bytes(self._tail))

    def last(self, count: int) -> bytes:
        """The records of the last segments, as many of them as are kept."""
        return (self._head + bytes(self._tail))[-count * RECORD.size :]
