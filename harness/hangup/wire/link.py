"""The headers below IP: where in a frame the IP header begins, for each link type that is met in practice.

Link types: https://www.tcpdump.org/linktypes.html. It knows EtherTypes, and nothing of what IP carries.
Every function takes the captured bytes and gives the offset of the IP header, or -1 where the frame carries
something else; a frame that is too short ends in IndexError or struct.error, which the decoder catches
once.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Locate = Callable[[bytes], int]

_NOT_IP = -1
_IP = (0x0800, 0x86DD)
_VLAN = (0x8100, 0x88A8, 0x9100)  # 802.1Q, 802.1ad, and the number that was used for stacking before it
_MAX_TAGS = 8

_INET = 2
_INET6 = (10, 24, 28, 30)  # Linux; NetBSD and OpenBSD; FreeBSD; Darwin

_u16 = struct.Struct("!H").unpack_from
_u32 = struct.Struct("!I").unpack_from
_u32_little = struct.Struct("<I").unpack_from


def _ethertype(data: bytes, at: int, then: int) -> int:
    """The EtherType at `at`; what it announces is at `then`, behind any VLAN tags."""
    for _ in range(_MAX_TAGS):
        (ethertype,) = _u16(data, at)
        if ethertype in _IP:
            return then
        if ethertype not in _VLAN:
            break
        at, then = then + 2, then + 4
    return _NOT_IP


def _ethernet(data: bytes) -> int:
    return _ethertype(data, 12, 14)


def _linux_cooked(data: bytes) -> int:
    return _ethertype(data, 14, 16)


def _linux_cooked_v2(data: bytes) -> int:
    return _ethertype(data, 0, 20)


def _raw(data: bytes) -> int:
    return 0 if data[0] >> 4 in (4, 6) else _NOT_IP


def _bsd_loopback(data: bytes) -> int:
    """An address family in the byte order of the machine that captured (null), or in network order (loop)."""
    family = min(_u32(data)[0], _u32_little(data)[0])
    return 4 if family == _INET or family in _INET6 else _NOT_IP


LOCATE: dict[int, Locate] = {
    0: _bsd_loopback,  # NULL
    1: _ethernet,
    12: _raw,  # what some systems wrote for RAW
    14: _raw,
    101: _raw,
    108: _bsd_loopback,  # LOOP
    113: _linux_cooked,
    228: _raw,  # IPV4
    229: _raw,  # IPV6
    276: _linux_cooked_v2,
}
"""By LINKTYPE number. A frame of another one cannot be decoded, which a reader of captures should say."""
