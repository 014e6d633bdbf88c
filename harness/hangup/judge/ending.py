"""What the peer or the network did to a connection, from the evidence as it is stored."""

from __future__ import annotations

from typing import Literal

from hangup.catalogue import Scenario
from hangup.store.model import Connection, Observation

Ending = Literal["fin", "rst", "fin, rst", "refused", "unreachable", "aborted", "silence", "none"]
"""As the client's side of the wire saw it. ``aborted``: its own kernel did."""


def endings(scenario: Scenario, observation: Observation) -> tuple[Ending, ...]:
    """How each connection of an observation ended, in their order."""
    connections = observation.connections
    whole = _asked_for(scenario, observation)
    aborts = any((step.actor, step.act) == ("network", "abort") for step in scenario.flat)
    return tuple(
        "aborted" if aborts and number == 0 else ending(connection, whole=whole)
        for number, connection in enumerate(connections)
    )


def _asked_for(scenario: Scenario, observation: Observation) -> int:
    """Bytes of all that the client asked for on one connection: whole responses, or what its reads were to get."""
    exchanges = sum(operation.op == "exchange" for operation in observation.operations)
    if not exchanges:
        reads = [step for step in scenario.flat if (step.actor, step.act) == ("client", "recv")]
        return sum(step.number("bytes", scenario.peer_bytes) for step in reads)
    return scenario.announced * (exchanges if len(observation.connections) == 1 else 1)


def ending(connection: Connection, *, whole: int) -> Ending:
    """How one connection ended; the client's own closing is not an ending of this kind.

    ``whole``: bytes of all that was asked for on it. If fewer came and nothing else happened, it is a silence.
    """
    if connection.state == "REJ" or "port-unreachable" in connection.icmp:
        return "refused"
    if connection.icmp:
        return "unreachable"
    if "peer" in connection.rst:
        return "fin, rst" if connection.rst_after_fin else "rst"
    if connection.peer_fin:
        return "fin"
    return "silence" if connection.sent < whole else "none"
