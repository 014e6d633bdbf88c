"""The steps that speak TLS. Once `handshake` is done, all that is read and sent is inside it; the endings of the
connection stay what they are, and none of them says close_notify by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server import http, http2
from hangup_server.steps.step import ConnectionStep, choice, count
from hangup_server.tls import ALERTS, VERSIONS, Tls

if TYPE_CHECKING:
    from hangup_server.connection import Connection


class TlsStep(ConnectionStep):
    """A step of the connection's TLS."""

    async def run(self, connection: Connection) -> None:
        await connection.speak_tls(self)

    async def speak(self, tls: Tls) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class RecvHello(TlsStep):
    """Read the ClientHello, and not a byte behind it."""

    name: ClassVar[str] = "recv hello"

    async def speak(self, tls: Tls) -> None:
        await tls.recv_hello()


@dataclass(frozen=True)
class SendHello(TlsStep):
    """Answer the ClientHello with the ServerHello alone: the rest of the flight never comes."""

    name: ClassVar[str] = "send hello"
    version: str = choice(VERSIONS, "1.3")

    async def speak(self, tls: Tls) -> None:
        await tls.send_hello(self.version)


@dataclass(frozen=True)
class SendAlert(TlsStep):
    """Answer the ClientHello with a fatal alert; `with_fin` as of the steps that send."""

    name: ClassVar[str] = "send alert"
    description: str = choice(ALERTS, "handshake_failure")
    with_fin: bool = False

    async def speak(self, tls: Tls) -> None:
        await tls.send_alert(self.description, with_fin=self.with_fin)


@dataclass(frozen=True)
class Handshake(TlsStep):
    """The whole handshake, in this version of TLS; with a `protocol`, which ALPN has to agree on, begin to speak it."""

    name: ClassVar[str] = "handshake"
    version: str = choice(VERSIONS, "1.3")
    protocol: str | None = choice((http2.PROTOCOL,), None)

    async def run(self, connection: Connection) -> None:
        await super().run(connection)
        if self.protocol == http2.PROTOCOL:
            await connection.begin_http2()

    async def speak(self, tls: Tls) -> None:
        await tls.handshake(self.version, self.protocol)


@dataclass(frozen=True)
class SendHalfRecord(TlsStep):
    """Send half of the record that would hold `bytes` bytes of the body: nobody can read any of them."""

    name: ClassVar[str] = "send half record"
    bytes: int = count(least=1)

    async def speak(self, tls: Tls) -> None:
        await tls.send_half_record(http.body(self.bytes))


@dataclass(frozen=True)
class CloseNotify(TlsStep):
    """Say close_notify: in TLS, and there alone, the end of what the peer sends. `with_fin`: as of `send alert`."""

    name: ClassVar[str] = "close notify"
    with_fin: bool = False

    async def speak(self, tls: Tls) -> None:
        await tls.close_notify(with_fin=self.with_fin)
