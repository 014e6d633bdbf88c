"""The steps before there is a connection: the listening socket, its queue, and what is taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server.steps.step import Step

if TYPE_CHECKING:
    from hangup_server.listener import Listener


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
class Accept(Step):
    """Accept the first connection; with `process` it is given to a child process that alone owns it."""

    name: ClassVar[str] = "accept"
    process: bool = False


@dataclass(frozen=True)
class Serve(Step):
    """From here on treat the first connection as a further one, beside the script, whether or not anything comes."""

    name: ClassVar[str] = "serve"
