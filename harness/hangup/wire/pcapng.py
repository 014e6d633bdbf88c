"""The pcapng format, read: sections of blocks, with several interfaces, each of its own link type and clock.

Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/. Blocks that hold no frame are passed
over without being held, whatever length they claim. It knows nothing of what is in a frame.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from .frames import MAX_CAPTURED, CaptureError, Frame, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x0a\x0d\x0d\x0a"
"""The first four bytes of a section, the same in either byte order."""

_INTERFACE = 1
_PACKET = 2  # obsolete; written by Wireshark up to 1.6
_SIMPLE = 3
_ENHANCED = 6

_IF_TSRESOL = 9
_IF_TSOFFSET = 14
_MICROSECONDS = 1_000_000
_LATEST_NS = 2**63 - 1
"""In the year 2262. A clock that says more is damaged, and must not damage who reckons in 64 bits."""


class _Interface(NamedTuple):
    link: int
    snaplen: int
    ticks: int = _MICROSECONDS
    """How many ticks of its clock make a second."""
    offset_s: int = 0

    def time_ns(self, high: int, low: int) -> int:
        time_ns = (high << 32 | low) * 1_000_000_000 // self.ticks + self.offset_s * 1_000_000_000
        return max(-_LATEST_NS, min(time_ns, _LATEST_NS))


def read_pcapng(stream: BinaryIO) -> Iterator[Frame]:
    """The frames of a pcapng file; CaptureError behind the last good one where it is damaged."""
    return records(Source(stream))


def records(source: Source) -> Iterator[Frame]:
    """As `read_pcapng`, from a source of which nothing was read yet."""
    if source.peek(4) != MAGIC:
        raise CaptureError("this is not a pcapng file: no section header", 0)
    number = 0
    while not source.at_end():
        section = _Section(source, number)
        yield from section.frames()
        number = section.number


class _Section:
    """One section: a byte order and a list of interfaces that hold until the next one."""

    def __init__(self, source: Source, number: int) -> None:
        self._source = source
        self.number = number
        """Of the last frame that was read."""
        self._interfaces: list[_Interface] = []
        self._order = _byte_order(source)
        self._start = self._end = source.offset

    def frames(self) -> Iterator[Frame]:
        self._enter()
        _, major, minor = self._field("IHH", "a section header")
        if major != 1:
            raise CaptureError(f"version {major}.{minor} of pcapng is not known", self._start)
        self._leave()
        while not self._source.at_end() and self._source.peek(4) != MAGIC:
            frame = self._body(self._enter())
            if frame is not None:
                yield frame
            self._leave()

    def _body(self, kind: int) -> Frame | None:
        if kind == _ENHANCED:
            return self._timed("IIIII")
        if kind == _PACKET:
            return self._timed("H2xIIII")
        if kind == _SIMPLE:
            return self._simple()
        if kind == _INTERFACE:
            self._interfaces.append(self._interface())
        return None

    def _timed(self, layout: str) -> Frame:
        index, high, low, captured, length = self._field(layout, "the header of a frame")
        interface = self._known(index)
        return self._frame(interface, interface.time_ns(high, low), length, captured)

    def _simple(self) -> Frame:
        """A simple packet block: of the first interface, without a time, cut where that interface cuts."""
        (length,) = self._field("I", "the header of a frame")
        interface = self._known(0)
        captured = min(length, interface.snaplen or length, self._end - self._source.offset)
        return self._frame(interface, 0, length, captured)

    def _known(self, index: int) -> _Interface:
        if index >= len(self._interfaces):
            raise CaptureError(f"a frame of interface {index}, which was not described", self._start)
        return self._interfaces[index]

    def _frame(self, interface: _Interface, time_ns: int, length: int, captured: int) -> Frame:
        if captured > MAX_CAPTURED:
            raise CaptureError(f"frame {self.number + 1} claims {captured} captured bytes", self._start)
        self._within(captured)
        data = self._source.read(captured, f"frame {self.number + 1}")
        self.number += 1
        return Frame(self.number, time_ns, interface.link, length, data)

    def _interface(self) -> _Interface:
        link, snaplen = self._field("H2xI", "an interface")
        interface = _Interface(link, snaplen)
        while self._end - self._source.offset >= 4:
            code, size = self._field("HH", "an option")
            if code == 0:
                break
            padded = size + -size % 4
            self._within(padded)
            value = self._source.read(padded, "an option")[:size]
            if code == _IF_TSRESOL and size == 1:
                interface = interface._replace(ticks=(2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
            elif code == _IF_TSOFFSET and size == 8:
                interface = interface._replace(offset_s=struct.unpack(self._order + "q", value)[0])
        return interface

    def _enter(self) -> int:
        """Read a block's type and length; `_end` is then where the length stands for the second time."""
        self._start = self._source.offset
        kind, size = struct.unpack(self._order + "II", self._source.read(8, "a block"))
        if size < 12 or size % 4:
            raise CaptureError(f"a block claims {size} bytes", self._start)
        self._end = self._start + size - 4
        return int(kind)

    def _leave(self) -> None:
        self._source.skip(self._end - self._source.offset, "a block")
        (size,) = struct.unpack(self._order + "I", self._source.read(4, "the end of a block"))
        if size != self._end + 4 - self._start:
            raise CaptureError("the two lengths of a block differ", self._start)

    def _field(self, layout: str, what: str) -> tuple[int, ...]:
        reader = struct.Struct(self._order + layout)
        self._within(reader.size)
        return reader.unpack(self._source.read(reader.size, what))

    def _within(self, size: int) -> None:
        if self._source.offset + size > self._end:
            raise CaptureError("a block is shorter than what it claims to hold", self._start)


def _byte_order(source: Source) -> str:
    """The order of the section that begins here: its magic number stands behind its type and length."""
    for order in "<>":
        if source.peek(12)[8:] == struct.pack(order + "I", 0x1A2B3C4D):
            return order
    if len(source.peek(12)) < 12:
        source.read(12, "a section header")  # raises: cut off
    raise CaptureError("a section of no known byte order", source.offset)
