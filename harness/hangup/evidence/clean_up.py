"""What a client does when all is over, taken out of a trial's packets.

Once it has its answer or its error a client closes: at once, later, from another thread, or never. When it does is no
part of the ending, and changes from run to run. Four rules; each names what it takes out:

1. The client's own FIN and RST, and the peer's RST that answers them: a RST without ACK, which Linux sends for a
   segment that meets no socket (RFC 9293 section 3.5.2, group 1 and 2).
2. The client's TLS close_notify (RFC 8446 section 6.1) behind the peer's FIN, and the RST that answers it.
3. A RST without ACK behind the peer's FIN, if it is behind the client's last answer too, or if it answers what the
   client's kernel sent again of a request that was out: who only reads was told of the FIN before.
4. Any RST behind the peer's FIN on a connection that the client opened by itself, unless the client was still sending:
   the peer plays its script there without waiting for the harness, and the client may be done before.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from hangup.wire import Flags, IcmpError, Segment
from hangup.wire.sequence import offset

CLOSE_NOTIFY = 40
"""Bytes of what a client sends under TLS as it leaves, at most: an alert has 24 in TLS 1.3 and 31 in TLS 1.2 with
AES-GCM, HTTP/2's GOAWAY has 39. A request over HTTP/2 can be as short: requests are counted in all packets, also in
those that are taken out here."""
_HANDSHAKE = b"\x16\x03"
"""How a TLS stream begins (RFC 8446 section 5.1)."""
Socket = tuple[bytes, int]
"""The client's end of a connection: its address and its port."""


@dataclass
class _Connection:
    """What is known of a connection so far."""

    first: bool
    """It is the trial's first one."""
    sending: bool
    """The client never came to the end of its request: it may be blocked in a send, and a RST is what it is told of."""
    tls: bool | None = None
    fin: bool = False
    """The peer has sent its FIN."""
    reach: int | None = None
    """The sequence number behind the client's last payload."""
    cleaned: bool = False
    """Something of the client's was taken out, or was sent again behind the FIN: a RST may answer that."""
    written: bool = False
    """The client has sent something new behind the FIN: a RST that answers that counts."""


def without_clean_up(
    packets: Iterable[Segment | IcmpError],
    port: int,
    *,
    client_ends: bool,
    answered_ns: int | None,
    sending: Container[Socket],
) -> list[Segment | IcmpError]:
    """The packets of a trial with the peer's ``port``, without the client's clean-up.

    ``client_ends``: the scenario has the client end its first connection; then rule 1 does not apply to that one.
    ``answered_ns``: when the client gave its last answer; None if it gave none. ``sending``: the client's sockets of
    which a request never came to its end.
    """
    connections: dict[Socket, _Connection] = {}
    kept: list[Segment | IcmpError] = []
    for packet in packets:
        if isinstance(packet, IcmpError):
            kept.append(packet)
            continue
        of_client = packet.dport == port
        key = (packet.src, packet.sport) if of_client else (packet.dst, packet.dport)
        known = connections.setdefault(key, _Connection(first=not connections, sending=key in sending))
        scripted = client_ends and known.first
        left = _of_client(packet, known, client_ends=scripted) if of_client else _of_peer(packet, known, answered_ns)
        if left is not None:
            kept.append(left)
    return kept


def _of_client(segment: Segment, known: _Connection, *, client_ends: bool) -> Segment | None:
    if segment.length:
        if known.tls is None:
            known.tls = segment.payload[:2] == _HANDSHAKE
        if known.fin and known.tls and segment.length <= CLOSE_NOTIFY:
            known.cleaned = True
            return None
        again = known.reach is not None and offset(segment.seq + segment.length, known.reach) <= 0
        if not again:
            known.reach = (segment.seq + segment.length) & 0xFFFFFFFF
        known.cleaned |= known.fin and again
        known.written |= known.fin and not again
    ends = segment.flags & (Flags.FIN | Flags.RST)
    if not ends or client_ends:
        return segment
    known.cleaned = True
    if segment.length and not segment.flags & Flags.RST:
        return segment._replace(flags=segment.flags & ~Flags.FIN)
    return None


def _of_peer(segment: Segment, known: _Connection, answered_ns: int | None) -> Segment | None:
    known.fin |= bool(segment.flags & Flags.FIN)
    if segment.flags & Flags.RST and known.fin and not known.first and not known.sending:
        return None
    answers = segment.flags & Flags.RST and not segment.flags & Flags.ACK
    told = known.fin and answered_ns is not None and segment.time_ns > answered_ns
    return None if answers and (told or (known.cleaned and not known.written and not known.sending)) else segment
