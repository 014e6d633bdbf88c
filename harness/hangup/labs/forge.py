"""Forged segments: TCP headers as somebody between the two ends writes them, in the name of one of the two.

Such a segment has the right addresses, ports and numbers, and still its own TTL and IP id, which tell it from those
of the host whose address it bears. It knows nothing of trials.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from hangup.wire import Flags

TTL, IP_ID = 128, 0x4A21
"""Neither is a Linux host's: its segments set out with a TTL of 64, and its answers with RST have the id 0."""

_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")


class Forged(NamedTuple):
    """A RST, with its acknowledgement, in the name of ``source``."""

    source: tuple[str, int]
    destination: tuple[str, int]
    seq: int
    ack: int

    def packet(self) -> bytes:
        """The whole IPv4 packet; the kernel adds the checksum of the IP header."""
        src, dst = socket.inet_aton(self.source[0]), socket.inet_aton(self.destination[0])
        fields = (
            self.source[1], self.destination[1], self.seq & 0xFFFFFFFF, self.ack & 0xFFFFFFFF,
            _TCP.size // 4 << 4, Flags.RST | Flags.ACK, 0,
        )  # fmt: skip
        pseudo = src + dst + struct.pack("!HH", socket.IPPROTO_TCP, _TCP.size)
        tcp = _TCP.pack(*fields, _checksum(pseudo + _TCP.pack(*fields, 0, 0)), 0)
        ip = _IP.pack(0x45, 0, _IP.size + len(tcp), IP_ID, 0, TTL, socket.IPPROTO_TCP, 0, src, dst)
        return ip + tcp


def _checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Forger:
    """Sends forged segments from the network namespace that it is made in. Raises OSError without CAP_NET_RAW."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, forged: Forged) -> None:
        """Send it to the host that it is meant for."""
        self._socket.sendto(forged.packet(), (forged.destination[0], 0))
