"""The steps: everything that the peer can be told to do, each with its parameters.

A step is data and calls one verb; how that verb treats a socket is in `connection`, `trial` and `nursery`.
Adding a step is adding a class here and naming it in `KINDS`: its fields are its parameters, and `script`
reads and checks them by the fields' types and metadata.
"""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hangup_server import http

if TYPE_CHECKING:
    from hangup_server.connection import Connection
    from hangup_server.listener import Listener

Payload = bytes
"""Another name for the type, because `bytes` is also a parameter."""


class StepError(Exception):
    """A step that could not be done: the text says why."""


def explain(error: OSError | StepError) -> str:
    """An error of the system by its POSIX name, any other by its text."""
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return f"{errno.errorcode[error.errno]} ({os.strerror(error.errno)})"
    return str(error)  # a resolver's error has a number of its own kind


def _count(default: Any = MISSING, least: int = 0) -> Any:
    return field(default=default, metadata={"least": least})


class Step:
    """What every step has: the name that scripts use for it."""

    name: ClassVar[str]


class ListenerStep(Step):
    """A step that happens on the trial's listening socket."""

    async def run(self, listener: Listener) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class StopListening(ListenerStep):
    """Close the listening socket; the kernel resets what waits in its accept queue."""

    name: ClassVar[str] = "stop listening"

    async def run(self, listener: Listener) -> None:
        listener.close()


@dataclass(frozen=True)
class AwaitConnection(ListenerStep):
    """Wait until a connection lies in the accept queue, and leave it there."""

    name: ClassVar[str] = "await connection"

    async def run(self, listener: Listener) -> None:
        await listener.wait()


@dataclass(frozen=True)
class Accept(Step):
    """Accept the first connection; with `process` it is given to a child process that alone owns it."""

    name: ClassVar[str] = "accept"
    process: bool = False


@dataclass(frozen=True)
class HoldHandshake(ListenerStep):
    """Let nothing but SYNs in, so that no handshake is completed that begins from now on."""

    name: ClassVar[str] = "hold handshake"

    async def run(self, listener: Listener) -> None:
        listener.hold_handshake()


@dataclass(frozen=True)
class ReleaseHandshake(ListenerStep):
    """Let all in again; what was dropped comes with the client's next retransmission."""

    name: ClassVar[str] = "release handshake"

    async def run(self, listener: Listener) -> None:
        listener.release_handshake()


@dataclass(frozen=True)
class FillQueue(ListenerStep):
    """Leave no room in the accept queue: a connection of the peer's own lies in it, and it is made as small."""

    name: ClassVar[str] = "fill queue"

    async def run(self, listener: Listener) -> None:
        listener.fill()


@dataclass(frozen=True)
class Serve(Step):
    """From here on treat the first connection as a further one, beside the script, whether or not anything comes."""

    name: ClassVar[str] = "serve"


class ConnectionStep(Step):
    """A step that happens on an accepted connection, in the process that owns it."""

    async def run(self, connection: Connection) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class HoldData(ConnectionStep):
    """Drop arriving segments that carry data. Before `accept` it is set on the listener, and inherited."""

    name: ClassVar[str] = "hold data"

    async def run(self, connection: Connection) -> None:
        connection.hold()


@dataclass(frozen=True)
class HoldAll(ConnectionStep):
    """Drop every segment that arrives on the connection, so that what the client does cannot come between."""

    name: ClassVar[str] = "hold all"

    async def run(self, connection: Connection) -> None:
        connection.hold_all()


@dataclass(frozen=True)
class AwaitHeldData(ConnectionStep):
    """Wait until a segment with data was dropped."""

    name: ClassVar[str] = "await held data"

    async def run(self, connection: Connection) -> None:
        await connection.await_held()


@dataclass(frozen=True)
class ReleaseData(ConnectionStep):
    """Let data in again; what was dropped comes with the client's next retransmission."""

    name: ClassVar[str] = "release data"

    async def run(self, connection: Connection) -> None:
        connection.release()


@dataclass(frozen=True)
class AwaitRequest(ConnectionStep):
    """Wait until a whole request, or `bytes` bytes, lie unread in the receive buffer."""

    name: ClassVar[str] = "await request"
    bytes: int | None = _count(None, least=1)

    async def run(self, connection: Connection) -> None:
        await connection.await_unread(self.bytes)


@dataclass(frozen=True)
class RecvHead(ConnectionStep):
    """Read the head of a request and leave its body unread."""

    name: ClassVar[str] = "recv head"

    async def run(self, connection: Connection) -> None:
        await connection.recv_head()


@dataclass(frozen=True)
class RecvRequest(ConnectionStep):
    """Read one whole request (or the rest of one), and not a byte behind it."""

    name: ClassVar[str] = "recv request"

    async def run(self, connection: Connection) -> None:
        await connection.recv_request()


@dataclass(frozen=True)
class Recv(ConnectionStep):
    """Read exactly this many bytes."""

    name: ClassVar[str] = "recv"
    bytes: int = _count(least=1)

    async def run(self, connection: Connection) -> None:
        await connection.recv(self.bytes)


@dataclass(frozen=True)
class RecvArrived(ConnectionStep):
    """Read what lies in the receive buffer, and wait for nothing."""

    name: ClassVar[str] = "recv arrived"

    async def run(self, connection: Connection) -> None:
        connection.recv_arrived()


@dataclass(frozen=True)
class RecvEnd(ConnectionStep):
    """Read until the client ends its side."""

    name: ClassVar[str] = "recv end"

    async def run(self, connection: Connection) -> None:
        await connection.recv_end()


@dataclass(frozen=True)
class Linger(ConnectionStep):
    """Read and drop what comes until the client ends, by FIN or by RST (RFC 9112 section 9.6)."""

    name: ClassVar[str] = "linger"

    async def run(self, connection: Connection) -> None:
        await connection.linger()


class SendStep(ConnectionStep):
    """Sends that follow each other leave in one send(2); one with `flush` is the last of such a group.

    With `with_fin` the end of the bytes waits for the FIN of the next step and shares its segment, so that a client
    cannot act on the bytes before it has the FIN.
    """

    flush: bool
    with_fin: bool

    def payload(self) -> Payload:
        raise NotImplementedError

    @property
    def framing(self) -> int:
        """Bytes of the payload that are no part of a response's body."""
        return 0

    async def run(self, connection: Connection) -> None:
        await connection.send(self)


@dataclass(frozen=True)
class SendHead(SendStep):
    """Send the head of a response, or only `bytes` bytes of it from `offset` on.

    `padding` makes it longer by `fields` fields of so many bytes each.
    """

    name: ClassVar[str] = "send head"
    status: int = _count(200, least=100)
    reason: str | None = None
    length: int | None = _count(None)
    close: bool = False
    chunked: bool = False
    version: str = field(default="1.1", metadata={"choices": ("1.1", "1.0")})
    padding: int = _count(0)
    fields: int = _count(1, least=1)
    bytes: int | None = _count(None, least=1)
    offset: int = _count(0)
    flush: bool = False
    with_fin: bool = False

    def whole(self) -> Payload:
        """The head as it is where nothing is cut off."""
        return http.response_head(
            self.status, self.reason, self.length, self.close,
            chunked=self.chunked, version=self.version, padding=self.padding, fields=self.fields,
        )  # fmt: skip

    def payload(self) -> Payload:
        rest = self.whole()[self.offset :]
        return rest[: self.bytes]

    @property
    def framing(self) -> int:
        return len(self.payload())


@dataclass(frozen=True)
class SendBody(SendStep):
    """Send `bytes` bytes of the body, from its byte `offset` on."""

    name: ClassVar[str] = "send body"
    bytes: int = _count(least=1)
    offset: int = _count(0)
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return http.body(self.bytes, self.offset)


@dataclass(frozen=True)
class SendChunk(SendStep):
    """Send a chunk of a chunked body; where it has `of` bytes, only the first `bytes` of them."""

    name: ClassVar[str] = "send chunk"
    bytes: int = _count(least=1)
    of: int | None = _count(None, least=1)
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return http.chunk(self.bytes, self.of)

    @property
    def framing(self) -> int:
        return len(self.payload()) - self.bytes


@dataclass(frozen=True)
class SendLastChunk(SendStep):
    """Send the chunk that ends a chunked body."""

    name: ClassVar[str] = "send last chunk"
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return http.LAST_CHUNK

    @property
    def framing(self) -> int:
        return len(self.payload())


@dataclass(frozen=True)
class Send(SendStep):
    """Send this text, each character a byte (Latin-1)."""

    name: ClassVar[str] = "send"
    text: str
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return self.text.encode("latin-1")

    @property
    def framing(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class SendTogether(SendStep):
    """What a group of sends became; no script names it."""

    name: ClassVar[str] = "send"
    parts: tuple[SendStep, ...]
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return b"".join(part.payload() for part in self.parts)


@dataclass(frozen=True)
class Drained(ConnectionStep):
    """Wait until the client has acknowledged all that was sent, a FIN included."""

    name: ClassVar[str] = "drained"

    async def run(self, connection: Connection) -> None:
        await connection.drained()


@dataclass(frozen=True)
class Pause(ConnectionStep):
    """Let time pass: for endings, or answers, that are the passing of time."""

    name: ClassVar[str] = "pause"
    ms: int = _count(least=1)

    async def run(self, connection: Connection) -> None:
        await connection.pause(self.ms / 1000)


@dataclass(frozen=True)
class Shutdown(ConnectionStep):
    """End one side and keep the socket: `write` sends FIN, `read` sends nothing."""

    name: ClassVar[str] = "shutdown"
    side: str = field(default="write", metadata={"choices": ("write", "read")})

    async def run(self, connection: Connection) -> None:
        connection.shutdown(self.side)


@dataclass(frozen=True)
class Close(ConnectionStep):
    """close(2), at once: FIN when all that arrived was read, RST when not (RFC 2525 section 2.17).

    Under HTTP/2 FIN, while the peer goes on reading: no server can know what frames a client is just sending.
    """

    name: ClassVar[str] = "close"

    async def run(self, connection: Connection) -> None:
        connection.close()


@dataclass(frozen=True)
class Reset(ConnectionStep):
    """Abort: close(2) with SO_LINGER {1, 0}, which sends RST and drops what was not sent yet."""

    name: ClassVar[str] = "reset"

    async def run(self, connection: Connection) -> None:
        await connection.reset()


@dataclass(frozen=True)
class AwaitReset(ConnectionStep):
    """Wait until the connection was reset by somebody else."""

    name: ClassVar[str] = "await reset"

    async def run(self, connection: Connection) -> None:
        await connection.await_reset()


@dataclass(frozen=True)
class Vanish(ConnectionStep):
    """Forget the connection without sending anything, as a host does that loses its power (Linux, CAP_NET_ADMIN)."""

    name: ClassVar[str] = "vanish"

    async def run(self, connection: Connection) -> None:
        connection.vanish()


class ProcessStep(Step):
    """A signal for the process that owns the connection; done when that process has been reaped."""

    signal: ClassVar[signal.Signals]


@dataclass(frozen=True)
class Kill(ProcessStep):
    """SIGKILL: the kernel closes the connection by the rules of close(2)."""

    name: ClassVar[str] = "kill"
    signal: ClassVar[signal.Signals] = signal.SIGKILL


@dataclass(frozen=True)
class Interrupt(ProcessStep):
    """SIGINT with its default action, as Ctrl+C does to a server that does not handle it."""

    name: ClassVar[str] = "interrupt"
    signal: ClassVar[signal.Signals] = signal.SIGINT


@dataclass(frozen=True)
class Terminate(ProcessStep):
    """SIGTERM, which the process handles as a tidy server does: it closes the connection and exits."""

    name: ClassVar[str] = "terminate"
    signal: ClassVar[signal.Signals] = signal.SIGTERM


KINDS: tuple[type[Step], ...] = (
    StopListening,
    AwaitConnection,
    HoldHandshake,
    ReleaseHandshake,
    FillQueue,
    Accept,
    Serve,
    HoldData,
    HoldAll,
    AwaitHeldData,
    ReleaseData,
    AwaitRequest,
    RecvHead,
    RecvRequest,
    Recv,
    RecvArrived,
    RecvEnd,
    Linger,
    SendHead,
    SendBody,
    SendChunk,
    SendLastChunk,
    Send,
    Drained,
    Pause,
    Shutdown,
    Close,
    Reset,
    AwaitReset,
    Vanish,
    Kill,
    Interrupt,
    Terminate,
)
"""Every step of TCP and of HTTP/1.1 that a script may name."""
