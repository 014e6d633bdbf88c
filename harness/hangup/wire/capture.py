"""Any capture file: its first bytes tell the format, and each format has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from . import pcap, pcapng
from .frames import CaptureError, Frame, Source

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_capture(stream: BinaryIO) -> Iterator[Frame]:
    """The frames of a pcap or pcapng file, one by one, read front to back and never held.

    Raises CaptureError where the file is damaged or cut off, after the last frame that could be read.
    """
    source = Source(stream)
    magic = source.peek(4)
    if magic == pcapng.MAGIC:
        yield from pcapng.records(source)
    elif magic in pcap.MAGICS:
        yield from pcap.records(source)
    elif not magic:
        raise CaptureError("the capture is empty", 0)
    else:
        raise CaptureError(f"neither pcap nor pcapng: it begins with {magic.hex(' ')}", 0)
