"""The TCP headers of a block as columns: one array a field, a row a segment. What is not plain TCP is left out.

Plain is: Ethernet, Linux cooked (v1, v2) or raw; IPv4 without fragments, or IPv6 without extension headers; with
its TCP header captured. The rest is for the decoder that reads frame by frame (`hangup.wire.decode`).

Nearly all have an IPv4 header without options. Their headers are taken as they lie, all fields at once, which is the
quickest by far; the others' field by field.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hangup.diagnose.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.wire import Flow

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_ETHERTYPE_AT = {1: (12, 14), 113: (14, 16), 276: (0, 20)}
"""By link type: where the EtherType is, and where the IP header."""
_RAW = (12, 14, 101, 228, 229)
_TCP, _UDP = 6, 17
_IPV4, _IPV6 = 0x0800, 0x86DD
_FRAGMENT = 0x3FFF
"""An offset, or more fragments."""

_SALT = np.frombuffer(os.urandom(64), dtype=np.uint64) | np.uint64(1)
"""Addresses of IPv6, and connections, are compared by a hash, which nobody can foresee who sends packets."""


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
    ip_id: NDArray[np.uint16]
    """0 in IPv6, which has none."""
    size: NDArray[np.int32]
    """Bytes of payload on the wire."""
    payload: Ints
    """Where in the block's data the payload begins."""
    network: Ints
    """Where the IP header begins."""

    def take(self, rows: Ints | Mask) -> Columns:
        """Some of them."""
        return Columns._make(column[rows] for column in self)


@lru_cache(maxsize=8)
def _layout(link: int) -> np.dtype[Any]:
    """A frame's first bytes, where its IP header is one of version 4 without options."""
    at, ip = _ETHERTYPE_AT.get(link, (0, 0))
    fields = {
        "ethertype": (">u2", at), "version": ("u1", ip), "total": (">u2", ip + 2), "ip_id": (">u2", ip + 4),
        "fragment": (">u2", ip + 6), "ttl": ("u1", ip + 8), "protocol": ("u1", ip + 9), "src": (">u4", ip + 12),
        "dst": (">u4", ip + 16), "sport": (">u2", ip + 20), "dport": (">u2", ip + 22), "seq": (">u4", ip + 24),
        "ack": (">u4", ip + 28), "offset": ("u1", ip + 32), "flags": ("u1", ip + 33), "window": (">u2", ip + 34),
    }  # fmt: skip
    formats, offsets = zip(*fields.values(), strict=True)
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": ip + 40})


def columns(block: Block) -> Columns:
    """The block's segments."""
    if block.link not in _RAW and block.link not in _ETHERTYPE_AT:
        nothing = np.zeros(0, dtype=np.int64)
        return _others(block, nothing, nothing)
    heads, known = _heads(block)
    ip = heads.dtype.fields["version"][1]  # type: ignore[index]
    header = ((heads["offset"] >> 4) * 4).astype(np.uint8)
    total = _native(heads["total"])
    usual = known & (heads["version"] == 0x45) & (heads["protocol"] == _TCP)
    usual &= (heads["fragment"] & _FRAGMENT == 0) & (header >= 20) & (total >= header.astype(np.uint16) + 20)
    if usual.all():
        return _usual(heads, block.start + ip, np.arange(len(block)), total, header)
    place = np.flatnonzero(usual)
    common = _usual(heads[place], block.start[place] + ip, place, total[place], header[place])
    rest = np.flatnonzero(known & ~usual & (heads["version"] != 0x45))
    if not len(rest):
        return common
    return _joined(common, _others(block, rest, block.start[rest] + ip))


def is_udp(block: Block) -> Mask:
    """Of each frame: its first headers say at once that it carries UDP, and so nothing of a connection."""
    if block.link not in _RAW and block.link not in _ETHERTYPE_AT:
        return np.zeros(len(block), dtype=bool)
    heads, known = _heads(block)
    version, next_header = heads["version"] >> np.uint8(4), heads["fragment"] >> np.uint16(8)  # where IPv6 has it
    udp: Mask = known & (((version == 4) & (heads["protocol"] == _UDP)) | ((version == 6) & (next_header == _UDP)))
    return udp


def _heads(block: Block) -> tuple[NDArray[Any], Mask]:
    """The frames' first bytes as `_layout` has them, and of which frames these are those of IP."""
    layout = _layout(block.link)
    frames = np.ndarray((len(block.data) - layout.itemsize + 1,), f"V{layout.itemsize}", block.data, strides=(1,))
    heads = frames[block.start].view(layout)
    known = block.captured >= layout.itemsize
    if block.link in _ETHERTYPE_AT:
        ethertype = _native(heads["ethertype"])
        known &= (ethertype == _IPV4) | (ethertype == _IPV6)
    return heads, known


def _native(field: NDArray[Any]) -> NDArray[Any]:
    """In the machine's order of bytes, one behind the other."""
    return field.astype(field.dtype.newbyteorder("="))


def _usual(heads: NDArray[Any], ip: Ints, place: Ints, total: NDArray[np.uint16], header: Bytes) -> Columns:
    sixteen = np.uint64(16)
    sender, receiver = heads["src"].astype(np.uint64), heads["dst"].astype(np.uint64)
    sender <<= sixteen
    receiver <<= sixteen
    sender |= heads["sport"]
    receiver |= heads["dport"]
    return Columns(
        place=place, sender=sender, receiver=receiver, seq=_native(heads["seq"]), ack=_native(heads["ack"]),
        flags=heads["flags"].copy(), window=_native(heads["window"]), ttl=heads["ttl"].copy(),
        ip_id=_native(heads["ip_id"]), size=total.astype(np.int32) - 20 - header, payload=ip + 20 + header,
        network=ip,
    )  # fmt: skip


def _others(block: Block, place: Ints, ip: Ints) -> Columns:
    """IPv4 with options, and IPv6."""
    raw = np.frombuffer(block.data, dtype=np.uint8)
    end = block.start[place] + block.captured[place]
    version: Bytes = raw[ip] >> np.uint8(4)
    return _joined(_with_options(raw, place, ip, version, end), _six(raw, place, ip, version, end))


def _joined(one: Columns, other: Columns) -> Columns:
    """Both, in the order of their frames."""
    order = np.argsort(np.concatenate([one.place, other.place]))
    pairs: Any = zip(one, other, strict=True)  # of two columns each, of one type
    return Columns._make(np.concatenate(pair)[order] for pair in pairs)


def _with_options(raw: Bytes, place: Ints, ip: Ints, version: Bytes, end: Ints) -> Columns:
    header = (raw[ip] & 15).astype(np.int64) * 4
    total = _two(raw, ip + 2).astype(np.int64)
    tcp = ip + header
    good = (version == 4) & (raw[ip + 9] == _TCP) & (_two(raw, ip + 6) & _FRAGMENT == 0) & (header >= 20) & (total > 0)
    good &= tcp + 20 <= end
    ip, tcp, after = ip[good], tcp[good], (ip + total)[good]
    addresses = _four(raw, ip + 12).astype(np.uint64), _four(raw, ip + 16).astype(np.uint64)
    return _tcp(raw, place[good], ip, tcp, after, addresses, raw[ip + 8], _two(raw, ip + 4))


def _six(raw: Bytes, place: Ints, ip: Ints, version: Bytes, end: Ints) -> Columns:
    good = (version == 6) & (ip + 60 <= end)
    place, ip = place[good], ip[good]
    length = _two(raw, ip + 4).astype(np.int64)
    good = (raw[ip + 6] == _TCP) & (length > 0)
    place, ip, length = place[good], ip[good], length[good]
    words = raw[ip[:, None] + np.arange(8, 40)].view(np.uint64).reshape(-1, 4)
    addresses = _mixed(words[:, 0], words[:, 1]), _mixed(words[:, 2], words[:, 3])
    return _tcp(raw, place, ip, ip + 40, ip + 40 + length, addresses, raw[ip + 7], np.zeros(len(ip), dtype=np.uint16))


def _mixed(one: Words, other: Words) -> Words:
    """A hash of 48 bits, as if it were an address; the lowest 16 bits are left to the port."""
    mixed = (one * _SALT[0]) ^ ((other + _SALT[1]) * _SALT[2])
    mixed ^= mixed >> np.uint64(29)
    hashed: Words = (mixed * _SALT[3]) >> np.uint64(16)
    return hashed


def _tcp(
    raw: Bytes, place: Ints, ip: Ints, tcp: Ints, after: Ints, addresses: tuple[Words, Words], ttl: Bytes,
    ip_id: NDArray[np.uint16],
) -> Columns:  # fmt: skip
    header = (raw[tcp + 12] >> 4).astype(np.int64) * 4
    payload = tcp + header
    sixteen = np.uint64(16)
    rows = Columns(
        place=place,
        sender=addresses[0] << sixteen | _two(raw, tcp),
        receiver=addresses[1] << sixteen | _two(raw, tcp + 2),
        seq=_four(raw, tcp + 4),
        ack=_four(raw, tcp + 8),
        flags=raw[tcp + 13],
        window=_two(raw, tcp + 14),
        ttl=ttl,
        ip_id=ip_id,
        size=(after - payload).astype(np.int32),
        payload=payload,
        network=ip,
    )
    return rows.take((header >= 20) & (payload <= after))


def _two(raw: Bytes, at: Ints) -> NDArray[np.uint16]:
    """The numbers of 16 bits in network order."""
    return raw[at].astype(np.uint16) << np.uint16(8) | raw[at + 1]


def _four(raw: Bytes, at: Ints) -> NDArray[np.uint32]:
    return _two(raw, at).astype(np.uint32) << np.uint32(16) | _two(raw, at + 2)


def keys(sender: Words, receiver: Words) -> Words:
    """Of each row: a hash of its two sockets, whichever of them sends."""
    low, high = np.minimum(sender, receiver), np.maximum(sender, receiver)
    low *= _SALT[4]
    high += _SALT[5]
    high *= _SALT[6]
    low ^= high
    return low


def key_of(flow: Flow) -> int:
    """The same of one connection."""
    sockets = []
    for address, port in ((flow.src, flow.sport), (flow.dst, flow.dport)):
        if len(address) == 4:
            known = np.array([int.from_bytes(address, "big")], dtype=np.uint64)
        else:
            words = np.frombuffer(address, dtype=np.uint64)
            known = _mixed(words[:1], words[1:])
        sockets.append(known << np.uint64(16) | np.uint64(port))
    return int(keys(*sockets)[0])
