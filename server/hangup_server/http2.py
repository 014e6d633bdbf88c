"""HTTP/2 at the peer, by the library h2, which is imported when somebody speaks it.

As every server's does, it reads all the time, and answers SETTINGS and PING by itself: what a client sends of its own
accord never lies unread, where it would make a RST of a close. What is sent is sent on the stream of the request that
was read last. It knows neither sockets nor TLS nor steps.
"""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hangup_server import http
from hangup_server.errors import StepError
from hangup_server.log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROTOCOL = "h2"
"""Its name in ALPN: RFC 9113 section 3.2."""

ERRORS = {
    "NO_ERROR": 0x0,
    "PROTOCOL_ERROR": 0x1,
    "INTERNAL_ERROR": 0x2,
    "REFUSED_STREAM": 0x7,
    "CANCEL": 0x8,
    "ENHANCE_YOUR_CALM": 0xB,
    "HTTP_1_1_REQUIRED": 0xD,
}
"""Of RFC 9113 section 7."""


def works() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("h2") is not None


@dataclass
class _Stream:
    """A request and its response. `refused`: the client was told that nothing was done for it."""

    number: int
    log: RequestLog
    length: int | None = None
    sent: int = 0
    refused: bool = False


class Frames:
    """One connection's state: bytes in, frames out. Every method raises StepError for what cannot be done."""

    def __init__(self) -> None:
        if not works():
            raise StepError("this peer has no HTTP/2; install h2")
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.exceptions import ProtocolError

        self._error = ProtocolError
        self._connection = H2Connection(H2Configuration(client_side=False))
        self._connection.initiate_connection()
        self._streams: dict[int, _Stream] = {}
        self._read: list[_Stream] = []
        """Requests that are whole and that no step has taken."""
        self._current: _Stream | None = None
        self._settled = False
        self._last: int | None = None
        """What GOAWAY said."""
        self._extra = b""

    def to_send(self) -> bytes:
        """What has to be sent now."""
        data, self._extra = self._connection.data_to_send() + self._extra, b""
        return data

    def receive(self, data: bytes) -> None:
        """What the client sent; it may have to be answered."""
        from h2 import events

        try:
            happened = self._connection.receive_data(data)
        except self._error as error:
            raise StepError(f"what the client sent is not HTTP/2: {error}") from error
        for event in happened:
            if isinstance(event, events.SettingsAcknowledged):
                self._settled = True
            elif isinstance(event, events.RequestReceived):
                named = dict(event.headers)
                method, path = (named[name].decode("latin-1") for name in (b":method", b":path"))
                log = RequestLog(method, path, 0, complete=False)
                self._streams[event.stream_id] = _Stream(event.stream_id, log)
            elif isinstance(event, events.DataReceived):
                self._streams[event.stream_id].log.bytes += len(event.data)
            elif isinstance(event, events.StreamEnded):
                stream = self._streams[event.stream_id]
                stream.log.complete = True
                self._read.append(stream)

    def take(self) -> RequestLog | None:
        """The next whole request, once the client has acknowledged our settings too, so that nothing is under way."""
        if not self._settled or not self._read:
            return None
        self._current = self._read.pop(0)
        return self._current.log

    def requests(self) -> list[RequestLog]:
        """All requests so far."""
        return [replace(s.log, refused=self._was_refused(s)) for s in self._streams.values()]

    def _was_refused(self, stream: _Stream) -> bool:
        return stream.refused or (self._last is not None and stream.number > self._last)

    # Frames

    def head(self, status: int, length: int | None) -> None:
        """HEADERS."""
        stream = self._on()
        stream.length = length
        if status >= 200:
            stream.log.answered = status
        fields = [(":status", str(status))]
        if length is not None:
            fields.append(("content-length", str(length)))
        self._do("send_headers", stream.number, fields, end_stream=length == 0)

    def body(self, data: bytes) -> None:
        """DATA; the stream ends with the last byte that was announced."""
        stream = self._on()
        stream.sent += len(data)
        self._do("send_data", stream.number, data, end_stream=stream.sent == stream.length)

    def reset(self, error: str) -> None:
        """RST_STREAM. REFUSED_STREAM says that nothing was done for the request (RFC 9113 section 8.7)."""
        stream = self._on()
        stream.refused = error == "REFUSED_STREAM"
        self._do("reset_stream", stream.number, ERRORS[error])

    def goaway(self, error: str, last: int) -> None:
        """GOAWAY, after which the connection lives on; streams above `last` count as refused (section 6.8)."""
        from hyperframe.frame import GoAwayFrame  # h2 would take the connection for closed

        self._last = last
        self._extra += GoAwayFrame(0, last_stream_id=last, error_code=ERRORS[error]).serialize()

    def _on(self) -> _Stream:
        if self._current is None:
            raise StepError("no request was read yet")
        return self._current

    def _do(self, name: str, *arguments: object, **named: Any) -> None:
        try:
            getattr(self._connection, name)(*arguments, **named)
        except self._error as error:
            raise StepError(f"HTTP/2: {error}") from error


class Http2:
    """One connection that is spoken on. `quiet` must be called before its socket is closed."""

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        write: Callable[[bytes, bool], Awaitable[None]],
        answered: Callable[[int], None],
    ) -> None:
        """`read` gives what has come, nothing at the end; `write` sends all, at will in one segment with a FIN.

        `answered` is told how many bytes of a body were sent in answer to a request without a step.
        """
        self._read = read
        self._write = write
        self._answered = answered
        self._frames = Frames()
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._answer: int | None = None
        """Bytes of the body that each request is answered with, where it is."""

    async def begin(self) -> None:
        """Sends the server's preface, and reads from here on."""
        await self._write(self._frames.to_send(), False)
        self._reading = asyncio.ensure_future(self._listen())

    async def quiet(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def requests(self) -> list[RequestLog]:
        """All requests so far, whole or not."""
        return self._frames.requests()

    async def request(self) -> RequestLog:
        """The next whole request."""
        while (request := self._frames.take()) is None:
            assert self._reading is not None
            if self._reading.done():
                raise self._reading.exception() or StepError("the client ended its side before a whole request")
            self._news.clear()
            await self._news.wait()
        return request

    async def send(self, frame: Callable[[Frames], None], with_fin: bool) -> None:
        """Sends the frames that `frame` makes, on the stream of the request that was read last."""
        frame(self._frames)
        await self._write(self._frames.to_send(), with_fin)

    def keep_answering(self, length: int) -> None:
        """From here on each request that comes is answered at once."""
        self._answer = length

    async def _listen(self) -> None:
        try:
            while data := await self._read():
                self._frames.receive(data)
                await self._write(self._frames.to_send(), False)
                while self._answer is not None and self._frames.take():
                    self._frames.head(200, self._answer)
                    self._frames.body(http.body(self._answer))
                    await self._write(self._frames.to_send(), False)
                    self._answered(self._answer)
                self._news.set()
        finally:
            self._news.set()
