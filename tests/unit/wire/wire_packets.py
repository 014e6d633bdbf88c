"""Builds what the tests of `hangup.wire` read: packets, captures, and conversations in a short notation.

Nothing here uses the code under test to encode what that code decodes: each layout is written down again.
"""

from __future__ import annotations

import io
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

from hangup.wire import Connection, ConnectionTable, Options, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

V4 = (socket.inet_aton("192.0.2.1"), socket.inet_aton("198.51.100.2"))
V6 = (socket.inet_pton(socket.AF_INET6, "2001:db8::1"), socket.inet_pton(socket.AF_INET6, "2001:db8:1::2"))

TCP, ICMP, ICMPV6 = 6, 1, 58
BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}

TIMESTAMP = bytes.fromhex("0101080a 00000007 00000009")
SYN_OPTIONS = bytes.fromhex("020405b4 0402 080a 00000007 00000000 01 030307")


def ones_complement(data: bytes) -> int:
    """The Internet checksum (RFC 1071), the slow way."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(src: bytes, dst: bytes, length: int) -> bytes:
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, TCP, length)
    return src + dst + struct.pack("!II", length, TCP)


def tcp(
    sport: int = 40000,
    dport: int = 9000,
    seq: int = 1000,
    ack: int = 2000,
    flags: str = "PA",
    payload: bytes = b"hello",
    options: bytes = b"",
    window: int = 512,
    addresses: tuple[bytes, bytes] | None = None,
) -> bytes:
    """A TCP segment; with a right checksum where the addresses are given."""
    options += b"\0" * (-len(options) % 4)
    offset = (20 + len(options)) // 4 << 12
    bits = sum(BITS[letter] for letter in flags)
    head = struct.pack("!HHIIHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset | bits, window)
    checksum = 0
    if addresses is not None:
        whole = head + bytes(4) + options + payload
        checksum = ones_complement(pseudo_header(*addresses, len(whole)) + whole)
    return head + struct.pack("!HH", checksum, 0) + options + payload


def ipv4(
    payload: bytes,
    *,
    protocol: int = TCP,
    addresses: tuple[bytes, bytes] = V4,
    ident: int = 7,
    fragment: int = 0x4000,
    ttl: int = 61,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    header = 20 + len(options)
    total = header + len(payload) if total is None else total
    first = 0x40 | header // 4
    fields = struct.pack("!BBHHHBBH", first, 0, total, ident, fragment, ttl, protocol, 0)
    return fields + b"".join(addresses) + options + payload


def ipv6(
    payload: bytes,
    *,
    protocol: int = TCP,
    addresses: tuple[bytes, bytes] = V6,
    ttl: int = 61,
    extensions: Iterable[tuple[int, bytes]] = (),
    length: int | None = None,
) -> bytes:
    """Each extension is its number and its bytes; the first of these, the next header, is filled in."""
    chain = list(extensions)
    numbers = [*(number for number, _ in chain), protocol]
    body = b"".join(bytes([after]) + data[1:] for after, (_, data) in zip(numbers[1:], chain, strict=True))
    body += payload
    length = len(body) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, numbers[0], ttl) + b"".join(addresses) + body


class Link(NamedTuple):
    number: int
    wrap: Callable[[bytes], bytes]


def _ethertype(packet: bytes) -> bytes:
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


def _family(packet: bytes, six: int) -> int:
    return 2 if packet[0] >> 4 == 4 else six


LINKS = {
    "ethernet": Link(1, lambda p: bytes(12) + _ethertype(p) + p),
    "802.1Q": Link(1, lambda p: bytes(12) + b"\x81\x00\x00\x05" + _ethertype(p) + p),
    "QinQ": Link(1, lambda p: bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + _ethertype(p) + p),
    "raw": Link(101, lambda p: p),
    "raw-12": Link(12, lambda p: p),
    "raw-14": Link(14, lambda p: p),
    "null-little": Link(0, lambda p: struct.pack("<I", _family(p, 30)) + p),
    "null-big": Link(0, lambda p: struct.pack(">I", _family(p, 24)) + p),
    "loop": Link(108, lambda p: struct.pack(">I", _family(p, 28)) + p),
    "cooked": Link(113, lambda p: bytes(14) + _ethertype(p) + p),
    "cooked-802.1Q": Link(113, lambda p: bytes(14) + b"\x81\x00\x00\x05" + _ethertype(p) + p),
    "cooked-v2": Link(276, lambda p: _ethertype(p) + bytes(18) + p),
}


def pcap(
    frames: Iterable[bytes], *, magic: int = 0xA1B2C3D4, order: str = "<", link: int = 1, fraction: int = 5
) -> bytes:
    """A classic pcap file; frame n is of second n, and `fraction`."""
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for second, data in enumerate(frames, 1):
        out += struct.pack(order + "IIII", second, fraction, len(data), len(data) + 3) + extra + data
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, options: bytes = b"", order: str = "<", snaplen: int = 0) -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(data: bytes, ticks: int, index: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) + 3)
    return block(6, head + data + b"\0" * (-len(data) % 4) + options, order)


class Meter(io.BytesIO):
    """A stream that remembers how much was asked of it at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "asked for everything"
        self.most = max(self.most, size)
        return super().read(size)


CLIENT_ISN, SERVER_ISN = 1_000_000, 3_000_000_000
HANDSHAKE = ("> S 0", "< SA 0 1", "> A 1 1")


def segments(
    *steps: str,
    client: int = 40000,
    server: int = 9000,
    client_isn: int = CLIENT_ISN,
    server_isn: int = SERVER_ISN,
) -> list[Segment]:
    """A conversation, one step a segment: `> PA 1 1 10` is the client's: PSH and ACK, seq 1, ack 1, 10 bytes.

    Numbers are relative to the initial ones of each side. Behind them may stand `win=0`, `ttl=9`, `bad` (a
    wrong checksum) and `ts` (a timestamp option).
    """
    ends = {">": (V4[0], client, client_isn), "<": (V4[1], server, server_isn)}
    out = []
    for number, step in enumerate(steps, 1):
        way, letters, *rest = step.split()
        numbers = [int(word) for word in rest if word.lstrip("-").isdigit()] + [0, 0, 0]
        named = dict(word.split("=") for word in rest if "=" in word)
        src, sport, isn = ends[way]
        dst, dport, other_isn = ends["<" if way == ">" else ">"]
        out.append(
            Segment(
                number,
                number * 1_000_000_000,
                src,
                sport,
                dst,
                dport,
                (isn + numbers[0]) & 0xFFFFFFFF,
                (other_isn + numbers[1]) & 0xFFFFFFFF if "A" in letters else 0,
                sum(BITS[letter] for letter in letters),
                int(named.get("win", "0" if letters == "R" else "512")),
                numbers[2],
                int(named.get("ttl", "64")),
                number,
                Options(timestamp=(1, 2)) if "ts" in rest else Options(),
                b"",
                False if "bad" in rest else None,
            )
        )
    return out


def talk(*steps: str, **ends: int) -> list[Connection]:
    """The connections that a conversation in the notation of `segments` makes."""
    table = ConnectionTable()
    for segment in segments(*steps, **ends):
        table.feed(segment)
    return list(table)
