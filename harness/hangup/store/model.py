"""What a results file holds: observations as they were made, free of anything that changes from run to run.

Outcomes are not here: they are derived when a file is read (``hangup.judge``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hangup.agents.protocol import ClientId, Layer
from hangup.labs.base import LabName

SCHEMA: Literal[2] = 2

Share = Literal["always", "mostly", "sometimes", "rarely"]
"""How many of a cell's trials: all, more than half, at least a fifth, fewer."""


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Link(Model):
    """One error of a chain (see the agent protocol)."""

    type: str
    message: str
    errno: int | None = None
    code: str | None = None


class Event(Model):
    """An error that an event told beside the answer of the call (see the agent protocol)."""

    name: str
    error: tuple[Link, ...]


class Operation(Model):
    """One operation of the client, and what its API gave. ``hang``: nothing, until the harness's deadline."""

    op: str
    hang: bool = False
    phase: str | None = None
    status: int | None = None
    received: int | None = None
    sha256: str | None = None
    """Of the bytes received."""
    eof: bool | None = None
    error: tuple[Link, ...] = ()
    printed: str | None = None
    events: tuple[Event, ...] = ()


class Request(Model):
    """A request of which something left the client."""

    method: str
    sent: Literal["whole", "partly", "unknown"] = "whole"
    """``unknown``: under TLS, of a request that the peer did not read whole."""
    read: Literal["whole", "partly", "none"] = "whole"
    """What the peer's program read of it."""
    drained: bool = False
    """The peer's program read the end of it only behind its own answer."""
    answered: int | None = None
    """The status of the final response that the peer began to send for it."""
    refused: bool = False
    """The peer said that it did nothing for it: REFUSED_STREAM, or GOAWAY with a lower last stream (RFC 9113)."""


class Connection(Model):
    """One connection that the client opened, as its packets showed it, without the client's clean-up."""

    state: str
    """Zeek's conn_state."""
    history: str
    """Zeek's history, without the letters that depend on timing: pure ACKs, retransmissions, zero windows, gaps."""
    first_fin: Literal["client", "peer", "nobody"] = "nobody"
    peer_fin: bool = False
    rst: tuple[Literal["client", "peer"], ...] = ()
    """Who sent RSTs, each side once, in the order of their first one."""
    rst_after_fin: bool = False
    """The first RST came after a FIN of the same side."""
    forged: bool = False
    """A RST in the peer's name has another TTL than the peer's other segments."""
    icmp: tuple[str, ...] = ()
    """The kinds of ICMP errors about the client's segments."""
    syn_data: bool = False
    """A SYN of the client carried data."""
    sent: int = 0
    """Payload bytes that the peer put on the wire; under TLS those of the messages in it."""
    requests: tuple[Request, ...] = ()


class Observation(Model):
    """One way in which the cell's trials went: alike in all that is recorded."""

    share: Share
    operations: tuple[Operation, ...]
    proved: bool = True
    """False where the lab could not capture: then nothing is known of connections."""
    ran: int | None = None
    """How often the server says that the last write ran; None where there is no server to ask."""
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
    """The image that the agent's container is made from, with the digest that its registry knows it by."""
    base_origin: Literal["pulled", "made locally"] | None = None
    """None where it is no container. An image that was ``made locally`` has no ``base``: whatever it is tagged, it is
    not the image that a registry has under that name, and its id changes whenever it is made."""

    @property
    def container(self) -> str | None:
        """What its container is made from, in words; None where it is no container."""
        return "an image made locally" if self.base_origin == "made locally" else self.base


class End(Model):
    """The closing record: a file without it was cut short."""

    cells: int


class ClientResults(Model):
    """One file: one client on one platform."""

    schema_: Literal[2] = Field(alias="schema")
    about: str
    client: ClientId
    layer: Layer
    platform: LabName
    proved: bool
    trials: int
    stack: Stack
    cells: dict[str, Cell]
    end: End
