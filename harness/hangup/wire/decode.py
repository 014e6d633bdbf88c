"""From a frame to the TCP segment in it, or to the ICMP error about one.

Lengths come from the IP header, never from what was captured, so a snapped frame tells the same as a whole
one, and Ethernet padding is not payload. Nothing is kept between frames: fragments are not put together
(the first one is decoded where it holds the TCP header; a later one has no ports).

Nothing here checks a length before each read: a frame that is too short ends in IndexError or struct.error,
and `decode` answers None for it, as for any frame that is not TCP.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from .checksum import tcp_checksum_ok
from .link import LOCATE
from .options import parse_options
from .segments import NO_OPTIONS, Flow, IcmpError, Segment

if TYPE_CHECKING:
    from .frames import Frame

_TCP = 6
_ICMP = 1
_ICMPV6 = 58

_ICMP_ERRORS = frozenset({3, 4, 11, 12})  # unreachable, source quench, time exceeded, parameter problem
_ICMPV6_ERRORS = frozenset({1, 2, 3, 4})  # unreachable, packet too big, time exceeded, parameter problem

_ROUTING = 43
_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSIONS = frozenset({0, _ROUTING, 60, 135, 139, 140})  # 8 octets, and N times 8 more (RFC 8200)
_MAX_EXTENSIONS = 16

_V4 = struct.Struct("!BxHHHBBxx4s4s").unpack_from
_V6 = struct.Struct("!4xHBB16s16s").unpack_from
_TCP_HEADER = struct.Struct("!HHIIHH").unpack_from
_TCP_QUOTED = struct.Struct("!HHI").unpack_from
_FRAGMENT_HEADER = struct.Struct("!BxH").unpack_from


class _Packet(NamedTuple):
    """The IP header's part in the answer, and where its payload lies in the captured bytes."""

    src: bytes
    dst: bytes
    protocol: int
    ttl: int
    ip_id: int | None
    start: int
    end: int
    """Where the payload ends on the wire; this may lie beyond what was captured."""
    whole: bool
    """Not a fragment, and addressed to whom the checksum counts."""


def decode(frame: Frame, *, checksums: bool = False) -> Segment | IcmpError | None:
    """The TCP segment, or ICMP error about one, that the frame carries; None for anything else."""
    locate = LOCATE.get(frame.link)
    if locate is None:
        return None
    data = frame.data
    try:
        at = locate(data)
        packet = _ip(data, at, frame.length) if at >= 0 else None
        if packet is None:
            return None
        if packet.protocol == _TCP:
            return _segment(frame, packet, checksums)
        return _icmp_error(frame, packet)
    except (IndexError, struct.error):
        return None


def _ip(data: bytes, at: int, wire_end: int) -> _Packet | None:
    version = data[at] >> 4
    if version == 4:
        return _ipv4(data, at, wire_end)
    if version == 6:
        return _ipv6(data, at, wire_end)
    return None


def _ipv4(data: bytes, at: int, wire_end: int) -> _Packet | None:
    first, total, ip_id, fragment, ttl, protocol, src, dst = _V4(data, at)
    header = (first & 15) * 4
    if header < 20 or fragment & 0x1FFF:
        return None
    # A packet that the sender's network card is to cut up may show a total length of 0.
    end = at + total if total else wire_end
    return _Packet(src, dst, protocol, ttl, ip_id, at + header, end, not fragment & 0x2000)


def _ipv6(data: bytes, at: int, wire_end: int) -> _Packet | None:
    length, protocol, ttl, src, dst = _V6(data, at)
    start = at + 40
    end = start + length if length else wire_end
    if protocol == _TCP:
        return _Packet(src, dst, protocol, ttl, None, start, end, whole=True)
    whole = True
    for _ in range(_MAX_EXTENSIONS):
        if protocol in _EXTENSIONS:
            if protocol == _ROUTING and data[start + 3]:
                whole = False  # segments are left: the checksum counts for a destination further on
            protocol, start = data[start], start + 8 + data[start + 1] * 8
        elif protocol == _FRAGMENT:
            protocol, offset = _FRAGMENT_HEADER(data, start)
            if offset & 0xFFF8:
                return None
            whole = whole and not offset & 1
            start += 8
        elif protocol == _AUTHENTICATION:
            protocol, start = data[start], start + 8 + data[start + 1] * 4
        else:
            return _Packet(src, dst, protocol, ttl, None, start, end, whole)
    return None


def _segment(frame: Frame, packet: _Packet, checksums: bool) -> Segment | None:
    data = frame.data
    src, dst, _, ttl, ip_id, start, end, whole = packet
    sport, dport, seq, ack, offset_flags, window = _TCP_HEADER(data, start)
    header = (offset_flags >> 12) * 4
    body = start + header
    if header < 20 or body > end:
        return None
    return Segment(
        frame.number,
        frame.time_ns,
        src,
        sport,
        dst,
        dport,
        seq,
        ack,
        offset_flags & 0xFF,
        window,
        end - body,
        ttl,
        ip_id,
        parse_options(data[start + 20 : body]) if header > 20 else NO_OPTIONS,
        data[body:end],
        tcp_checksum_ok(src, dst, data[start:end]) if checksums and whole and end <= len(data) else None,
    )


def _icmp_error(frame: Frame, packet: _Packet) -> IcmpError | None:
    data = frame.data
    start = packet.start
    if packet.protocol == _ICMP:
        errors = _ICMP_ERRORS
    elif packet.protocol == _ICMPV6:
        errors = _ICMPV6_ERRORS
    else:
        return None
    kind, code = data[start], data[start + 1]
    if kind not in errors:
        return None
    quoted = _ip(data, start + 8, frame.length)
    if quoted is None or quoted.protocol != _TCP:
        return None
    sport, dport, seq = _TCP_QUOTED(data, quoted.start)
    flow = Flow(quoted.src, sport, quoted.dst, dport)
    return IcmpError(frame.number, frame.time_ns, packet.src, packet.dst, packet.ttl, kind, code, flow, seq)
