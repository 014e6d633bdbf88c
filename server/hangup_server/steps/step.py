"""What a step is: a name, and parameters that are its fields. What there is to be done stands in the modules beside.

`script` reads and checks the parameters by the fields' types and by the metadata that is made here.
"""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hangup_server.connection import Connection
    from hangup_server.wire import Wire


def count(default: Any = MISSING, *, least: int = 0) -> Any:
    """A parameter that is a number from `least` on."""
    return field(default=default, metadata={"least": least})


def choice(choices: Iterable[str], default: str | None) -> Any:
    """A parameter that is one of these words."""
    return field(default=default, metadata={"choices": tuple(choices)})


class Step:
    """What every step has: the name that scripts use for it."""

    name: ClassVar[str]


class ConnectionStep(Step):
    """A step that happens on an accepted connection, in the process that owns it."""

    async def run(self, connection: Connection) -> None:
        raise NotImplementedError


class WireStep(ConnectionStep):
    """A step of the connection's socket alone, whatever is spoken on it."""

    async def run(self, connection: Connection) -> None:
        await connection.act(self)

    async def act(self, wire: Wire) -> None:
        raise NotImplementedError

    @property
    def event(self) -> str:
        """How the log words it."""
        return self.name
