"""The steps that send a response, or other bytes, and how those that follow each other leave together.

Each knows its bytes and which of them are no part of a body. What carries them, and when, is the connection's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server import http
from hangup_server.errors import StepError
from hangup_server.steps.step import ConnectionStep, WireStep, choice, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hangup_server.connection import Connection
    from hangup_server.http2 import Frames
    from hangup_server.wire import Wire

Payload = bytes
"""Another name for the type, because `bytes` is also a parameter."""

_UNFRAMED = "HTTP/2 has whole heads, and bodies"


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

    def content(self) -> Payload:
        """The bytes of the payload that are of a response's body."""
        return b""

    @property
    def answers(self) -> tuple[int, ...]:
        """The statuses of the final responses that it begins (RFC 9110 section 15)."""
        return ()

    def frame(self, frames: Frames) -> None:
        """The same in HTTP/2."""
        raise StepError(_UNFRAMED)

    async def run(self, connection: Connection) -> None:
        await connection.send(self)


@dataclass(frozen=True)
class SendHead(SendStep):
    """Send the head of a response, or only `bytes` bytes of it from `offset` on.

    `padding` makes it longer by `fields` fields of so many bytes each.
    """

    name: ClassVar[str] = "send head"
    status: int = count(200, least=100)
    reason: str | None = None
    length: int | None = count(None)
    close: bool = False
    chunked: bool = False
    version: str = choice(("1.1", "1.0"), "1.1")
    padding: int = count(0)
    fields: int = count(1, least=1)
    bytes: int | None = count(None, least=1)
    offset: int = count(0)
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

    @property
    def answers(self) -> tuple[int, ...]:
        return (self.status,) if self.status >= 200 and not self.offset else ()

    def frame(self, frames: Frames) -> None:
        if self.bytes is not None:
            raise StepError(_UNFRAMED)
        frames.head(self.status, self.length)


@dataclass(frozen=True)
class SendBody(SendStep):
    """Send `bytes` bytes of the body, from its byte `offset` on."""

    name: ClassVar[str] = "send body"
    bytes: int = count(least=1)
    offset: int = count(0)
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return http.body(self.bytes, self.offset)

    def content(self) -> Payload:
        return self.payload()

    def frame(self, frames: Frames) -> None:
        frames.body(self.payload())


@dataclass(frozen=True)
class SendChunk(SendStep):
    """Send a chunk of a chunked body; where it has `of` bytes, only the first `bytes` of them."""

    name: ClassVar[str] = "send chunk"
    bytes: int = count(least=1)
    of: int | None = count(None, least=1)
    flush: bool = False
    with_fin: bool = False

    def payload(self) -> Payload:
        return http.chunk(self.bytes, self.of)

    def content(self) -> Payload:
        return http.body(self.bytes)

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

    @property
    def answers(self) -> tuple[int, ...]:
        return tuple(status for part in self.parts for status in part.answers)

    def frame(self, frames: Frames) -> None:
        for part in self.parts:
            part.frame(frames)


@dataclass(frozen=True)
class Drained(WireStep):
    """Wait until the client has acknowledged all that was sent, a FIN included."""

    name: ClassVar[str] = "drained"

    async def act(self, wire: Wire) -> None:
        await wire.drained()


def together(steps: Iterable[ConnectionStep]) -> Iterator[ConnectionStep]:
    """The same steps, with sends that follow each other made one, so that they can share a segment."""
    group: list[SendStep] = []
    for step in steps:
        if isinstance(step, SendStep):
            group.append(step)
            if not step.flush:
                continue
        if group:
            yield _one(group)
            group = []
        if not isinstance(step, SendStep):
            yield step
    if group:
        yield _one(group)


def _one(group: list[SendStep]) -> SendStep:
    return group[0] if len(group) == 1 else SendTogether(tuple(group), with_fin=group[-1].with_fin)
