"""A capture in large blocks, with numpy arrays of where its frames are: what makes reading at speed possible.

The classic pcap format is read so from the file; of anything else, blocks are gathered frame by frame, which takes
longer, and is still quicker than to look at each frame. The bytes of a block are held once, and frames are made of
them one by one where they are asked for.
"""

from __future__ import annotations

import struct
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hangup.diagnose.arrays import np
from hangup.diagnose.heads import RECORD, walk
from hangup.wire import CaptureError, Frame
from hangup.wire.frames import MAX_CAPTURED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SIZE = 24 << 20
"""Bytes that are read at a time. What the processor's caches hold is worked on the quickest; but connections that go on
from one block to the next are looked at more than once."""

MARGIN = 128
"""Spare bytes behind the last frame of a block, so that the headers of a frame can be taken without a look at where it
ends."""

HEADER = 24
"""Bytes of a file's head."""
_VERSION = 2
_TICKS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}


class Source(Protocol):
    """What blocks are read from: any file or pipe that gives bytes into a buffer."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """How many bytes were read; 0 at the end."""


class Block(NamedTuple):
    """Frames that follow one another."""

    data: memoryview
    start: Ints
    """Where in `data` each frame begins."""
    captured: Ints
    length: Ints
    time_ns: Ints
    number: Ints
    """Each frame's place in the capture."""
    link: int

    def __len__(self) -> int:
        return len(self.start)

    def __reduce__(self) -> tuple[object, ...]:
        return _received, (PickleBuffer(self.data), *self[1:])

    def frame(self, place: int) -> Frame:
        """One of them."""
        start = int(self.start[place])
        return Frame(
            int(self.number[place]), int(self.time_ns[place]), self.link, int(self.length[place]),
            bytes(self.data[start : start + int(self.captured[place])]),
        )  # fmt: skip

    def part(self, places: Ints) -> Block:
        """Some of them, with their own bytes."""
        start, captured, data = self.start[places], self.captured[places], self.data
        ends = (start + captured).tolist()
        held = [data[at:end] for at, end in zip(start.tolist(), ends, strict=True)]
        return Block(
            _with_margin(held), np.cumsum(captured) - captured, captured, self.length[places], self.time_ns[places],
            self.number[places], self.link,
        )  # fmt: skip


def _received(data: bytes, *rest: Any) -> Block:
    """A block that another process has sent."""
    return Block(memoryview(data), *rest)


def _with_margin(parts: Sequence[bytes | memoryview]) -> memoryview:
    return memoryview(b"".join([*parts, bytes(MARGIN)]))


def by_link(blocks: Iterable[Block]) -> Iterator[Block]:
    """Several blocks as one for each link type, in the order of their frames' numbers."""
    found: dict[int, list[Block]] = {}
    for block in blocks:
        if len(block):
            found.setdefault(block.link, []).append(block)
    for alike in found.values():
        yield _merged(alike)


def _merged(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    sizes = [len(block.data) - MARGIN for block in blocks]
    starts = [block.start + sum(sizes[:place]) for place, block in enumerate(blocks)]
    number = np.concatenate([block.number for block in blocks])
    order = np.argsort(number)
    captured, length, time_ns = (
        np.concatenate([getattr(block, name) for block in blocks])[order] for name in ("captured", "length", "time_ns")
    )
    start = np.concatenate(starts)[order]
    data = [block.data[:-MARGIN] for block in blocks]
    return Block(_with_margin(data), start, captured, length, time_ns, number[order], blocks[0].link)


def is_plain(head: bytes) -> bool:
    """The file's first `HEADER` bytes are of the format that is read in blocks."""
    return _ticks(head) is not None


def _ticks(head: bytes | bytearray) -> tuple[str, int] | None:
    for order in "<>" if len(head) == HEADER else "":
        magic, version = struct.unpack_from(order + "IH", head)
        if magic in _TICKS and version == _VERSION:
            return order, _TICKS[magic]
    return None


def blocks(stream: Source, size: int = SIZE) -> Iterator[Block]:
    """The blocks of a file that `is_plain`. Raises CaptureError where it is damaged, after the frames before that.

    The bytes of a block are overwritten when the next one is asked for: fresh memory would have to be cleared first.
    """
    head = bytearray(HEADER)
    ticks = _ticks(head) if _fill(stream, memoryview(head)).bytes == HEADER else None
    if ticks is None:
        raise CaptureError("this is not a pcap file that can be read in blocks", 0)
    order, tick_ns = ticks
    (link,) = struct.unpack_from(order + "I", head, 20)
    left, offset, number = b"", HEADER, 1
    data = np.empty(RECORD + MAX_CAPTURED + size + MARGIN, dtype=np.uint8).data  # there is room for what was left, too
    while True:
        data[: len(left)] = left
        filled = _fill(stream, data[len(left) : len(left) + size])
        end = len(left) + filled.bytes
        starts, used, fault = walk(data, end, order)
        left = bytes(data[used:end])
        if len(starts):
            yield _block(data, starts, order, tick_ns, link & 0xFFFF, number)
        number += len(starts)
        offset += used
        if fault:
            raise CaptureError(f"frame {number} {fault}", offset)
        if filled.fault is not None:
            raise filled.fault
        if not filled.bytes:
            break
    if left:
        raise CaptureError(f"cut off: frame {number} is not whole", offset)


class _Filled(NamedTuple):
    bytes: int
    fault: CaptureError | None = None
    """That of what follows."""


def gathered(frames: Iterable[Frame], size: int = SIZE) -> Iterator[Block]:
    """Blocks of frames that were read one by one."""
    held: list[Frame] = []
    total = 0
    for frame in frames:
        if held and (frame.link != held[0].link or total >= size):
            yield _joined(held)
            held, total = [], 0
        held.append(frame)
        total += len(frame.data) + RECORD
    if held:
        yield _joined(held)


def _joined(frames: list[Frame]) -> Block:
    captured = np.array([len(frame.data) for frame in frames], dtype=np.int64)
    return Block(
        _with_margin([frame.data for frame in frames]),
        np.cumsum(captured) - captured,
        captured,
        np.array([frame.length for frame in frames], dtype=np.int64),
        np.array([frame.time_ns for frame in frames], dtype=np.int64),
        np.array([frame.number for frame in frames], dtype=np.int64),
        frames[0].link,
    )


def _fill(stream: Source, view: memoryview) -> _Filled:
    """What was read; less than there is room for only at the end, or at a fault: a pipe gives it in parts."""
    filled = 0
    try:
        while filled < len(view) and (part := stream.readinto(view[filled:])):
            filled += part
    except CaptureError as fault:
        return _Filled(filled, fault)
    return _Filled(filled)


def _block(data: memoryview, starts: Ints, order: str, tick_ns: int, link: int, first: int) -> Block:
    records = np.ndarray((len(data) - RECORD,), f"V{RECORD}", data, strides=(1,))
    heads = records[starts].view(np.dtype(order + "u4")).reshape(-1, 4)
    time_ns = heads[:, 0].astype(np.int64)
    time_ns *= 1_000_000_000
    time_ns += heads[:, 1].astype(np.int64) * tick_ns
    return Block(
        data, starts + RECORD, heads[:, 2].astype(np.int64), heads[:, 3].astype(np.int64), time_ns,
        np.arange(first, first + len(starts)), link,
    )  # fmt: skip


__all__ = ["MARGIN", "SIZE", "Block", "blocks", "by_link", "gathered", "is_plain"]
