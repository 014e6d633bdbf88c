"""Whether a trial's evidence shows what its scenario claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from hangup.catalogue import Scenario, Wire
from hangup.evidence.connection import ConnectionEvidence


class Sent(Protocol):
    """What the peer's log says of one connection."""

    @property
    def sent(self) -> int:
        """Bytes that its steps sent."""

    @property
    def wire(self) -> int | None:
        """Bytes that it gave to its kernel for them: with TLS around them they are more."""


def unwrapped(connections: Sequence[ConnectionEvidence], log: Sequence[Sent | None]) -> tuple[ConnectionEvidence, ...]:
    """The evidence with the bytes that the peer's steps sent, instead of those that carried them.

    ``log``: of each connection, None where the peer never saw it. What never was on the wire was never sent, whatever
    the log says.
    """
    return tuple(
        connection
        if entry is None
        else replace(connection, peer_bytes=max(0, connection.peer_bytes - ((entry.wire or entry.sent) - entry.sent)))
        for connection, entry in zip(connections, log, strict=True)
    )


def verify(scenario: Scenario, connections: Sequence[ConnectionEvidence]) -> list[str]:
    """Every claim of the scenario's ``[wire]`` that the evidence contradicts, in words; none: the trial is valid."""
    claims = scenario.wire
    if not connections:
        return [] if "nothing" in claims.end else ["no connection was seen on the wire"]
    first = connections[0]
    wrong = _wrong_ends(claims, connections)
    if claims.first_fin is not None and first.first_fin != claims.first_fin:
        wrong.append(f"the first FIN was sent by {first.first_fin}, not by {claims.first_fin}")
    wrong += _wrong_rst(claims, first)
    if claims.request is not None and first.request != claims.request:
        wrong.append(f"the request was {first.request}, not {claims.request}")
    if claims.peer_sent is not None:
        body = max(0, first.peer_bytes - scenario.framing)
        if body != claims.peer_sent:
            wrong.append(f"the peer sent {body} bytes, not {claims.peer_sent}")
    if claims.forged is not None and first.forged != claims.forged:
        wrong.append(f"{'a' if first.forged else 'no'} RST in the peer's name came from another host")
    if claims.icmp is not None and (" and ".join(first.icmp) or "none") != claims.icmp:
        wrong.append(f"ICMP errors: {' and '.join(first.icmp) or 'none'}, not {claims.icmp}")
    return wrong


def _wrong_ends(claims: Wire, connections: Sequence[ConnectionEvidence]) -> list[str]:
    first, *others = connections
    wrong = []
    if first.state not in claims.end:
        wrong.append(f"the connection ended {first.state} ({first.history}), not {' or '.join(claims.end)}")
    for number, further in enumerate(others, 2):
        if claims.further is not None and further.state != claims.further:
            wrong.append(f"connection {number} ended {further.state} ({further.history}), not {claims.further}")
    return wrong


def _wrong_rst(claims: Wire, first: ConnectionEvidence) -> list[str]:
    if claims.rst is None:
        return []
    expected: tuple[str, ...] = () if claims.rst == "nobody" else (claims.rst,)
    if claims.rst == "peer if written to":
        expected = ("peer",) if first.written_after_fin else ()
    if first.rst == expected:
        return []
    return [f"RST was sent by {' and '.join(first.rst) or 'nobody'}, not by {' and '.join(expected) or 'nobody'}"]
