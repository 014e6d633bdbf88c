"""One accepted connection in the process that owns it: what each step does to its socket, and the log of it.

Nothing blocks: all waiting is the event loop's. It does not know who gave the steps, nor whether it lives in
the peer itself or in a child process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING

from hangup_server import hold, kernel
from hangup_server.http2 import Http2
from hangup_server.log import ConnectionLog
from hangup_server.requests import Requests, is_whole
from hangup_server.script import together
from hangup_server.steps import ConnectionStep, StepError, explain
from hangup_server.tls import Tls
from hangup_server.waiting import readable, until, writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hangup_server.http import RequestParser
    from hangup_server.http2_steps import Http2Step
    from hangup_server.steps import SendStep
    from hangup_server.tls_steps import TlsStep

CHUNK = 1 << 16
_SHUTDOWN = {"write": socket.SHUT_WR, "read": socket.SHUT_RD}


class Connection:
    """A non-blocking socket, its log, and the verbs that steps are made of.

    Each verb raises StepError or OSError where it cannot be done.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock
        self._log = ConnectionLog(events=["accept"])
        self._requests = Requests()
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
        self._log.requests = self._http2.requests() if self._http2 is not None else self._requests.log()
        return self._log

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
        self._requests.ignore()
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
        self._before_hold = hold.dropped(sock), kernel.unread(sock)
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
            if kernel.unread(sock) > unread_before:
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
            while not self._is_enough(unread := kernel.unread(sock), wanted):
                # poll(2) then reports the socket only when more has come than lies there already.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(wanted or 0, unread + 1))
                await readable(sock)
                if kernel.unread(sock) == unread:
                    raise StepError(f"the client ended, or the buffer is full, with {unread} bytes unread")
        finally:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._note(f"await request {kernel.unread(sock)}")

    def _is_enough(self, unread: int, wanted: int | None) -> bool:
        if wanted is not None:
            return unread >= wanted
        return bool(unread) and is_whole(self._open().recv(unread, socket.MSG_PEEK))

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
        parser = self._requests.current()
        while not enough(parser):
            data = await self._recv(CHUNK, socket.MSG_PEEK)
            if not data:
                raise StepError(f"the client ended its side after {parser.size} bytes of a request")
            taken = self._requests.feed(data)
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
        while data := kernel.unless_blocked(self._open_plain().recv, CHUNK):
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
        while (data := kernel.unless_blocked(sock.recv, size, flags)) is None:
            await readable(sock)
        return data

    def _took(self, data: bytes) -> None:
        """Counts bytes that were read, whatever step read them, as parts of requests."""
        self._log.read += len(data)
        self._requests.took(data)

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
        flags = kernel.MSG_MORE if with_fin else 0
        left = memoryview(data)
        while left:
            sent = kernel.unless_blocked(sock.send, left, flags)
            if sent is None:
                await writable(sock)
            else:
                self._log.wire += sent
                left = left[sent:]

    async def drained(self) -> None:
        sock = self._open()
        await until(lambda: not kernel.unacknowledged(sock))
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
        kernel.reset(self._open())
        self._sock = None
        self._note("reset")

    def vanish(self) -> None:
        kernel.vanish(self._open())
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
