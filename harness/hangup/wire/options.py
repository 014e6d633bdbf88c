"""The TCP options of one header (RFC 9293 section 3.1, RFC 7323, RFC 2018).

Of a damaged or cut list, those that stand before the damage.
"""

from __future__ import annotations

import struct

from .segments import NO_OPTIONS, Options

_END, _NOP, _MSS, _WINDOW_SCALE, _SACK_PERMITTED, _SACK, _TIMESTAMP = 0, 1, 2, 3, 4, 5, 8

_TIMESTAMP_ALONE = b"\x01\x01\x08\x0a"
"""How nearly every segment of a connection with timestamps begins its options (RFC 7323 appendix A)."""

_u32_pair = struct.Struct("!II").unpack_from


def parse_options(data: bytes) -> Options:
    """`data` is what lies between the fixed header and the payload, as far as it was captured."""
    if len(data) == 12 and data.startswith(_TIMESTAMP_ALONE):
        return Options(timestamp=_u32_pair(data, 4))
    found = NO_OPTIONS
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _NOP:
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2 or at + size > len(data):
            break
        found = _with(found, data[at], data[at + 2 : at + size])
        at += size
    return found


def _with(options: Options, kind: int, value: bytes) -> Options:
    if kind == _TIMESTAMP and len(value) == 8:
        return options._replace(timestamp=_u32_pair(value))
    if kind == _MSS and len(value) == 2:
        return options._replace(mss=int.from_bytes(value, "big"))
    if kind == _WINDOW_SCALE and len(value) == 1:
        return options._replace(window_scale=value[0])
    if kind == _SACK_PERMITTED and not value:
        return options._replace(sack_permitted=True)
    if kind == _SACK:
        return options._replace(sack_blocks=len(value) // 8)
    return options
