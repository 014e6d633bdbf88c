"""The evidence of one connection, from what the analyser says of it. Pure: it knows no scenario and no trial."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from hangup.wire import By, Connection, Ending

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


def describe(
    connection: Connection, client: By, *, peer_ttls: Container[int] | None, written_after_fin: bool
) -> ConnectionEvidence:
    """The evidence of one connection, whose ``client`` is the originator or the responder.

    ``peer_ttls``: those of the peer's segments other than RSTs; None where there are none to compare with.
    """
    sent, acked, received = connection.orig_bytes, connection.orig_acked, connection.resp_bytes
    if client == "resp":
        sent, acked, received = connection.resp_bytes, connection.resp_acked, connection.orig_bytes
    resets = [reset for reset in connection.resets if _counts(reset, connection, client)]
    return ConnectionEvidence(
        state=connection.state,
        history=connection.history,
        first_fin=_name(connection.first_fin, client),
        peer_fin=any(fin.by != client for fin in connection.fins),
        rst=tuple(dict.fromkeys("client" if reset.by == client else "peer" for reset in resets)),
        rst_after_fin=bool(resets) and resets[0].after_fin,
        client_bytes=sent,
        peer_bytes=received,
        request="none" if not sent else "acknowledged" if acked >= sent else "partly" if acked else "unacknowledged",
        written_after_fin=written_after_fin,
        closed=connection.closed,
        forged=peer_ttls is not None
        and any(reset.by != client and reset.ttl not in peer_ttls for reset in connection.resets),
        icmp=tuple(dict.fromkeys(error.kind for error in connection.icmp)),
    )


def _counts(reset: Ending, connection: Connection, client: By) -> bool:
    """Whether a RST belongs to the ending.

    One of the client's behind both FINs does not: it answers a late duplicate, such as a second ACK, when the
    connection is over. Nor does one of the peer's that the client does not take (RFC 5961 section 3): it ends nothing.
    """
    if reset.by == client:
        return len({fin.by for fin in connection.fins if fin.number < reset.number}) < 2
    return reset.acceptable


def _name(side: By | None, client: By) -> Who:
    return "nobody" if side is None else "client" if side == client else "peer"
