"""A program that runs in a lab, seen as lines in and lines out. Knows nothing of what the lines say.

Both kinds of child end here: those that the event loop started, and those that a keeper started with our pipes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

MAX_LINE = 1 << 20
STDERR_TAIL = 16 << 10
_LAST_WORDS_SECONDS = 1.0
"""How long the outputs of a program that has ended are read on, where something else keeps them open."""


class Listener(Protocol):
    """Who reads a process."""

    def line(self, line: bytes) -> None:
        """One line of standard output, without its end."""

    def broken(self, why: str) -> None:
        """No further line comes: the process ended, or wrote something that is not lines. Called once."""


class Process:
    """A running program: write lines to it, hear its lines, kill it, await its end."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill = kill
        self._buffer = bytearray()
        self._stderr: deque[bytes] = deque()
        self._stderr_size = 0
        self._listener: Listener | None = None
        self._broken: str | None = None
        self._outputs = 0
        self._stdin: asyncio.WriteTransport | None = None
        self._pipes: list[asyncio.BaseTransport] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The exit status; minus the signal's number where a signal ended it."""

    def listen(self, listener: Listener) -> None:
        """Set who hears the lines, those that have come already included."""
        self._listener = listener
        broken = self._broken
        self._hand_over()
        if broken is not None:
            listener.broken(broken)

    def write(self, line: bytes) -> None:
        """Send one line (with its end). A process that is gone is noticed through ``broken``."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(line)

    def close_stdin(self) -> None:
        """Say that no more input comes: a well-behaved agent exits."""
        if self._stdin is not None:
            self._stdin.write_eof()  # of a pipe that is its end; of a socket only its own half
            self._stdin = None

    def kill(self) -> None:
        """End it with SIGKILL, if it still runs."""
        if not self.ended.done():
            self._kill()

    async def end(self, grace: float = 2.0) -> None:
        """Close its input, give it ``grace`` seconds, then kill it; returns when it has ended."""
        self.close_stdin()
        try:
            async with asyncio.timeout(grace):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.kill()
            await self.ended
        for pipe in self._pipes:
            pipe.close()

    @property
    def stderr(self) -> str:
        """The last part of what it wrote to standard error."""
        return b"".join(self._stderr)[-STDERR_TAIL:].decode("utf-8", "replace")

    # What follows is called by the event loop's protocols.

    def attach_stdin(self, transport: asyncio.WriteTransport) -> None:
        """Take the pipe to write to."""
        self._stdin = transport
        self._pipes.append(transport)

    def attach(self, transport: asyncio.BaseTransport) -> None:
        """Take a pipe to close in the end."""
        self._pipes.append(transport)

    def feed_stdout(self, data: bytes) -> None:
        """Bytes of standard output. A program may speak before anybody listens: that is kept."""
        if self._broken is None:
            self._buffer += data
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the listener, if there is one, every whole line."""
        if self._listener is None:
            return
        *lines, rest = self._buffer.split(b"\n")
        if any(len(line) > MAX_LINE for line in lines) or len(rest) > MAX_LINE:
            self.fail(f"wrote a line of more than {MAX_LINE:,} bytes")
            return
        self._buffer = rest
        for line in lines:
            self._listener.line(bytes(line))

    def feed_stderr(self, data: bytes) -> None:
        """Bytes of standard error: only the tail is kept."""
        self._stderr.append(data)
        self._stderr_size += len(data)
        while self._stderr_size - len(self._stderr[0]) > STDERR_TAIL:
            self._stderr_size -= len(self._stderr.popleft())

    def fail(self, why: str) -> None:
        """No more lines: tell the listener, once."""
        if self._broken is None:
            self._broken = why
            if self._listener is not None:
                self._listener.broken(why)

    def output_opened(self) -> None:
        """One more output whose end will be told by ``output_closed``."""
        self._outputs += 1

    def output_closed(self) -> None:
        """An output has been read to its end."""
        self._outputs -= 1
        if self._outputs == 0 and self.ended.done():
            self._report()

    def exited(self, status: int) -> None:
        """The program has ended with this status. Its last words may still be in its pipes: they are heard first."""
        if not self.ended.done():
            self.ended.set_result(status)
        if self._outputs == 0:
            self._report()
        else:  # a child of its own may hold them open
            asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, self._report)

    def _report(self) -> None:
        status = self.ended.result()
        self.fail(f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}")


class Reader(asyncio.Protocol):
    """Hands a pipe's bytes to a function."""

    def __init__(self, feed: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._feed = feed
        self._closed = closed

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The pipe has been read to its end."""
        self._closed()


class Subprocess(asyncio.SubprocessProtocol):
    """Joins a child of the event loop's own, which leads a session of its own, to its ``Process``."""

    _transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.process = Process(self._kill)

    def _kill(self) -> None:
        """The child and what it started. Not by the transport, which may reap it where asyncio's watcher expects to."""
        if sys.platform == "win32":
            self._transport.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):  # it has just ended (macOS says: not permitted)
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The child runs."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self.process.attach_stdin(stdin)
        self.process.attach(transport)
        for _output in (1, 2):
            self.process.output_opened()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Standard output (1) or standard error (2) has been read to its end, or standard input (0) is gone."""
        if fd != 0:
            self.process.output_closed()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Bytes of standard output (1) or standard error (2)."""
        (self.process.feed_stdout if fd == 1 else self.process.feed_stderr)(data)

    def process_exited(self) -> None:
        """The child was reaped; its last output may still come."""
        self.process.exited(self._transport.get_returncode() or 0)


async def adopt(process: Process, stdin: int, stdout: int, stderr: int) -> None:
    """Join our ends of a keeper's child's pipes to its ``Process``."""
    loop = asyncio.get_running_loop()
    writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(stdin, "wb", 0))
    process.attach_stdin(writer)
    for fd, feed in ((stdout, process.feed_stdout), (stderr, process.feed_stderr)):
        process.output_opened()
        reader, _ = await loop.connect_read_pipe(partial(Reader, feed, process.output_closed), os.fdopen(fd, "rb", 0))
        process.attach(reader)
