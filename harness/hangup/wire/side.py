"""One side of a connection as Zeek keeps it: its state and its sequence numbers.

Source: class TCP_Endpoint, and the functions of TCPSessionAdapter.cc that move its numbers on; each is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .delivery import Delivery
from .segments import Flags
from .sequence import offset
from .zeek import State

if TYPE_CHECKING:
    from .segments import Segment

_INACTIVE = State.INACTIVE
_SYN_SENT = State.SYN_SENT
_SYN_ACK_SENT = State.SYN_ACK_SENT
_ESTABLISHED = State.ESTABLISHED
_CLOSED = State.CLOSED
_RESET = State.RESET

_FIN, _SYN, _RST = int(Flags.FIN), int(Flags.SYN), int(Flags.RST)

_TOO_LARGE = 1 << 20
"""TOO_LARGE_SEQ_DELTA: a jump that is not believed of a SYN or RST."""


class Side:
    """`start` is the SYN's sequence number; `last` and `acked` are relative to it."""

    __slots__ = (
        "acked",
        "closed",
        "counts",
        "delivery",
        "eof",
        "fin_end",
        "is_orig",
        "last",
        "last_fin",
        "last_rst",
        "last_syn",
        "previous",
        "seen",
        "start",
        "state",
    )

    def __init__(self, *, is_orig: bool) -> None:
        self.is_orig = is_orig
        self.state = self.previous = _INACTIVE
        self.start = 0
        self.last = 0
        self.acked = 0
        self.fin_end: int | None = None
        """The sequence number behind the last FIN."""
        self.last_syn = self.last_fin = self.last_rst = 0
        """Where the last one was: the letter is written again only for another place."""
        self.counts: dict[str, int] = {}
        self.delivery = Delivery()
        self.seen = False
        self.eof = False
        """did_EOF: it has ended, and all its payload has come or been given up."""
        self.closed = False
        """did_close: it has ended its part, and Zeek has taken note."""

    def become(self, state: State) -> None:
        if state is not self.state:
            self.previous, self.state = self.state, state

    def anchor(self, start: int, last: int) -> None:
        self.start = start & 0xFFFFFFFF
        self.last = last
        self.acked = 0

    def size(self, peer: Side) -> int:
        """TCP_Endpoint::Size: payload sent, by sequence numbers."""
        half_open = self.previous is _SYN_SENT and self.state is _RESET and peer.state is _INACTIVE
        if half_open and self.acked > 1:
            return 0
        return max(0, max(self.last, self.acked) - (2 if self.fin_end is not None else 1))

    @property
    def clean(self) -> bool:
        """is_clean in TCP_Reassembler.cc."""
        return self.state is _ESTABLISHED or (self.state is _CLOSED and self.previous is _ESTABLISHED)

    @property
    def ending(self) -> bool:
        """It has sent FIN or RST."""
        return self.fin_end is not None or self.state is _CLOSED or self.state is _RESET

    def pending(self, peer: Side) -> bool:
        """TCP_Reassembler::DataPending: payload of it has not come, or it may still acknowledge the peer's."""
        delivery = self.delivery
        if delivery.skipping or self.last < delivery.edge:
            return False
        return delivery.lacks(self.last) or (self.state is not _RESET and peer.delivery.holds)

    def begin(self, segment: Segment, span: int) -> None:
        """init_endpoint: where the sequence numbers start, as far as a segment of `span` numbers tells."""
        state, seq = self.state, segment.seq
        if not segment.flags & _SYN:
            if state is _INACTIVE:
                self.anchor(seq - 1, 1)  # as if a SYN had come before it
        elif state is _SYN_SENT or state is _SYN_ACK_SENT:
            if seq != self.start:
                self.anchor(seq, span)
        elif state is not _CLOSED and (state is not _RESET or self.previous is _INACTIVE):
            self.anchor(seq, span)

    def place(self, segment: Segment) -> int:
        """get_relative_seq: where the segment stands, counted from the SYN."""
        place = self.last + offset(segment.seq, self.start + self.last)
        if place < 0 and self.last == 1 and segment.flags & _FIN:
            place += 1 << 32  # of a side of which only SYN and FIN were captured, and which sent more than 2 GiB
        return place

    def acknowledge(self, segment: Segment) -> int:
        """init_peer and update_ack_seq: how far the segment, of the other side, acknowledges this one."""
        if self.state is _INACTIVE:
            self.anchor(segment.ack - 1, 0)
            return 1
        delta = offset(segment.ack, self.start + self.acked)
        upto = self.acked + delta
        if upto < 0:
            return 0
        broken = not segment.ack and delta > _TOO_LARGE
        if delta > 0 and not segment.flags & _RST and not broken:
            self.acked = upto
        return upto

    def repeats(self, flags: int, delta: int, length: int) -> bool:
        """update_last_seq: move `last` on by `delta`. True where the segment repeats payload instead."""
        if flags & (_SYN | _RST) and abs(delta) > _TOO_LARGE:
            return False
        if flags & _FIN and self.last == 1:
            self.last += delta
            return False
        if self.state is _RESET:
            return False
        if delta > 0:
            self.last += delta
            return False
        return length > 0
