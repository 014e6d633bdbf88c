"""Evidence: what the capture shows of one trial, in words that do not depend on ports or times.

Made from the analyser's connections and the peer's log; compared with a scenario's ``[wire]`` by ``verify``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Literal, Protocol

from hangup.catalogue import Scenario, Wire
from hangup.wire import Connection, Flags, Segment

Who = Literal["client", "peer", "nobody"]
Request = Literal["acknowledged", "partly", "unacknowledged", "none"]


@dataclass(frozen=True, kw_only=True)
class ConnectionEvidence:
    """One connection as the client's side of the wire saw it."""

    state: str
    """Zeek's conn_state."""
    history: str
    """Zeek's history."""
    first_fin: Who
    peer_fin: bool
    """Whether the peer sent a FIN, first or second."""
    rst: tuple[Literal["client", "peer"], ...]
    """Who sent RSTs, each side once, in the order of their first one."""
    rst_after_fin: bool
    """Whether the first RST came after a FIN of the same side."""
    client_bytes: int
    peer_bytes: int
    request: Request
    """Whether the peer's kernel acknowledged what the client sent."""
    written_after_fin: bool
    """Whether the client sent payload after the peer's FIN."""
    closed: bool
    """Whether nothing more was to be expected on it."""
    forged: bool = False
    """Whether a RST in the peer's name has another TTL than the peer's other segments."""
    icmp: tuple[str, ...] = ()
    """The kinds of ICMP errors about the client's segments, each once, in the order of their first one."""


def describe(connection: Connection, port: int, segments: Sequence[Segment]) -> ConnectionEvidence:
    """The evidence of one connection to the trial's ``port``; ``segments`` are all of the trial's."""
    client: Literal["orig", "resp"] = "orig" if connection.resp.port == port else "resp"
    sent, acked, received = connection.orig_bytes, connection.orig_acked, connection.resp_bytes
    if client == "resp":
        sent, acked, received = connection.resp_bytes, connection.resp_acked, connection.orig_bytes

    def name(side: str | None) -> Who:
        return "nobody" if side is None else "client" if side == client else "peer"

    rst: list[Literal["client", "peer"]] = []
    for reset in connection.resets:
        who: Literal["client", "peer"] = "client" if reset.by == client else "peer"
        ended = {fin.by for fin in connection.fins if fin.number < reset.number}
        if who == "client" and len(ended) == 2:
            continue  # it answers a late duplicate, such as a second ACK, when the connection is over
        if who == "peer" and not reset.acceptable:
            continue  # the client does not take it: it ends nothing
        if who not in rst:
            rst.append(who)
    return ConnectionEvidence(
        state=connection.state,
        history=connection.history,
        first_fin=name(connection.first_fin),
        peer_fin=any(fin.by != client for fin in connection.fins),
        rst=tuple(rst),
        rst_after_fin=bool(connection.resets) and connection.resets[0].after_fin,
        client_bytes=sent,
        peer_bytes=received,
        request="none" if not sent else "acknowledged" if acked >= sent else "partly" if acked else "unacknowledged",
        written_after_fin=_written_after_fin(connection, client, segments),
        closed=connection.closed,
        forged=_forged(connection, client, segments),
        icmp=tuple(dict.fromkeys(error.kind for error in connection.icmp)),
    )


def _forged(connection: Connection, client: str, segments: Sequence[Segment]) -> bool:
    port = (connection.orig if client == "orig" else connection.resp).port
    ttls = {s.ttl for s in segments if s.dport == port and not s.flags & Flags.RST}
    return bool(ttls) and any(reset.by != client and reset.ttl not in ttls for reset in connection.resets)


def _written_after_fin(connection: Connection, client: str, segments: Sequence[Segment]) -> bool:
    fin = next((fin.number for fin in connection.fins if fin.by != client), None)
    port = (connection.orig if client == "orig" else connection.resp).port
    return fin is not None and any(s.number > fin and s.sport == port and s.length > 0 for s in segments)


class Sent(Protocol):
    """What the peer's log says of one connection."""

    @property
    def sent(self) -> int:
        """Bytes that its steps sent."""

    @property
    def wire(self) -> int | None:
        """Bytes that it gave to its kernel for them: with TLS around them they are more."""


def unwrapped(connections: Sequence[ConnectionEvidence], log: Sequence[Sent]) -> tuple[ConnectionEvidence, ...]:
    """The evidence with the bytes that the peer's steps sent, instead of those that carried them.

    What never was on the wire was never sent, whatever the log says.
    """
    around = ((entry.wire or entry.sent) - entry.sent for entry in log)
    return tuple(
        replace(connection, peer_bytes=max(0, connection.peer_bytes - more))
        for connection, more in zip(connections, chain(around, repeat(0)), strict=False)
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
