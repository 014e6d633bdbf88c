"""What the decoder finds in a frame: a TCP segment, or an ICMP error about one.

Plain tuples, because there are very many of them. Addresses are packed bytes, 4 or 16, which compare and
hash fast; `host` gives their text.
"""

from __future__ import annotations

import socket
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple


class Flags(IntFlag):
    """The TCP header's control bits (RFC 9293 section 3.1)."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80


class Options(NamedTuple):
    """The TCP options that say something of how a connection ends, or of who sent a segment."""

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    sack_blocks: int = 0
    timestamp: tuple[int, int] | None = None
    """TSval and TSecr (RFC 7323 section 3)."""


NO_OPTIONS = Options()


class Flow(NamedTuple):
    """Who sends to whom: the key of one direction of a connection."""

    src: bytes
    sport: int
    dst: bytes
    dport: int

    def reversed(self) -> Flow:
        return Flow(self.dst, self.dport, self.src, self.sport)


class Segment(NamedTuple):
    """One TCP segment as its headers describe it."""

    number: int
    """The frame it was found in."""
    time_ns: int
    src: bytes
    sport: int
    dst: bytes
    dport: int
    seq: int
    ack: int
    flags: int
    """Bits of `Flags`; a plain int, because testing it must be fast."""
    window: int
    """As in the header: not scaled."""
    length: int
    """Bytes of payload, from the IP length: also right where the frame was snapped."""
    ttl: int
    """IPv4 time to live or IPv6 hop limit."""
    ip_id: int | None
    """IPv4 identification; IPv6 has none."""
    options: Options
    payload: bytes
    """What was captured of the payload."""
    checksum_ok: bool | None
    """None where it was not asked for, or cannot be told: snapped, a fragment, left to the network card."""

    @property
    def flow(self) -> Flow:
        return Flow(self.src, self.sport, self.dst, self.dport)


_UNREACHABLE = {0: "net-unreachable", 1: "host-unreachable", 3: "port-unreachable", 13: "admin-prohibited"}
"""Codes of ICMP's type 3, destination unreachable."""


class IcmpError(NamedTuple):
    """An ICMP or ICMPv6 message that reports an error of a TCP segment, of which it quotes the start."""

    number: int
    time_ns: int
    src: bytes
    """Who reports: a router, or the host itself."""
    dst: bytes
    ttl: int
    type: int
    code: int
    flow: Flow
    """Of the quoted segment: its sender is whom the error concerns."""
    seq: int
    """The quoted sequence number."""

    @property
    def kind(self) -> str:
        """What is reported, in the words of RFC 792 and RFC 1812 section 5.2.7.1; type and code for the rest."""
        words = _UNREACHABLE.get(self.code) if (self.version, self.type) == (4, 3) else None
        return words or f"type {self.type} code {self.code}"

    @property
    def version(self) -> int:
        """4 for ICMP, 6 for ICMPv6, whose types are numbered differently."""
        return 4 if len(self.src) == 4 else 6


@lru_cache(maxsize=4096)
def host(address: bytes) -> str:
    """The text of a packed address: `192.0.2.1`, `2001:db8::1`."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
