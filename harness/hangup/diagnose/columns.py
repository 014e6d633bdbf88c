"""The TCP headers of a block as columns: one array a field, a row a segment. What is not plain TCP is left out.

Plain is: Ethernet, Linux cooked (v1, v2) or raw; IPv4 without fragments, or IPv6 without extension headers; with
its TCP header captured. The rest is for the decoder that reads frame by frame (`hangup.wire.decode`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_ETHERTYPE_AT = {1: (12, 14), 113: (14, 16), 276: (0, 20)}
"""By link type: where the EtherType is, and where the IP header."""
_RAW = (12, 14, 101, 228, 229)
_TCP = 6

_SALT = np.frombuffer(os.urandom(32), dtype=np.uint64) | np.uint64(1)
"""Addresses of IPv6 are compared by a hash, which nobody can foresee who sends packets."""


class Columns(NamedTuple):
    """Row by row."""

    place: Ints
    """Of the frame in its block."""
    sender: Words
    receiver: Words
    """Address and port together: of IPv4 as they are, of IPv6 hashed."""
    seq: NDArray[np.uint32]
    ack: NDArray[np.uint32]
    flags: Bytes
    window: NDArray[np.uint16]
    ttl: Bytes
    size: Ints
    """Bytes of payload on the wire."""
    payload: Ints
    """Where in the block's data the payload begins."""
    network: Ints
    """Where the IP header begins."""


def columns(block: Block) -> Columns:
    """The block's segments."""
    raw = np.frombuffer(block.data, dtype=np.uint8)
    end = block.start + block.captured
    ip, known = _network(raw, block, end)
    place = np.flatnonzero(known)
    ip = ip[place]
    version = (raw[ip] >> 4).astype(np.uint8)
    four = _plain_four(raw, place, ip, version, end)
    six = _plain_six(raw, place, ip, version, end)
    parts = [part for part in (four, six) if len(part.place)]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return four
    order = np.argsort(np.concatenate([part.place for part in parts]), kind="stable")
    return Columns(*(np.concatenate(fields)[order] for fields in zip(*parts, strict=True)))


def _network(raw: Bytes, block: Block, end: Ints) -> tuple[Ints, Mask]:
    """Where the IP headers begin, and which frames have one that was captured as far as its addresses and ports."""
    if block.link in _RAW:
        ip = block.start
        return ip, end - ip >= 40
    if block.link not in _ETHERTYPE_AT:
        return block.start, np.zeros(len(block), dtype=bool)
    at, then = _ETHERTYPE_AT[block.link]
    ip = block.start + then
    known = end - ip >= 40
    inside = np.where(known, block.start + at, 0)
    ethertype = _two(raw, inside)
    return ip, known & ((ethertype == 0x0800) | (ethertype == 0x86DD))


def _plain_four(raw: Bytes, place: Ints, ip: Ints, version: Bytes, end: Ints) -> Columns:
    header = (raw[ip] & 15).astype(np.int64) * 4
    total = _two(raw, ip + 2).astype(np.int64)
    fragment = _two(raw, ip + 6) & 0x3FFF
    tcp = ip + header
    good = (version == 4) & (raw[ip + 9] == _TCP) & (fragment == 0) & (header >= 20) & (total > 0)
    good &= tcp + 20 <= end[place]
    rows = np.flatnonzero(good)
    ip, tcp, after = ip[rows], tcp[rows], (ip + total)[rows]
    addresses = _four(raw, ip + 12).astype(np.uint64), _four(raw, ip + 16).astype(np.uint64)
    return _tcp(raw, place[rows], ip, tcp, after, addresses, raw[ip + 8])


def _plain_six(raw: Bytes, place: Ints, ip: Ints, version: Bytes, end: Ints) -> Columns:
    good = (version == 6) & (ip + 60 <= end[place])
    rows = np.flatnonzero(good)
    rows = rows[raw[ip[rows] + 6] == _TCP]
    ip = ip[rows]
    length = _two(raw, ip + 4).astype(np.int64)
    rows, ip, length = rows[length > 0], ip[length > 0], length[length > 0]
    words = raw[ip[:, None] + np.arange(8, 40)].view(np.uint64).reshape(-1, 4)
    source = _mixed(words[:, 0], words[:, 1])
    target = _mixed(words[:, 2], words[:, 3])
    return _tcp(raw, place[rows], ip, ip + 40, ip + 40 + length, (source, target), raw[ip + 7])


def _mixed(one: Words, other: Words) -> Words:
    """A hash of 48 bits, as if it were an address; its lowest 16 bits are left to the port."""
    mixed = (one * _SALT[0]) ^ ((other + _SALT[1]) * _SALT[2])
    mixed ^= mixed >> np.uint64(29)
    hashed: Words = (mixed * _SALT[3]) >> np.uint64(16)
    return hashed


def _tcp(
    raw: Bytes, place: Ints, ip: Ints, tcp: Ints, after: Ints, addresses: tuple[Words, Words], ttl: Bytes
) -> Columns:
    header = (raw[tcp + 12] >> 4).astype(np.int64) * 4
    payload = tcp + header
    good = (header >= 20) & (payload <= after)
    if not good.all():
        keep = np.flatnonzero(good)
        place, ip, tcp, after, payload = (array[keep] for array in (place, ip, tcp, after, payload))
        ttl = ttl[keep]
        addresses = addresses[0][keep], addresses[1][keep]
    sixteen = np.uint64(16)
    return Columns(
        place=place,
        sender=addresses[0] << sixteen | _two(raw, tcp),
        receiver=addresses[1] << sixteen | _two(raw, tcp + 2),
        seq=_four(raw, tcp + 4),
        ack=_four(raw, tcp + 8),
        flags=raw[tcp + 13],
        window=_two(raw, tcp + 14),
        ttl=ttl,
        size=after - payload,
        payload=payload,
        network=ip,
    )


def _two(raw: Bytes, at: Ints) -> NDArray[np.uint16]:
    """The numbers of 16 bits in network order."""
    return raw[at].astype(np.uint16) << np.uint16(8) | raw[at + 1]


def _four(raw: Bytes, at: Ints) -> NDArray[np.uint32]:
    return _two(raw, at).astype(np.uint32) << np.uint32(16) | _two(raw, at + 2)
