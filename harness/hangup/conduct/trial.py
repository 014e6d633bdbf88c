"""What a trial is, once it has been played: every operation of the client and what its API gave, evidence, log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hangup.agents.protocol import Reply
from hangup.catalogue import Step
from hangup.conduct.observer import PacketListener
from hangup.conduct.peer import LoggedConnection
from hangup.evidence import ConnectionEvidence, SeenConnection
from hangup.reasons import ResetReason


@dataclass(frozen=True)
class Operation:
    """One operation of the client, and what its API gave; None: nothing, until the harness's deadline."""

    op: str
    reply: Reply | None
    begun_ns: int
    """When it was asked for, by the clock of the capture (nanoseconds since 1970-01-01 UTC)."""
    ended_ns: int
    """When the reply came, or the harness gave up."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of one scenario by one client."""

    client: str
    scenario: str
    name: str
    port: int
    host: str
    """The address that the client was told."""
    client_host: str
    operations: tuple[Operation, ...]
    evidence: tuple[ConnectionEvidence, ...]
    """All that the packets show: what is verified."""
    log: tuple[LoggedConnection, ...]
    started_ns: int
    ended_ns: int
    over_ns: int
    """When the script had been played and the evidence was there; what came after only clears away."""
    seen: tuple[SeenConnection, ...] = ()
    """The same without what the client does when all is over: what is published."""
    ports: tuple[int, ...] = ()
    """The client's own ports, of the connections that the capture shows."""
    closed_ns: int | None = None
    """When the harness had the client end its session; None where the script did."""
    invalid: str | None = None
    """Why the evidence does not show the scenario, or the trial is void for another reason."""
    late: bool = False
    """Whether it is void because the machine was too busy for it."""
    kernel: tuple[ResetReason, ...] | None = None
    """Why a kernel sent each RST, by its own account; None where it could not be asked."""
    proved: bool = True
    """False where the lab could not capture: there is no evidence at all."""


class Spectator(PacketListener, Protocol):
    """Who watches a trial live (``hangup play``)."""

    def step(self, step: Step) -> None:
        """A step begins."""

    def observed(self, operation: Operation) -> None:
        """The client's API gave this."""

    def over(self) -> None:
        """The script has been played; what follows only clears away."""
