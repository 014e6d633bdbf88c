"""What a client does when all is over, taken out of a trial's packets.

Once it has its answer or its error a client closes: at once, later, from another thread, or never. When it does is no
part of the ending, and changes from run to run. Three rules; each names what it takes out:

1. The client's own FIN and RST, and the peer's RST that answers them: a RST without ACK, which Linux sends for a
   segment that meets no socket (RFC 9293 section 3.5.2, group 1 and 2).
2. The client's TLS close_notify (RFC 8446 section 6.1) behind the peer's FIN, and the RST that answers it.
3. The RST that answers what the client's kernel sends again behind the peer's FIN: a timer of the kernel sends that,
   after the client may have closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hangup.wire import Flags, IcmpError, Segment
from hangup.wire.sequence import offset

CLOSE_NOTIFY = 40
"""Bytes of an encrypted alert at most: 24 in TLS 1.3, 31 in TLS 1.2 with AES-GCM. No request is as short."""
_HANDSHAKE = b"\x16\x03"
"""How a TLS stream begins (RFC 8446 section 5.1)."""


@dataclass
class _Connection:
    """What is known of a connection so far."""

    tls: bool | None = None
    reach: int | None = None
    """The sequence number behind the client's last payload."""
    fin: bool = False
    """The peer has sent its FIN."""
    late: bool = False
    """Something of the client's was taken out, or was sent again behind the FIN: a RST may answer that."""
    written: bool = False
    """The client has sent something new behind the FIN: a RST that answers that counts."""


def without_clean_up(
    packets: Iterable[Segment | IcmpError], port: int, *, client_ends: bool
) -> list[Segment | IcmpError]:
    """The packets of a trial with the peer's ``port``, without the client's clean-up.

    ``client_ends``: the scenario has the client end the connection; then rule 1 does not apply.
    """
    connections: dict[tuple[bytes, int], _Connection] = {}
    kept: list[Segment | IcmpError] = []
    for packet in packets:
        if isinstance(packet, IcmpError):
            kept.append(packet)
            continue
        of_client = packet.dport == port
        key = (packet.src, packet.sport) if of_client else (packet.dst, packet.dport)
        if packet.flags & Flags.SYN and of_client:
            connections[key] = _Connection()
        known = connections.setdefault(key, _Connection())
        left = _of_client(packet, known, client_ends=client_ends) if of_client else _of_peer(packet, known)
        if left is not None:
            kept.append(left)
    return kept


def _of_client(segment: Segment, known: _Connection, *, client_ends: bool) -> Segment | None:
    if segment.length:
        if known.tls is None:
            known.tls = segment.payload[:2] == _HANDSHAKE
        again = known.reach is not None and offset(segment.seq + segment.length, known.reach) <= 0
        if not again:
            known.reach = (segment.seq + segment.length) & 0xFFFFFFFF
        if known.fin and known.tls and segment.length <= CLOSE_NOTIFY:
            known.late = True
            return None
        known.late |= known.fin and again
        known.written |= known.fin and not again
    ends = segment.flags & (Flags.FIN | Flags.RST)
    if not ends or client_ends:
        return segment
    known.late = True
    if segment.length and not segment.flags & Flags.RST:
        return segment._replace(flags=segment.flags & ~Flags.FIN)
    return None


def _of_peer(segment: Segment, known: _Connection) -> Segment | None:
    known.fin |= bool(segment.flags & Flags.FIN)
    answers = segment.flags & Flags.RST and not segment.flags & Flags.ACK
    return None if answers and known.late and not known.written else segment
