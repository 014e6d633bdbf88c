"""The classic pcap format, read and written: a file header, then records, all of one link type.

Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/. It knows nothing of what is in a frame.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from .frames import MAX_CAPTURED, CaptureError, Frame, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

_MICROSECONDS = 0xA1B2C3D4
_NANOSECONDS = 0xA1B23C4D


class _Variant(NamedTuple):
    order: str
    tick_ns: int
    header: str
    """The layout of a record's header: seconds, fraction, captured length, original length."""


_LAYOUTS = {
    _MICROSECONDS: (1000, "IIII"),
    _NANOSECONDS: (1, "IIII"),
    0xA1B2CD34: (1000, "IIII8x"),  # Alexey Kuznetsov's libpcap: interface, protocol and packet type follow
}
_VARIANTS = {
    struct.pack(order + "I", magic): _Variant(order, tick_ns, order + layout)
    for magic, (tick_ns, layout) in _LAYOUTS.items()
    for order in "<>"
}
MAGICS = frozenset(_VARIANTS)
"""The first four bytes of a file of this format."""


def read_pcap(stream: BinaryIO) -> Iterator[Frame]:
    """The frames of a classic pcap file; CaptureError behind the last good one where it is damaged."""
    return records(Source(stream))


def records(source: Source) -> Iterator[Frame]:
    """As `read_pcap`, from a source of which nothing was read yet."""
    variant = _VARIANTS.get(source.peek(4))
    if variant is None:
        raise CaptureError("this is not a pcap file: no magic number", 0)
    header = source.read(24, "the file header")
    _, major, minor, _, _, _, link = struct.unpack(variant.order + "IHHiIII", header)
    if major != 2:
        raise CaptureError(f"version {major}.{minor} of pcap is not known", 4)
    link &= 0xFFFF  # the upper half tells of a frame check sequence, which nobody here looks at
    record = struct.Struct(variant.header)
    number = 0
    while not source.at_end():
        number += 1
        start = source.offset
        header = source.read(record.size, f"the header of frame {number}")
        seconds, fraction, captured, length = record.unpack(header)
        if captured > MAX_CAPTURED:
            raise CaptureError(f"frame {number} claims {captured} captured bytes", start)
        data = source.read(captured, f"frame {number}")
        yield Frame(number, seconds * 1_000_000_000 + fraction * variant.tick_ns, link, length, data)


class PcapWriter:
    """Writes a classic pcap file, of one link type, that every tool reads."""

    def __init__(self, stream: BinaryIO, link: int, snaplen: int = MAX_CAPTURED, *, nanosecond: bool = True) -> None:
        self._stream = stream
        self._snaplen = snaplen
        self._tick_ns = 1 if nanosecond else 1000
        magic = _NANOSECONDS if nanosecond else _MICROSECONDS
        stream.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, snaplen, link))

    def write(self, time_ns: int, data: bytes, length: int | None = None) -> None:
        """One frame, cut to the snap length; `length` is that on the wire, where `data` is cut already."""
        seconds, fraction = divmod(time_ns, 1_000_000_000)
        length = len(data) if length is None else length
        data = data[: self._snaplen]
        self._stream.write(struct.pack("<IIII", seconds, fraction // self._tick_ns, len(data), length) + data)

    def write_frame(self, frame: Frame) -> None:
        """A frame as it was captured."""
        self.write(frame.time_ns, frame.data, frame.length)
