"""Facts: what the packets of one connection show of its end. It draws no conclusions about clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hangup.ladder.packets import Cause
from hangup.ladder.words import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup.ladder.packets import Packet, Sender
    from hangup.wire import IcmpError


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A FIN or RST, or what drew one: who sent it, its place among the connection's packets, and when."""

    who: Sender
    place: int
    at: str
    size: str


@dataclass(frozen=True, kw_only=True)
class Reset(Mark):
    """The first RST of one side."""

    cause: Cause
    fin: Mark | None
    """The FIN of the same side before it."""
    drawn: Mark | None
    """The other side's last packet before it, which it answers if it is an answer."""
    drawn_by_data: bool
    ignored: bool
    """Forged, and not taken: its receiver went on."""
    unread: int | None
    """Bytes that the sender's kernel had acknowledged and its program had not read; None where that is not known: of
    the client, and of whoever stood in for the peer."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One connection."""

    syns: str
    answered: bool
    """The peer sent anything at all."""
    client_fin: Mark | None
    peer_fin: Mark | None
    client_rst: Reset | None
    peer_rst: Reset | None
    """The first that was not ignored."""
    ignored_rst: Reset | None
    icmp: str
    """The kinds of ICMP errors about the client's segments, in words."""

    @property
    def first_fin(self) -> Mark | None:
        """The first FIN of all."""
        fins = [fin for fin in (self.client_fin, self.peer_fin) if fin is not None]
        return min(fins, key=lambda fin: fin.place, default=None)

    @property
    def resets(self) -> tuple[Reset, ...]:
        """In their order."""
        found = [rst for rst in (self.client_rst, self.peer_rst, self.ignored_rst) if rst is not None]
        return tuple(sorted(found, key=lambda rst: rst.place))


def facts(packets: Sequence[Packet], icmp: Sequence[IcmpError], start_ns: int, read: int | None) -> Facts:
    """Of one connection's packets, and of the ICMP errors about them.

    ``read``: bytes that the peer's program read, where that is known.
    """
    reader = _Reader(packets, start_ns, read)
    syns = sum(packet.syn and packet.sender == "client" for packet in packets)
    return Facts(
        syns="one SYN" if syns == 1 else f"{syns} SYNs",
        answered=any(packet.sender == "peer" for packet in packets),
        client_fin=reader.fin("client"),
        peer_fin=reader.fin("peer"),
        client_rst=reader.rst("client"),
        peer_rst=reader.rst("peer"),
        ignored_rst=reader.rst("peer", ignored=True),
        icmp=" and ".join(dict.fromkeys(error.kind for error in icmp)),
    )


class _Reader:
    def __init__(self, packets: Sequence[Packet], start_ns: int, read: int | None) -> None:
        self._packets, self._start_ns, self._read = packets, start_ns, read

    def fin(self, who: Sender, before: int | None = None) -> Mark | None:
        """The first FIN of a side, if it came before that place."""
        for place, packet in enumerate(self._packets[:before]):
            if packet.fin and packet.sender == who:
                return self._mark(place)
        return None

    def rst(self, who: Sender, *, ignored: bool = False) -> Reset | None:
        """The first RST of a side, of those that were ignored or of those that were not."""
        for place, packet in enumerate(self._packets):
            if packet.cause is not None and packet.sender == who and self._ignored(place) is ignored:
                drawn = next((i for i in range(place - 1, -1, -1) if self._packets[i].sender != who), None)
                return Reset(
                    **vars(self._mark(place)),
                    cause=packet.cause,
                    fin=self.fin(who, place),
                    drawn=None if drawn is None else self._mark(drawn),
                    drawn_by_data=drawn is not None and self._packets[drawn].length > 0,
                    ignored=ignored,
                    unread=self._unread(place) if who == "peer" else None,
                )
        return None

    def _ignored(self, place: int) -> bool:
        went_on = any(packet.sender == "client" and not packet.rst for packet in self._packets[place + 1 :])
        return self._packets[place].cause is Cause.FORGED and went_on

    def _mark(self, place: int) -> Mark:
        packet = self._packets[place]
        at = f"{(packet.time_ns - self._start_ns) / 1e6:.3f} ms"
        return Mark(who=packet.sender, place=place, at=at, size=size(packet.length))

    def _unread(self, place: int) -> int | None:
        """Sequence number 0 is the SYN's, so an acknowledgement is one more than the bytes that have come."""
        acks = [p.ack for p in self._packets[: place + 1] if p.sender == "peer" and p.ack is not None]
        sent = sum(p.length for p in self._packets[:place] if p.sender == "client" and not p.repeated)
        if self._read is None:
            return None
        if not acks:
            return 0
        return max(0, min(sent, max(acks) - 1) - self._read)
