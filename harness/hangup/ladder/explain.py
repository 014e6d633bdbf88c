"""What happened, in terms of the packets: how the connection ended, why a RST was sent, and why the client was
told what it was told.

Three tables of sentences, each with the facts that it needs; of each table the first that fits is said. No
sentence knows a scenario or a client. What is said of Linux is in its net/ipv4/tcp.c and tcp_input.c.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from hangup.judge import Outcome
from hangup.ladder.facts import Facts, Reset, facts
from hangup.ladder.packets import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hangup.ladder.packets import Packet
    from hangup.wire import IcmpError


class End(NamedTuple):
    """A sentence on how the connection ended."""

    fits: Callable[[Facts], bool]
    text: str


class Why(NamedTuple):
    """A sentence on why a RST was sent."""

    fits: Callable[[Reset], bool]
    text: str


class Told(NamedTuple):
    """A sentence on why the client was told what it was told, for some outcomes."""

    outcomes: frozenset[Outcome]
    fits: Callable[[Facts], bool]
    text: str


def _always(_: Facts | Reset) -> bool:
    return True


def _fin_by_peer(f: Facts) -> bool:
    return f.first_fin is not None and f.first_fin.who == "peer"


def _fin_by_client(f: Facts) -> bool:
    return f.first_fin is not None and f.first_fin.who == "client"


ENDS = (
    End(
        lambda f: not f.answered and bool(f.icmp),
        "The client sent {f.syns}; what answered was no segment, but ICMP: {f.icmp}.",
    ),
    End(lambda f: not f.answered, "Nothing ever answered the client, which sent {f.syns}."),
    End(
        _fin_by_peer,
        "The peer ended its side with a FIN at {f.first_fin.at}. For TCP that is the end of a stream, and no error.",
    ),
    End(_fin_by_client, "The client ended its side first, with a FIN at {f.first_fin.at}."),
    End(
        lambda f: bool(f.icmp),
        "Neither side ended the connection; what the client sent was answered by ICMP: {f.icmp}.",
    ),
    End(
        lambda f: f.peer_rst is not None or f.client_rst is not None,
        "No FIN was sent: neither side ended the connection in order.",
    ),
    End(_always, "Neither side had ended the connection when the trial was over."),
)

_LIVE = "The {r.who}'s RST at {r.at} was sent by a socket that was still open, for it has the ACK flag: "

WHYS = (
    Why(
        lambda r: r.cause is Cause.REFUSED,
        "The {r.who}'s RST at {r.at} answers the SYN: nothing listens on that port, or a firewall says so.",
    ),
    Why(
        lambda r: r.ignored,
        "The RST at {r.at} ended nothing: it was forged, for its TTL is not that of the peer's own segments, and its "
        "number is not the one that the client awaited (RFC 5961 section 3.2).",
    ),
    Why(
        lambda r: r.cause is Cause.FORGED,
        "The RST at {r.at} bears the peer's address, but its TTL is not that of the peer's own segments: a firewall "
        "or another device on the way sent it, and the peer may know nothing of it.",
    ),
    Why(
        lambda r: r.cause is Cause.ANSWER and r.fin is not None and r.drawn_by_data,
        "The {r.who}'s RST at {r.at} answers the {r.drawn.size} that the {r.drawn.who} sent at "
        "{r.drawn.at}, after that FIN: nobody was left to read them. A RST without the ACK flag is such "
        "an answer (RFC 9293 section 3.5.2); nobody reset the connection on purpose.",
    ),
    Why(
        lambda r: r.cause is Cause.ANSWER,
        "The {r.who}'s RST at {r.at} answers a segment for which no socket was open any more: it has no "
        "ACK flag (RFC 9293 section 3.5.2).",
    ),
    Why(lambda r: r.fin is not None, _LIVE + "after its FIN at {r.fin.at} it was aborted."),
    Why(
        lambda r: bool(r.unread),
        _LIVE + "it was closed with {r.unread} bytes unread, and for data that is lost the kernel sends "
        "RST instead of FIN (RFC 2525 section 2.17).",
    ),
    Why(
        lambda r: r.unread == 0,
        _LIVE + "it was aborted (SO_LINGER with 0 seconds; RFC 9293 section 3.10.5).",
    ),
    Why(_always, _LIVE + "it was aborted, or closed with something unread."),
)


def _fin_then_rst(f: Facts) -> bool:
    return f.peer_rst is not None and f.peer_rst.fin is not None


def _fin_only(f: Facts) -> bool:
    return f.peer_fin is not None and f.peer_rst is None


def _rst_only(f: Facts) -> bool:
    return f.peer_rst is not None and f.peer_rst.fin is None


def _silence(f: Facts) -> bool:
    return f.peer_fin is None and f.peer_rst is None


_EOF = frozenset({Outcome.EOF, Outcome.TRUNCATED})
_RESET = frozenset({Outcome.RESET})
_PIPE = frozenset({Outcome.BROKEN_PIPE})
_UNREACHABLE = frozenset({Outcome.UNREACHABLE})
_WAITED = frozenset({Outcome.TIMEOUT, Outcome.HANG})

TOLD = (
    Told(
        _UNREACHABLE,
        lambda f: bool(f.icmp) and not f.answered,
        "An ICMP error that answers a SYN ends the connect at once, and Linux reports this one as EHOSTUNREACH.",
    ),
    Told(
        _UNREACHABLE,
        lambda f: bool(f.icmp),
        "To an established connection an ICMP error is a hint: Linux goes on sending, and reports it when it gives up "
        "(RFC 1122 section 4.2.3.9).",
    ),
    Told(
        frozenset({Outcome.REFUSED}),
        lambda f: "port-unreachable" in f.icmp,
        "Of ICMP port unreachable Linux makes ECONNREFUSED, as it does of a RST.",
    ),
    Told(
        frozenset({Outcome.ABORTED}),
        lambda f: f.client_rst is not None,
        "The client's own kernel sent that RST: somebody on its host had it abort the connection.",
    ),
    Told(
        _EOF,
        _fin_then_rst,
        "The FIN was there first, so the client is told that the stream has ended, although the capture "
        "shows a RST later. On Linux a read after a FIN returns end of file, even when a RST has come "
        "since. What that RST leaves behind is the error EPIPE, because a FIN came before it, and it is "
        "kept for the next write.",
    ),
    Told(
        _EOF,
        _fin_only,
        "The peer sent no RST. A FIN says that the stream has ended, and so does the client.",
    ),
    Told(
        _EOF,
        _rst_only,
        "There was no FIN before that RST: that the stream has ended is the client's own word.",
    ),
    Told(
        _PIPE,
        _fin_then_rst,
        "Of a RST that follows a FIN Linux makes EPIPE, not ECONNRESET, and keeps it for the next write, "
        "which this was.",
    ),
    Told(
        _PIPE,
        _rst_only,
        "The RST closed the client's socket, and writing to a closed socket is EPIPE. ECONNRESET is told "
        "once only, to the first call after the RST.",
    ),
    Told(_PIPE, _always, "The peer sent no RST: the client had closed its own side by the time it wrote."),
    Told(
        _RESET,
        _rst_only,
        "There was no FIN before that RST, which makes it ECONNRESET, as the client says.",
    ),
    Told(
        _RESET,
        _fin_then_rst,
        "Of a RST that follows a FIN Linux makes no ECONNRESET: reset is the client's own word for what it was told.",
    ),
    Told(_RESET, _fin_only, "The peer sent no RST: reset is the client's own word for the FIN."),
    Told(
        frozenset({Outcome.SILENT_TRUNCATION}),
        _always,
        "That was before the announced length, and the client took it for the end of the message.",
    ),
    Told(
        frozenset({Outcome.REFUSED}),
        _silence,
        "No RST answered the SYN: refused is the client's own word for the silence.",
    ),
    Told(
        _WAITED,
        _silence,
        "Nothing on the wire says that no answer will come: only a deadline ends the wait.",
    ),
    Told(
        frozenset({Outcome.SUCCESS}),
        lambda f: f.peer_rst is not None,
        "The client had all that it wanted, and was told nothing of that RST.",
    ),
)


NOTHING_SENT = "No packet left the client: its own kernel could not send one."


def explain(
    packets: Sequence[Packet], icmp: Sequence[IcmpError], read: Mapping[int, int], outcome: Outcome, *, start_ns: int
) -> list[str]:
    """The sentences on one trial, with the ICMP errors about its packets.

    ``read``: bytes that the peer's program read, by the client's port.

    Every connection's end is explained; what the client was told, by the last one.
    """
    ordered = sorted(packets, key=lambda packet: packet.connection)
    groups = [list(group) for _, group in groupby(ordered, key=lambda packet: packet.connection)]
    said: list[str] = [] if groups else [NOTHING_SENT]
    for number, group in enumerate(groups, 1):
        port = group[0].client_port
        about = [error for error in icmp if error.flow.sport == port]
        found = facts(group, about, start_ns, read.get(port))
        prefix = f"Connection {number}: " if len(groups) > 1 else ""
        said.extend(prefix + sentence for sentence in _ending(found))
        if number == len(groups):
            told = [told.text for told in TOLD if outcome in told.outcomes and told.fits(found)]
            said.extend(prefix + sentence for sentence in told[:1])
    return said


def _ending(found: Facts) -> list[str]:
    said = [next(end.text for end in ENDS if end.fits(found)).format(f=found)]
    said.extend(next(why.text for why in WHYS if why.fits(rst)).format(r=rst) for rst in found.resets)
    return said
