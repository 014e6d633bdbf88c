"""What a capture file is made of, whatever its format: frames, read from a stream of bytes.

This module knows nothing of protocols, and of file formats only that they are read front to back. It must
not seek: a capture may come through a pipe, or from a tcpdump that is still writing it.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

MAX_CAPTURED = 262_144
"""Bytes of the longest frame that is believed; libpcap's own limit. More means that the file is damaged."""

_SKIP = 65_536


class CaptureError(Exception):
    """The capture cannot be read further. All frames before `offset`, a position in the file, were read."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason}, at byte {offset} of the capture")
        self.reason = reason
        self.offset = offset


class Frame(NamedTuple):
    """One captured frame."""

    number: int
    """Its place in the capture, from 1 on, as Wireshark and tcpdump count."""
    time_ns: int
    """Nanoseconds since 1970-01-01 UTC; 0 where the file does not say."""
    link: int
    """The LINKTYPE number of its outermost header: https://www.tcpdump.org/linktypes.html."""
    length: int
    """Bytes on the wire."""
    data: bytes
    """The bytes that were captured: all, or the first ones where the capture was snapped."""


class Source:
    """A stream read front to back, which knows where in it we are."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""
        self.offset = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end of the stream; they will be read again."""
        if len(self._ahead) < size:
            self._ahead += self._fill(size - len(self._ahead))
        return self._ahead[:size]

    def at_end(self) -> bool:
        return not self.peek(1)

    def read(self, size: int, what: str) -> bytes:
        """Exactly `size` bytes; raises CaptureError where the stream ends before them."""
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        data = ahead + self._fill(size - len(ahead)) if len(ahead) < size else ahead
        if len(data) < size:
            raise CaptureError(f"cut off: {what} needs {size} bytes and {len(data)} are left", self.offset)
        self.offset += size
        return data

    def skip(self, size: int, what: str) -> None:
        """Pass over `size` bytes, any number of them, without holding them."""
        while size > 0:
            part = min(size, _SKIP)
            self.read(part, what)
            size -= part

    def _fill(self, size: int) -> bytes:
        """As many of `size` bytes as there are: a pipe may give them in several parts."""
        data = self._stream.read(size)
        while 0 < len(data) < size:
            more = self._stream.read(size - len(data))
            if not more:
                break
            data += more
        return data
