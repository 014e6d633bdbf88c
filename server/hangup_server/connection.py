"""One accepted connection in the process that owns it: what is read, said and ended on it, and the log of that.

It knows what is spoken: HTTP/1.1 in the clear, or inside TLS, or HTTP/2. It does not know who gave the steps, nor
whether it lives in the peer itself or in a child process.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from hangup_server import kernel
from hangup_server.errors import StepError, explain
from hangup_server.http2 import Http2
from hangup_server.log import ConnectionLog
from hangup_server.requests import Requests, is_whole
from hangup_server.steps.sending import together
from hangup_server.tls import Tls
from hangup_server.waiting import readable
from hangup_server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hangup_server.http import RequestParser
    from hangup_server.steps.http2 import Http2Step
    from hangup_server.steps.sending import SendStep
    from hangup_server.steps.step import ConnectionStep, WireStep
    from hangup_server.steps.tls import TlsStep

CHUNK = 1 << 16


class Connection:
    """The verbs that the steps of a connection are made of.

    Each raises StepError or OSError where it cannot be done.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._wire = Wire(sock)
        self._tls = Tls(self._wire.recv, self._wire.send)
        self._http2: Http2 | None = None
        self._requests = Requests()
        self._log = ConnectionLog(events=["accept"])

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
        self._log.wire = self._wire.sent
        self._log.requests = self._http2.requests() if self._http2 is not None else self._requests.log()
        return self._log

    def _note(self, event: str) -> None:
        self._log.events.append(event)

    def detach(self) -> socket.socket:
        """Gives the socket away: from here on another process owns the connection."""
        return self._wire.detach()

    async def abandon(self) -> None:
        """Closes without a word in the log: the trial is over."""
        await self._quiet()
        self._wire.abandon()

    # What a step does to one part alone

    async def act(self, step: WireStep) -> None:
        """A step of the socket."""
        await step.act(self._wire)
        self._note(step.event)

    async def speak_tls(self, step: TlsStep) -> None:
        """A step of TLS."""
        await step.speak(self._tls)
        self._note(step.name)

    async def begin_http2(self) -> None:
        """Speaks HTTP/2 from here on, inside TLS."""
        self._http2 = Http2(self._read_http2, self._tls.send, self._said)
        self._requests.ignore()
        await self._http2.begin()

    async def speak_http2(self, step: Http2Step) -> None:
        """A step of HTTP/2."""
        if self._http2 is None:
            raise StepError("HTTP/2 is not spoken here; 'handshake' with protocol = \"h2\" begins it")
        await step.speak(self._http2)
        self._note(step.name)

    def _said(self, size: int) -> None:
        self._log.sent += size

    async def _read_http2(self) -> bytes:
        data = await self._tls.recv(CHUNK)
        self._log.read += len(data)
        return data

    # Reading

    async def await_unread(self, wanted: int | None) -> None:
        """Waits for bytes that stay unread. `wanted` None is one whole request."""
        sock = self._plain()
        try:
            # What is judged and what is waited beyond must be the same count: more may come between two looks.
            while not _is_enough(sock, unread := kernel.unread(sock), wanted):
                # poll(2) then reports the socket only when more has come than lies there already.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(wanted or 0, unread + 1))
                await readable(sock)
                if kernel.unread(sock) == unread:
                    raise StepError(f"the client ended, or the buffer is full, with {unread} bytes unread")
        finally:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._note(f"await request {kernel.unread(sock)}")

    async def recv_head(self) -> None:
        await self._recv_http("recv head", lambda parser: parser.head_complete)

    async def recv_request(self) -> None:
        if self._http2 is not None:
            request = await self._http2.request()
            self._note(f"recv request {request.bytes}")
        else:
            await self._recv_http("recv request", lambda parser: parser.complete)

    async def _recv_http(self, name: str, enough: Callable[[RequestParser], bool]) -> None:
        self._reads_alone()
        parser = self._requests.current()
        while not enough(parser):
            data = await self._recv(CHUNK, peek=True)
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
        while data := kernel.unless_blocked(self._plain().recv, CHUNK):
            self._took(data)
        self._note(f"recv arrived {self._log.read - before}")

    async def recv_end(self) -> None:
        before = self._log.read
        await self._recv_all()
        self._note(f"recv end {self._log.read - before}")

    async def linger(self) -> None:
        before = self._log.read
        with contextlib.suppress(ConnectionResetError):
            await self._recv_all()
        self._note(f"linger {self._log.read - before}")

    async def _recv_all(self) -> None:
        self._reads_alone()
        while data := await self._recv(CHUNK):
            self._took(data)

    def _reads_alone(self) -> None:
        if self._http2 is not None:
            raise StepError("under HTTP/2 the peer reads all the time by itself; 'recv request' waits for a request")

    def _plain(self) -> socket.socket:
        """For what looks into the kernel's buffer by itself."""
        if self._tls.established:
            raise StepError("under TLS the kernel's buffer holds records, not what they say")
        return self._wire.sock

    async def _recv(self, size: int, *, peek: bool = False) -> bytes:
        if self._tls.established:
            return await self._tls.recv(size, peek=peek)
        return await self._wire.recv(size, socket.MSG_PEEK if peek else 0)

    def _took(self, data: bytes) -> None:
        """Counts bytes that were read, whatever step read them, as parts of requests."""
        self._log.read += len(data)
        self._requests.took(data)

    # Sending

    async def send(self, step: SendStep) -> None:
        _ = self._wire.sock
        data = step.payload()
        if self._http2 is None:
            for status in step.answers:
                self._requests.answer(status)
        before, sent = self._wire.sent, 0
        try:
            if self._http2 is not None:
                await self._http2.send(step.frame, step.with_fin)
            else:
                await (self._tls if self._tls.established else self._wire).send(data, step.with_fin)
            sent = len(data)
        finally:
            # Of what TLS could not send whole, this is the most that can be read.
            sent = sent or min(len(data), self._wire.sent - before)
            self._log.sent += sent
            self._note(f"send {sent}" if sent == len(data) else f"send {sent} of {len(data)}")

    # Ending

    def close(self) -> None:
        """Under HTTP/2 it goes on reading: a client may have sent frames of its own accord just now."""
        if self._http2 is not None:
            with contextlib.suppress(OSError):  # the client may have reset it
                self._wire.shutdown("write")
        else:
            self._wire.close()
        self._note("close")

    async def reset(self) -> None:
        await self._quiet()
        self._wire.reset()
        self._note("reset")

    async def vanish(self) -> None:
        await self._quiet()
        self._wire.vanish()
        self._note("vanish")

    async def _quiet(self) -> None:
        """Nobody waits for the socket any more."""
        if self._http2 is not None:
            await self._http2.quiet()


def _is_enough(sock: socket.socket, unread: int, wanted: int | None) -> bool:
    if wanted is not None:
        return unread >= wanted
    return bool(unread) and is_whole(sock.recv(unread, socket.MSG_PEEK))
