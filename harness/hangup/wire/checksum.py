"""The TCP checksum (RFC 9293 section 3.1), of a segment that was captured whole."""

from __future__ import annotations

import struct

_TCP = 6


def tcp_checksum_ok(src: bytes, dst: bytes, segment: bytes) -> bool | None:
    """Whether the checksum is right; None where the sender left it to its network card.

    In a capture at the sender such a segment's checksum field holds the sum of the pseudo-header alone, which
    is what the card continues from (Linux: CHECKSUM_PARTIAL).
    """
    pseudo = _sum(src + dst + struct.pack("!II", len(segment), _TCP))
    if (pseudo + _sum(segment)) % 0xFFFF == 0:
        return True
    (field,) = struct.unpack_from("!H", segment, 16)
    return None if field % 0xFFFF == pseudo % 0xFFFF else False


def _sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words is the number itself modulo 0xFFFF, since 0x10000 leaves 1."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
