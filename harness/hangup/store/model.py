"""What a results file holds: observations as they were made, free of anything that changes from run to run.

Outcomes are not here: they are derived when a file is read (``hangup.judge``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hangup.agents.protocol import ClientId, Layer
from hangup.labs.base import LabName

SCHEMA: Literal[1] = 1

Share = Literal["always", "mostly", "sometimes", "rarely"]
"""How many of a cell's trials: all, more than half, at least a fifth, fewer."""
Ending = Literal["fin", "rst", "fin, rst", "refused", "unreachable", "aborted", "silence", "none"]
"""What the peer or the network did to a connection, as the client's side of the wire saw it. ``aborted``: its own
kernel did."""


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Link(Model):
    """One error of a chain (see the agent protocol)."""

    type: str
    message: str
    errno: int | None = None
    code: str | None = None


class Operation(Model):
    """One operation of the client, and what its API gave. ``hang``: nothing, until the harness's deadline."""

    op: str
    hang: bool = False
    phase: str | None = None
    status: int | None = None
    received: int | None = None
    eof: bool | None = None
    error: tuple[Link, ...] = ()
    printed: str | None = None


class Request(Model):
    """A request that the peer read from its socket."""

    method: str
    complete: bool


class Connection(Model):
    """One connection that the client opened."""

    ending: Ending
    sent: int
    """Payload bytes that the peer put on the wire."""
    requests: tuple[Request, ...] = ()


class Observation(Model):
    """One way in which the cell's trials went: alike in all that is recorded."""

    share: Share
    operations: tuple[Operation, ...]
    state: str | None = None
    """Zeek's conn_state of the first connection: all that the scenario allows, joined by "or", where what came after
    the observation decides between them. None where the lab could not capture."""
    connections: tuple[Connection, ...] = ()


class Cell(Model):
    """All trials of one client in one scenario."""

    observations: tuple[Observation, ...] = ()
    """Most frequent first."""
    invalid: str | None = None
    """Why no valid trial came of it, however often it was repeated."""
    fault: str | None = None
    """How the agent failed, also when it was started anew. It says nothing of the client."""


class Stack(Model):
    """What really ran."""

    runtime: str
    versions: dict[str, str]
    system: str
    """Kernel and release without its build: ``Linux 6.18``."""
    base: str | None = None
    """The image that the agent's container is made from, with its digest; None where it is no container."""
    base_origin: Literal["pulled", "made locally"] | None = None
    """``made locally``: its digest is an image's id, which no registry knows."""


class End(Model):
    """The closing record: a file without it was cut short."""

    cells: int


class ClientResults(Model):
    """One file: one client on one platform."""

    schema_: Literal[1] = Field(alias="schema")
    about: str
    client: ClientId
    layer: Layer
    platform: LabName
    proved: bool
    trials: int
    stack: Stack
    cells: dict[str, Cell]
    end: End
