"""The steps that end a connection, in the process that owns it, or that wait for its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server.steps.step import ConnectionStep, WireStep, choice, count

if TYPE_CHECKING:
    from hangup_server.connection import Connection
    from hangup_server.wire import Wire


@dataclass(frozen=True)
class Shutdown(WireStep):
    """End one side and keep the socket: `write` sends FIN, `read` sends nothing."""

    name: ClassVar[str] = "shutdown"
    side: str = choice(("write", "read"), "write")

    async def act(self, wire: Wire) -> None:
        wire.shutdown(self.side)

    @property
    def event(self) -> str:
        return "shutdown" if self.side == "write" else f"shutdown {self.side}"


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
class AwaitReset(WireStep):
    """Wait until the connection was reset by somebody else."""

    name: ClassVar[str] = "await reset"

    async def act(self, wire: Wire) -> None:
        await wire.await_reset()


@dataclass(frozen=True)
class AwaitEnd(WireStep):
    """Wait until the client has ended its side, by FIN or by RST, and read nothing."""

    name: ClassVar[str] = "await end"

    async def act(self, wire: Wire) -> None:
        await wire.await_end()


@dataclass(frozen=True)
class Vanish(ConnectionStep):
    """Forget the connection without sending anything, as a host does that loses its power (Linux, CAP_NET_ADMIN)."""

    name: ClassVar[str] = "vanish"

    async def run(self, connection: Connection) -> None:
        await connection.vanish()


@dataclass(frozen=True)
class Pause(WireStep):
    """Let time pass: for endings, or answers, that are the passing of time."""

    name: ClassVar[str] = "pause"
    ms: int = count(least=1)

    async def act(self, wire: Wire) -> None:
        await wire.pause(self.ms / 1000)
