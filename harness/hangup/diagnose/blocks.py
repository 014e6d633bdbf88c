"""A capture in large blocks, with numpy arrays of where its frames are: what makes reading at speed possible.

The classic pcap format is read so from the file; of anything else, blocks are gathered frame by frame, which takes
longer, and is still quicker than to look at each frame. The bytes of a block are held once, and frames are made of
them one by one where they are asked for.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from hangup.wire import CaptureError, Frame
from hangup.wire.frames import MAX_CAPTURED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

SIZE = 48 << 20
_HEADER = 24
_RECORD = 16
_TICKS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}


class Block(NamedTuple):
    """Frames that follow one another."""

    data: bytes
    start: NDArray[np.int64]
    """Where in `data` each frame begins."""
    captured: NDArray[np.int64]
    length: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    link: int
    first: int
    """The number of the first frame."""

    def __len__(self) -> int:
        return len(self.start)

    def frame(self, place: int) -> Frame:
        """One of them."""
        start = int(self.start[place])
        return Frame(
            self.first + place, int(self.time_ns[place]), self.link, int(self.length[place]),
            self.data[start : start + int(self.captured[place])],
        )  # fmt: skip


def is_plain(head: bytes) -> bool:
    """The file's first bytes are of the format that is read in blocks."""
    return _ticks(head) is not None


def _ticks(head: bytes) -> tuple[str, int] | None:
    for order in "<>":
        (magic,) = struct.unpack_from(order + "I", head)
        if magic in _TICKS:
            return order, _TICKS[magic]
    return None


def blocks(stream: BinaryIO, size: int = SIZE) -> Iterator[Block]:
    """The blocks of a file that `is_plain`. Raises CaptureError where it is damaged, after the frames before that."""
    head = _read(stream, _HEADER)
    ticks = _ticks(head) if len(head) == _HEADER else None
    if ticks is None:
        raise CaptureError("this is not a pcap file that can be read in blocks", 0)
    order, tick_ns = ticks
    (link,) = struct.unpack_from(order + "I", head, 20)
    left, offset, number = b"", _HEADER, 1
    while True:
        fresh = _read(stream, size)
        data = left + fresh
        starts, used, fault = _walk(data, order)
        if starts:
            yield _block(data, starts, order, tick_ns, link & 0xFFFF, number)
        number += len(starts)
        left = data[used:]
        offset += used
        if fault:
            raise CaptureError(f"frame {number} {fault}", offset)
        if not fresh:
            if left:
                raise CaptureError(f"cut off: frame {number} is not whole", offset)
            return


def gathered(frames: Iterable[Frame], size: int = SIZE // 4) -> Iterator[Block]:
    """Blocks of frames that were read one by one, and are numbered without a gap."""
    held: list[Frame] = []
    total = 0
    for frame in frames:
        if held and (frame.link != held[0].link or total >= size):
            yield _joined(held)
            held, total = [], 0
        held.append(frame)
        total += len(frame.data) + _RECORD
    if held:
        yield _joined(held)


def _joined(frames: list[Frame]) -> Block:
    captured = np.array([len(frame.data) for frame in frames], dtype=np.int64)
    return Block(
        b"".join([frame.data for frame in frames]),
        np.cumsum(captured) - captured,
        captured,
        np.array([frame.length for frame in frames], dtype=np.int64),
        np.array([frame.time_ns for frame in frames], dtype=np.int64),
        frames[0].link,
        frames[0].number,
    )


def _read(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, fewer only at the end: a pipe gives them in parts."""
    parts, missing = [], size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _walk(data: bytes, order: str) -> tuple[list[int], int, str]:
    """Where the records begin, how many bytes all that are whole take, and what is wrong with the next one."""
    captured_at = struct.Struct(order + "8xI").unpack_from
    starts: list[int] = []
    add = starts.append
    at, last = 0, len(data) - _RECORD
    while at <= last:
        (captured,) = captured_at(data, at)
        if captured > MAX_CAPTURED:
            return starts, at, f"claims {captured} captured bytes"
        after = at + _RECORD + captured
        if after > len(data):
            break
        add(at)
        at = after
    return starts, at, ""


def _block(data: bytes, starts: list[int], order: str, tick_ns: int, link: int, first: int) -> Block:
    at = np.array(starts, dtype=np.int64)
    raw = np.frombuffer(data, dtype=np.uint8)
    heads = raw[at[:, None] + np.arange(_RECORD)].view(np.dtype(order + "u4")).astype(np.int64)
    return Block(
        data, at + _RECORD, heads[:, 2], heads[:, 3], heads[:, 0] * 1_000_000_000 + heads[:, 1] * tick_ns, link, first
    )
