"""The evidence of a trial: all its connections, as they are verified, and as they are published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hangup.catalogue import Scenario
from hangup.evidence.clean_up import Socket, without_clean_up
from hangup.evidence.connection import ConnectionEvidence, describe
from hangup.evidence.requests import Asked, SentRequest, sent_requests
from hangup.wire import By, Connection, ConnectionTable, Flags, IcmpError, Segment

_TIMING = str.maketrans("", "", "AaTtWwCcGg")
"""Letters of a history that depend on when something was sent: pure ACKs, retransmissions, zero windows, checksums,
gaps."""


@dataclass(frozen=True, kw_only=True)
class SeenConnection:
    """One connection without the client's clean-up."""

    port: int
    """The client's own."""
    evidence: ConnectionEvidence
    syn_data: bool
    """Whether a SYN of the client carried data (TCP Fast Open, RFC 7413)."""
    requests: tuple[SentRequest, ...]


def connection_evidence(connection: Connection, port: int, segments: Sequence[Segment]) -> ConnectionEvidence:
    """The evidence of one connection to the trial's ``port``; ``segments`` are all of the trial's."""
    client: By = "orig" if connection.resp.port == port else "resp"
    own = _client_port(connection, port)
    ttls = {s.ttl for s in segments if s.dport == own and not s.flags & Flags.RST}
    fin = next((fin.number for fin in connection.fins if fin.by != client), None)
    written = fin is not None and any(s.number > fin and s.sport == own and s.length > 0 for s in segments)
    return describe(connection, client, peer_ttls=ttls or None, written_after_fin=written)


def client_ends(scenario: Scenario) -> bool:
    """Whether the script, and not the clean-up, has the client or its kernel end the connection."""
    asked = any(step.actor == "client" and step.act in ("shutdown", "close") for step in scenario.flat)
    return asked or "client" in (scenario.wire.rst, scenario.wire.first_fin)


def seen_connections(
    packets: Iterable[Segment | IcmpError], port: int, scenario: Scenario, asked: Sequence[Asked],
    answered_ns: int | None,
) -> tuple[SeenConnection, ...]:  # fmt: skip
    """A trial's connections as they are published. ``answered_ns``: when the client gave its last answer."""
    packets = list(packets)
    table = ConnectionTable()
    segments = []
    kept = without_clean_up(
        packets, port, client_ends=client_ends(scenario), answered_ns=answered_ns, sending=_sending(packets, port)
    )
    for packet in kept:
        table.feed(packet)
        if isinstance(packet, Segment):
            segments.append(packet)
    sent = [p for p in packets if isinstance(p, Segment) and p.dport == port]
    return tuple(_seen(connection, port, segments, sent, asked) for connection in table)


def _sending(packets: Iterable[Segment | IcmpError], port: int) -> set[Socket]:
    """The client's sockets of which a request never came to its end."""
    sent: defaultdict[Socket, list[Segment]] = defaultdict(list)
    for packet in packets:
        if isinstance(packet, Segment) and packet.dport == port:
            sent[packet.src, packet.sport].append(packet)
    return {
        socket
        for socket, segments in sent.items()
        if (requests := sent_requests(segments, ())) and requests[-1].whole is False
    }


def _seen(
    connection: Connection, port: int, segments: Sequence[Segment], sent: Sequence[Segment], asked: Sequence[Asked]
) -> SeenConnection:
    """``segments``: without the client's clean-up; ``sent``: all that the client sent, since what looks like its
    leaving under TLS may be a request."""
    own = _client_port(connection, port)
    evidence = connection_evidence(connection, port, segments)
    its = [segment for segment in sent if segment.sport == own]
    return SeenConnection(
        port=own,
        evidence=replace(evidence, history=evidence.history.translate(_TIMING)),
        syn_data=any(s.flags & Flags.SYN and s.length for s in its),
        requests=sent_requests(its, asked),
    )


def _client_port(connection: Connection, port: int) -> int:
    return connection.orig.port if connection.resp.port == port else connection.resp.port
