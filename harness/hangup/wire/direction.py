"""What one side of a connection sent, and how much of it the other side confirmed.

These are counted apart from Zeek's states, and more strictly: a number in a RST never adds to what was
sent, and an acknowledgement counts only from a side that has answered the opening SYN. Positions are
relative to the first octet of payload, so they are byte counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from .segments import Flags
from .sequence import offset

if TYPE_CHECKING:
    from .segments import Segment

By = Literal["orig", "resp"]

_MOST_ENDINGS = 64
"""FINs, and RSTs, of one side that are kept, the first ones: a flood of them must not cost memory."""

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)


class Ending(NamedTuple):
    """A FIN or RST as it was sent: what tells who ended the connection, and by which mechanism."""

    number: int
    """Of the frame."""
    time_ns: int
    by: By
    flags: int
    seq: int
    ack: int
    window: int
    """As in the header: not scaled."""
    length: int
    """Bytes of payload; in a RST they say why, to those who read them (RFC 9293 section 3.5.3)."""
    ttl: int
    ip_id: int | None
    has_timestamp: bool
    after_fin: bool
    """The same side had sent a FIN before."""
    acceptable: bool
    """Its sequence number is one that the receiver awaited, as far as the capture tells. A RST without
    this is forged or late, and its receiver ignores it or asks back (RFC 5961 section 3)."""

    @property
    def has_ack(self) -> bool:
        return bool(self.flags & _ACK)


class Direction:
    __slots__ = (
        "_acked",
        "_base",
        "_confirmed",
        "_end",
        "_fin",
        "fins",
        "packets",
        "resets",
        "retransmissions",
        "syn",
    )

    def __init__(self) -> None:
        self._base: int | None = None
        """The sequence number of the first octet of payload, or of the first one seen after a missed SYN."""
        self._end = 0
        self._fin: int | None = None
        """Where the FIN stands; it takes the position of one octet."""
        self._acked = 0
        self._confirmed = False
        """Some acknowledgement of this side was seen."""
        self.syn = False
        self.packets = 0
        self.retransmissions = 0
        """Segments with a SYN, payload or FIN that hold nothing new; late ones are counted with them."""
        self.fins: list[Ending] = []
        self.resets: list[Ending] = []

    @property
    def sent(self) -> int:
        """Bytes of payload sent, each counted once; also those that only their acknowledgement tells of."""
        return max(self._end, self.acked)

    @property
    def acked(self) -> int:
        """Bytes of payload that the other side acknowledged."""
        return self._acked if self._fin is None else min(self._acked, self._fin)

    @property
    def answered(self) -> bool:
        """The other side acknowledged at least the SYN."""
        return self._confirmed

    @property
    def fin_acked(self) -> bool:
        return self._fin is not None and self._acked > self._fin

    def send(self, segment: Segment, peer: Direction, by: By) -> None:
        flags = segment.flags
        self.packets += 1
        if flags & _RST:
            self._keep(self.resets, segment, by, acceptable=self._reset_acceptable(segment, peer))
        else:
            self._extend(segment, by)
        if flags & _ACK:
            peer.acknowledge(segment, self)

    def acknowledge(self, segment: Segment, by: Direction) -> None:
        """Take note of how far the other side, `by`, has received this one."""
        if self.syn and not by.syn:
            return  # an answer to a SYN by somebody who still has an earlier connection in mind
        base = self._rebase(segment.ack) if self._base is None else self._base
        acked = self._acked + offset(segment.ack, base + self._acked)
        if segment.flags & _RST:
            # Linux acknowledges what it has received in the RST of an abort. Others may put anything there.
            if 0 <= acked <= self._reach:
                self._acked = max(self._acked, acked)
        elif acked >= 0:
            self._confirmed = True
            self._acked = max(self._acked, acked)

    def covers(self, ack: int) -> bool:
        """The number acknowledges the SYN, and nothing that was not sent."""
        return self._base is not None and 0 <= offset(ack, self._base) <= self._reach

    @property
    def _reach(self) -> int:
        return self._end if self._fin is None else max(self._end, self._fin + 1)

    def _extend(self, segment: Segment, by: By) -> None:
        flags = segment.flags
        start = segment.seq + 1 if flags & _SYN else segment.seq
        new = bool(flags & _SYN) and not self.syn
        base = self._base
        if base is None or (new and offset(start, base)):
            base = self._rebase(start)
        before = self._reach
        end = self._end + offset(start, base + self._end) + segment.length
        if flags & _FIN:
            self._keep(self.fins, segment, by, acceptable=end >= self._acked)
            if self._fin is None and end >= self._end:
                self._fin = end
        if flags & _SYN:
            self.syn = True
        # What follows the FIN stands one octet behind it, and holds no payload.
        self._end = max(self._end, end if self._fin is None else min(end, self._fin))
        if (segment.length or flags & (_SYN | _FIN)) and not new and self._reach == before:
            self.retransmissions += 1

    def _rebase(self, base: int) -> int:
        """Begin to count here; what was counted before belonged to something else."""
        self._base = base & 0xFFFFFFFF
        self._end = self._acked = 0
        self._confirmed = False
        return self._base

    def _reset_acceptable(self, segment: Segment, peer: Direction) -> bool:
        if peer.syn and not self.syn and not self._confirmed:
            # In SYN-SENT a RST counts if it acknowledges the SYN (RFC 9293 section 3.10.7.3).
            return bool(segment.flags & _ACK) and peer.covers(segment.ack)
        if self._base is None:
            return True
        place = self._acked + offset(segment.seq, self._base + self._acked)
        # One less: if a FIN crosses the segment that draws the RST, it has the FIN's number. Linux takes it.
        return self._acked - 1 <= place <= self._reach

    def _keep(self, endings: list[Ending], segment: Segment, by: By, *, acceptable: bool) -> None:
        if len(endings) < _MOST_ENDINGS:
            endings.append(self._ending(segment, by, acceptable=acceptable))

    def _ending(self, segment: Segment, by: By, *, acceptable: bool) -> Ending:
        return Ending(
            segment.number,
            segment.time_ns,
            by,
            segment.flags,
            segment.seq,
            segment.ack,
            segment.window,
            segment.length,
            segment.ttl,
            segment.ip_id,
            segment.options.timestamp is not None,
            bool(self.fins),
            acceptable,
        )
