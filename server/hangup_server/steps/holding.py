"""The steps that keep at the door what the client sends: its kernel sends it again until it is let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hangup_server.steps.step import WireStep

if TYPE_CHECKING:
    from hangup_server.wire import Wire


@dataclass(frozen=True)
class HoldData(WireStep):
    """Drop arriving segments that carry data. Before `accept` it is set on the listener, and inherited."""

    name: ClassVar[str] = "hold data"

    async def act(self, wire: Wire) -> None:
        wire.hold()


@dataclass(frozen=True)
class HoldAll(WireStep):
    """Drop every segment that arrives on the connection, so that what the client does cannot come between."""

    name: ClassVar[str] = "hold all"

    async def act(self, wire: Wire) -> None:
        wire.hold_all()


@dataclass(frozen=True)
class AwaitHeldData(WireStep):
    """Wait until a segment with data was dropped."""

    name: ClassVar[str] = "await held data"

    async def act(self, wire: Wire) -> None:
        await wire.await_held()


@dataclass(frozen=True)
class ReleaseData(WireStep):
    """Let data in again; what was dropped comes with the client's next retransmission."""

    name: ClassVar[str] = "release data"

    async def act(self, wire: Wire) -> None:
        wire.release()
