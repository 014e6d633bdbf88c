"""The steps that speak HTTP/2, once `handshake` has agreed on it.

Requests are read, and heads and bodies are sent, by the same steps as without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server.http2 import ERRORS, Http2
from hangup_server.steps.step import ConnectionStep, choice, count

if TYPE_CHECKING:
    from hangup_server.connection import Connection


class Http2Step(ConnectionStep):
    """A step of the connection's HTTP/2."""

    async def run(self, connection: Connection) -> None:
        await connection.speak_http2(self)

    async def speak(self, http2: Http2) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class ResetStream(Http2Step):
    """RST_STREAM: end the stream of the request that was read last, and that stream alone."""

    name: ClassVar[str] = "reset stream"
    error: str = choice(ERRORS, "INTERNAL_ERROR")

    async def speak(self, http2: Http2) -> None:
        await http2.send(lambda frames: frames.reset(self.error), False)


@dataclass(frozen=True)
class SendGoaway(Http2Step):
    """GOAWAY: take no more requests here, and answer none above stream `last`; `with_fin` as of the steps that send."""

    name: ClassVar[str] = "send goaway"
    last: int = count()
    error: str = choice(ERRORS, "NO_ERROR")
    with_fin: bool = False

    async def speak(self, http2: Http2) -> None:
        await http2.send(lambda frames: frames.goaway(self.error, self.last), self.with_fin)


@dataclass(frozen=True)
class KeepAnswering(Http2Step):
    """From here on answer each further request on this connection, at once and with a whole response."""

    name: ClassVar[str] = "keep answering"
    length: int = count(1024, least=1)

    async def speak(self, http2: Http2) -> None:
        http2.keep_answering(self.length)
