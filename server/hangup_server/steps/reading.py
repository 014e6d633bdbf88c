"""The steps that read what the client sends, or look at it in the kernel's buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server.steps.step import ConnectionStep, count

if TYPE_CHECKING:
    from hangup_server.connection import Connection


@dataclass(frozen=True)
class AwaitRequest(ConnectionStep):
    """Wait until a whole request, or `bytes` bytes, lie unread in the receive buffer."""

    name: ClassVar[str] = "await request"
    bytes: int | None = count(None, least=1)

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
    bytes: int = count(least=1)

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
