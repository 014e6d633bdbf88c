"""What the tracepoint ``tcp:tcp_send_reset`` says, line by line. Pure: text in, resets out.

Two traps (include/trace/events/tcp.h): where the socket is a listener its own addresses are printed, which are not the
segment's (``src=0.0.0.0:80 dest=0.0.0.0:0``), so a port of 0 says nothing; and the event only knows RSTs that a TCP
stack sends, so that a RST on the wire without one came from a firewall or was forged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class KernelReset:
    """One RST that a kernel of this machine sent, in the kernel's own names."""

    sport: int
    """The port that the RST came from."""
    dport: int
    """The port that it went to; 0 where the kernel does not say."""
    state: str
    """Of the socket that sent it, such as ``TCP_ESTABLISHED``; ``UNKNOWN`` where there was none."""
    reason: str


class Lost(Exception):
    """The kernel had no room for some of its events."""


_SHAPE = ("src=", "dest=", "state=", "reason=")


def tells_reason(event_format: str) -> bool:
    """Whether this kernel's event (the text of its ``format``) has all that is read here: since Linux 6.10."""
    printed = event_format.partition("print fmt:")[2]
    return all(part in printed for part in _SHAPE)


# "  python3-42  [001] ..s2.  12.345678: tcp_send_reset: skbaddr=… skaddr=… src=192.0.2.1:80 dest=… state=… reason=…"
_EVENT = re.compile(r": tcp_send_reset: .*?\bsrc=\S+:(\d+) dest=\S+:(\d+) state=(\w+) reason=(\w+)\s*$")
_LOST = re.compile(r"^CPU:\d+ \[LOST \d+ EVENTS\]")


def resets(lines: Iterable[str]) -> Iterator[KernelReset]:
    """The resets of a trace's lines. Raises Lost where the kernel says that events were lost."""
    for line in lines:
        found = _EVENT.search(line)
        if found:
            yield KernelReset(int(found[1]), int(found[2]), found[3], found[4])
        elif _LOST.match(line):
            raise Lost


NONE = "none"
"""In place of a reason: there is a RST, and no kernel sent it."""

MEANINGS: Mapping[str, str] = {
    NONE: "no TCP stack of this machine sent it: a firewall did, or it was forged",
    # include/net/rstreason.h, and where net/ipv4/tcp*.c gives them
    "NOT_SPECIFIED": "the kernel does not say",
    "NO_SOCKET": "no socket was there for the segment",
    "TCP_INVALID_ACK_SEQUENCE": "the segment acknowledges what is not acceptable",
    "TCP_RFC7323_PAWS": "the segment's timestamp is too old",
    "TCP_TOO_OLD_ACK": "the segment acknowledges what is too old",
    "TCP_ACK_UNSENT_DATA": "the segment acknowledges what was never sent",
    "TCP_FLAGS": "the segment's flags do not fit the socket's state",
    "TCP_OLD_ACK": "the segment acknowledges what is old",
    "TCP_ABORT_ON_DATA": "data came for a socket that its program had closed",
    "TCP_TIMEWAIT_SOCKET": "a segment came for a connection that was closed, and of which only the state was kept",
    "INVALID_SYN": "the handshake could not be completed, as with a full accept queue",
    "TCP_ABORT_ON_CLOSE": "the socket was closed with received data unread",
    "TCP_ABORT_ON_LINGER": "the socket was closed after its FIN with no time to linger",
    "TCP_ABORT_ON_MEMORY": "there was no memory for a socket that its program had closed",
    "TCP_STATE": "the socket was aborted while it was alive: SO_LINGER 0, its listener closed, or SOCK_DESTROY",
    "TCP_KEEPALIVE_TIMEOUT": "the keep-alive probes were not answered",
    "TCP_DISCONNECT_WITH_DATA": "the socket was disconnected with data still to be sent",
}
"""What a reason says, for people."""
