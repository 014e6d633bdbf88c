"""Captures as they come: compressed or not, from standard input, in several files, or while they are being written.

What could not be read is kept as a list of complaints; the rest is read all the same.
"""

from __future__ import annotations

import gzip
import heapq
import sys
import time
import zlib
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol, cast

from hangup.errors import InputError
from hangup.wire import CaptureError, Frame, read_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hangup.diagnose.blocks import Block

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_POLL = 0.1
_BLOCK = 1 << 18
_BLOCKS = 16
"""Of what memory there is a block may be this part: what is made of it takes several times as much."""


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Rejoined:
    """A stream of which the first bytes were read already, to see what it is."""

    def __init__(self, head: bytes, rest: _Readable) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1, /) -> bytes:
        head = self._head if size < 0 else self._head[:size]
        self._head = self._head[len(head) :]
        if len(head) == size:
            return head
        return head + self._rest.read(size - len(head) if size > 0 else size)

    def readinto(self, buffer: memoryview, /) -> int:
        return _into(self, buffer)


class _Growing:
    """A file that is still being written: at its end, wait for more, until nobody wants it any longer."""

    def __init__(self, file: _Readable, wanted: Callable[[], bool]) -> None:
        self._file, self._wanted = file, wanted

    def read(self, size: int = -1, /) -> bytes:
        while not (data := self._file.read(size)):
            if not self._wanted():
                return b""
            time.sleep(_POLL)
        return data


class _Packed(_Readable, Protocol):
    def read1(self, size: int = -1, /) -> bytes: ...


class _Unpacked:
    """A compressed stream: what is wrong with it is told as with any capture, when all before that was read."""

    def __init__(self, stream: _Packed, kind: str, faults: tuple[type[Exception], ...]) -> None:
        self._stream, self._kind, self._faults = stream, kind, faults
        self._offset = 0

    def read(self, size: int = -1, /) -> bytes:
        return self._read(self._stream.read, size)

    def readinto(self, buffer: memoryview, /) -> int:
        data = self._read(self._stream.read1, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except EOFError:
            raise CaptureError(f"cut off: the {self._kind} data has no end", self._offset) from None
        except self._faults as error:
            raise CaptureError(f"the {self._kind} data is damaged ({error})", self._offset) from None
        self._offset += len(data)
        return data


def _into(stream: _Readable, buffer: memoryview) -> int:
    data = stream.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)


def unpacked(stream: _Readable) -> BinaryIO:
    """The capture in a stream, decompressed where it is compressed."""
    head = b""
    while len(head) < 4 and (more := stream.read(4 - len(head))):
        head += more
    whole = _Rejoined(head, stream)
    if head.startswith(_GZIP):
        plain = cast("_Packed", gzip.GzipFile(fileobj=cast("IO[bytes]", whole)))
        return cast("BinaryIO", _Unpacked(plain, "gzip", (gzip.BadGzipFile, zlib.error)))
    if head.startswith(_ZSTD):
        import zstandard  # only where it is needed

        reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", whole), read_across_frames=True)
        return cast("BinaryIO", _Unpacked(cast("_Packed", reader), "zstd", (zstandard.ZstdError,)))
    return cast("BinaryIO", whole)


def check(names: Sequence[str]) -> None:
    """Raises InputError for a file that is not there or may not be read."""
    for name in names:
        if name == "-":
            if sys.stdin is None:
                raise InputError("standard input (-) is closed: give a file, or a pipe")
            continue
        try:
            if Path(name).is_file() or not Path(name).exists():
                with Path(name).open("rb"):
                    pass
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from None
        if Path(name).is_dir():
            raise InputError(f"{name}: cannot be read: it is a folder; give the captures in it")
    if names.count("-") > 1:
        raise InputError("standard input (-) can be read once only")


class Inputs:
    """The frames of one or several captures, in the order of their times."""

    def __init__(self, names: Sequence[str], *, follow: bool = False) -> None:
        check(names)
        if follow and len(names) > 1:
            raise InputError("--follow waits for one file to grow, and several were given")
        self._names = list(names)
        self._follow = follow
        self.complaints: list[str] = []
        """What could not be read: a line a file."""

    @property
    def size(self) -> int:
        """Bytes of all files, as they lie on the disk."""
        return sum(Path(name).stat().st_size for name in self._names if not _once(name))

    def stop(self) -> None:
        """Wait no longer for the file to grow."""
        self._follow = False

    def __iter__(self) -> Iterator[Frame]:
        if len(self._names) == 1:
            return self._frames(self._names[0])
        return self._merged()

    def blocks(self, memory: int) -> Iterator[Block] | None:
        """The same in blocks, that are small where there is little memory; None where nobody can say when a block is
        full, for the file still grows."""
        if self._follow:
            return None
        from hangup.diagnose.blocks import HEADER, SIZE, gathered, is_plain  # numpy, only where it is used

        size = min(SIZE, memory // _BLOCKS)

        if len(self._names) == 1 and not _once(self._names[0]):
            name = self._names[0]
            # what is wrong is told when it is read
            with suppress(OSError, CaptureError), Path(name).open("rb") as file:
                head = file.read(HEADER)
                file.seek(0)
                unpacked_head = unpacked(file).read(HEADER)
                if is_plain(unpacked_head):
                    return self._blocks(name, size, packed=unpacked_head != head)
        return gathered(self, size)

    def _blocks(self, name: str, size: int, *, packed: bool) -> Iterator[Block]:
        from hangup.diagnose.blocks import Source, blocks

        with Path(name).open("rb", buffering=0) as file:
            try:
                yield from blocks(cast("Source", unpacked(file)) if packed else file, size)
            except CaptureError as error:
                self.complaints.append(f"{name}: {error}")
            except OSError as error:
                self.complaints.append(f"{name}: cannot be read on: {error.strerror}")

    def _frames(self, name: str) -> Iterator[Frame]:
        with ExitStack() as stack:
            try:
                file = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb", _BLOCK))
                stream: _Readable = _Growing(file, lambda: self._follow) if self._follow else file
                yield from read_capture(unpacked(stream))
            except CaptureError as error:
                self.complaints.append(f"{'standard input' if name == '-' else name}: {error}")
            except OSError as error:
                self.complaints.append(f"{name}: cannot be read on: {error.strerror}")

    def _merged(self) -> Iterator[Frame]:
        """Files are opened when their time has come, so that a thousand rotated ones are not open at once."""
        waiting: list[tuple[int, int, Iterator[Frame] | None]] = []
        for place, name in enumerate(self._names):
            frames = self._frames(name)
            first = next(frames, None)
            if first is not None:
                waiting.append((first.time_ns, place, _again(first, frames) if _once(name) else None))
        waiting.sort(key=lambda entry: entry[:2], reverse=True)
        complaints = self.complaints.copy()
        self.complaints.clear()
        running: list[tuple[int, int, Frame, Iterator[Frame]]] = []
        number = 0
        while waiting or running:
            while waiting and (not running or waiting[-1][0] <= running[0][0]):
                _time, place, opened = waiting.pop()
                _push(running, place, opened or self._frames(self._names[place]))
            if not running:
                continue
            _time, place, frame, frames = heapq.heappop(running)
            number += 1
            yield frame._replace(number=number)
            _push(running, place, frames)
        self.complaints[:] = dict.fromkeys(complaints + self.complaints)


def _once(name: str) -> bool:
    """It is a pipe, which can be read once only."""
    return name == "-" or not Path(name).is_file()


def _again(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _push(running: list[tuple[int, int, Frame, Iterator[Frame]]], place: int, frames: Iterator[Frame]) -> None:
    frame = next(frames, None)
    if frame is not None:
        heapq.heappush(running, (frame.time_ns, place, frame, frames))
