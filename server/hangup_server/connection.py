"""One accepted connection in the process that owns it: what each step does to its socket, and the log of it.

Nothing blocks: all waiting is the event loop's. It does not know who gave the steps, nor whether it lives in
the peer itself or in a child process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import socket
import struct
import sys
import termios
from typing import TYPE_CHECKING, TypeVar

from hangup_server import hold
from hangup_server.http import NotHttpError, RequestParser
from hangup_server.http2 import Http2
from hangup_server.log import ConnectionLog, RequestLog
from hangup_server.script import together
from hangup_server.steps import ConnectionStep, StepError, explain
from hangup_server.tls import Tls
from hangup_server.waiting import readable, until, writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hangup_server.http2_steps import Http2Step
    from hangup_server.steps import SendStep
    from hangup_server.tls_steps import TlsStep

T = TypeVar("T")

CHUNK = 1 << 16
_ABORT = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds
_SHUTDOWN = {"write": socket.SHUT_WR, "read": socket.SHUT_RD}
_DARWIN_SO_NWRITE = 0x1024
_TCP_REPAIR = 19  # linux/tcp.h; the socket module does not name it
_MSG_MORE = getattr(socket, "MSG_MORE", 0)  # Linux; elsewhere the FIN has a segment of its own


class Connection:
    """A non-blocking socket, its log, and the verbs that steps are made of.

    Each verb raises StepError or OSError where it cannot be done.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock
        self._log = ConnectionLog(events=["accept"])
        self._parsers: list[RequestParser] = []
        self._http = True
        self._before_hold = (0, 0)
        self._tls = Tls(self._recv_wire, self._send_wire)
        self._http2: Http2 | None = None

    async def run(self, steps: Iterable[ConnectionStep]) -> None:
        """Does the steps in order; raises StepError at the first that cannot be done."""
        for step in together(steps):
            await self._do(step)

    async def _do(self, step: ConnectionStep) -> None:
        try:
            await step.run(self)
        except (OSError, StepError) as error:
            why = explain(error)
            self._note(f"{step.name} failed: {why}")
            raise StepError(f"{step.name}: {why}") from error

    def log(self) -> ConnectionLog:
        self._log.requests = self._http2.requests() if self._http2 is not None else self._parsed()
        return self._log

    def _parsed(self) -> list[RequestLog]:
        return [
            RequestLog(parser.method, parser.path, parser.size, parser.complete)
            for parser in self._parsers
            if parser.size
        ]

    def detach(self) -> socket.socket:
        """Gives the socket away: from here on another process owns the connection."""
        sock = self._open()
        self._sock = None
        return sock

    async def abandon(self) -> None:
        """Closes without a word in the log: the trial is over."""
        await self._quiet()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    async def speak(self, step: TlsStep) -> None:
        """A step of TLS."""
        await step.speak(self._tls)
        self._note(step.name)

    async def begin_http2(self) -> None:
        """Speaks HTTP/2 from here on, inside TLS."""
        self._http2 = Http2(self._read_http2, self._tls.send)
        self._http = False
        await self._http2.begin()

    async def speak_http2(self, step: Http2Step) -> None:
        """A step of HTTP/2."""
        if self._http2 is None:
            raise StepError("HTTP/2 is not spoken here; 'handshake' with protocol = \"h2\" begins it")
        await step.speak(self._http2)
        self._note(step.name)

    async def _read_http2(self) -> bytes:
        data = await self._tls.recv(CHUNK)
        self._log.read += len(data)
        return data

    # Holding data at the door

    def hold(self) -> None:
        sock = self._open()
        hold.hold(sock)
        self._before_hold = hold.dropped(sock), _unread(sock)
        self._note("hold data")

    def hold_all(self) -> None:
        hold.hold(self._open(), everything=True)
        self._note("hold all")

    def release(self) -> None:
        hold.release(self._open())
        self._note("release data")

    async def await_held(self) -> None:
        """Waits for the first drop. Fails when data came in: it was held too late, and no drop will come."""
        sock = self._open()
        dropped_before, unread_before = self._before_hold

        def held() -> bool:
            if _unread(sock) > unread_before:
                raise StepError("data had come in before it was held")
            return hold.dropped(sock) > dropped_before

        await until(held)
        self._note("await held data")

    # Reading

    async def await_unread(self, wanted: int | None) -> None:
        """Waits for bytes that stay unread. `wanted` None is one whole request."""
        sock = self._open_plain()
        try:
            # What is judged and what is waited beyond must be the same count: more may come between two looks.
            while not self._is_enough(unread := _unread(sock), wanted):
                # poll(2) then reports the socket only when more has come than lies there already.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(wanted or 0, unread + 1))
                await readable(sock)
                if _unread(sock) == unread:
                    raise StepError(f"the client ended, or the buffer is full, with {unread} bytes unread")
        finally:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._note(f"await request {_unread(sock)}")

    def _is_enough(self, unread: int, wanted: int | None) -> bool:
        if wanted is not None:
            return unread >= wanted
        if not unread:
            return False
        data = self._open().recv(unread, socket.MSG_PEEK)
        probe = RequestParser()
        try:
            taken = probe.feed(data)
            probe.feed(data[taken:])
        except NotHttpError as error:
            raise StepError(str(error)) from error
        return probe.complete

    async def recv_head(self) -> None:
        await self._recv_http("recv head", lambda parser: parser.head_complete)

    async def recv_request(self) -> None:
        if self._http2 is not None:
            request = await self._http2.request()
            self._note(f"recv request {request.bytes}")
        else:
            await self._recv_http("recv request", lambda parser: parser.complete)

    def _reads_alone(self) -> None:
        if self._http2 is not None:
            raise StepError("under HTTP/2 the peer reads all the time by itself; 'recv request' waits for a request")

    async def _recv_http(self, name: str, enough: Callable[[RequestParser], bool]) -> None:
        self._reads_alone()
        parser = self._parser()
        while not enough(parser):
            data = await self._recv(CHUNK, socket.MSG_PEEK)
            if not data:
                raise StepError(f"the client ended its side after {parser.size} bytes of a request")
            taken = self._feed(parser, data)
            if not self._http:
                raise StepError("what the client sent is not HTTP")
            # What was peeked at is there: this takes exactly the request's bytes, out of the kernel or the record.
            self._log.read += len(await self._recv(taken))
        self._note(f"{name} {parser.size}")

    async def recv(self, size: int) -> None:
        self._reads_alone()
        left = size
        while left:
            data = await self._recv(min(left, CHUNK))
            if not data:
                raise StepError(f"the client ended its side after {size - left} of {size} bytes")
            left -= len(data)
            self._took(data)
        self._note(f"recv {size}")

    def recv_arrived(self) -> None:
        before = self._log.read
        while data := _unless_blocked(self._open_plain().recv, CHUNK):
            self._took(data)
        self._note(f"recv arrived {self._log.read - before}")

    async def recv_end(self) -> None:
        self._reads_alone()
        before = self._log.read
        while data := await self._recv(CHUNK):
            self._took(data)
        self._note(f"recv end {self._log.read - before}")

    async def linger(self) -> None:
        self._reads_alone()
        before = self._log.read
        with contextlib.suppress(ConnectionResetError):
            while data := await self._recv(CHUNK):
                self._took(data)
        self._note(f"linger {self._log.read - before}")

    async def _recv(self, size: int, flags: int = 0) -> bytes:
        if self._tls.established:
            return await self._tls.recv(size, peek=bool(flags & socket.MSG_PEEK))
        return await self._recv_wire(size, flags)

    async def _recv_wire(self, size: int, flags: int = 0) -> bytes:
        sock = self._open()
        while (data := _unless_blocked(sock.recv, size, flags)) is None:
            await readable(sock)
        return data

    def _took(self, data: bytes) -> None:
        """Counts bytes that were read, whatever step read them, as parts of requests."""
        self._log.read += len(data)
        while data and self._http:
            taken = self._feed(self._parser(), data)
            data = data[taken:]

    def _feed(self, parser: RequestParser, data: bytes) -> int:
        try:
            return parser.feed(data)
        except NotHttpError:
            self._http = False  # a stream client may say anything; from here on its bytes are only counted
            self._parsers.remove(parser)
            return 0

    def _parser(self) -> RequestParser:
        """The request that is being read, or the next one."""
        if not self._http:
            raise StepError("what the client sent is not HTTP")
        if not self._parsers or self._parsers[-1].complete:
            self._parsers.append(RequestParser())
        return self._parsers[-1]

    # Sending

    async def send(self, step: SendStep) -> None:
        self._open()
        data = step.payload()
        before, sent = self._log.wire, 0
        try:
            if self._http2 is not None:
                await self._http2.send(step)
            else:
                await (self._tls.send if self._tls.established else self._send_wire)(data, step.with_fin)
            sent = len(data)
        finally:
            # Of what TLS could not send whole, this is the most that can be read.
            sent = sent or min(len(data), self._log.wire - before)
            self._log.sent += sent
            self._note(f"send {sent}" if sent == len(data) else f"send {sent} of {len(data)}")

    async def _send_wire(self, data: bytes, with_fin: bool) -> None:
        sock = self._open()
        flags = _MSG_MORE if with_fin else 0
        left = memoryview(data)
        while left:
            sent = _unless_blocked(sock.send, left, flags)
            if sent is None:
                await writable(sock)
            else:
                self._log.wire += sent
                left = left[sent:]

    async def drained(self) -> None:
        sock = self._open()
        await until(lambda: not _unacknowledged(sock))
        self._note("drained")

    async def pause(self, seconds: float) -> None:
        self._open()
        await asyncio.sleep(seconds)
        self._note("pause")

    # Ending

    def shutdown(self, side: str) -> None:
        self._open().shutdown(_SHUTDOWN[side])
        self._note("shutdown" if side == "write" else f"shutdown {side}")

    def close(self) -> None:
        """Under HTTP/2 it goes on reading: a client may have sent frames of its own accord just now."""
        if self._http2 is not None:
            with contextlib.suppress(OSError):  # the client may have reset it
                self._open().shutdown(socket.SHUT_WR)
        else:
            self._open().close()
            self._sock = None
        self._note("close")

    async def reset(self) -> None:
        await self._quiet()
        self._open().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._open().close()
        self._sock = None
        self._note("reset")

    def vanish(self) -> None:
        """tcp(7)'s TCP_REPAIR is for moving connections between hosts: closed in this mode, a socket sends nothing."""
        self._open().setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
        self._open().close()
        self._sock = None
        self._note("vanish")

    async def await_reset(self) -> None:
        sock = self._open()
        await until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)
        self._note("await reset")

    async def _quiet(self) -> None:
        """Nobody waits for the socket any more."""
        if self._http2 is not None:
            await self._http2.quiet()

    # Common to all

    def _open(self) -> socket.socket:
        if self._sock is None:
            raise StepError("the peer has ended this connection already")
        return self._sock

    def _open_plain(self) -> socket.socket:
        """For what looks into the kernel's buffer by itself."""
        if self._tls.established:
            raise StepError("under TLS the kernel's buffer holds records, not what they say")
        return self._open()

    def _note(self, event: str) -> None:
        self._log.events.append(event)


def _unless_blocked(call: Callable[..., T], *arguments: object) -> T | None:
    try:
        return call(*arguments)
    except BlockingIOError:
        return None


def _unread(sock: socket.socket) -> int:
    return _kernel_int(sock, termios.FIONREAD)


def _unacknowledged(sock: socket.socket) -> int:
    """Bytes written but not acknowledged by the client; a FIN counts as one (Linux: write_seq - snd_una)."""
    if sys.platform == "darwin":
        return sock.getsockopt(socket.SOL_SOCKET, _DARWIN_SO_NWRITE)
    return _kernel_int(sock, termios.TIOCOUTQ)


def _kernel_int(sock: socket.socket, request: int) -> int:
    answer = fcntl.ioctl(sock, request, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
