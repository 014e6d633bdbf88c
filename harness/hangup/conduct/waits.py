"""What each ``wait`` of a script looks at: the client's kernel, the capture, or the agent's answer.

It knows how to tell that something has come. How long that may take, and what it means where it does not, is the
stage's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hangup.conduct.network import following
from hangup.conduct.observer import Tracker
from hangup.labs.sockdiag import ESTABLISHED, Blocked, SocketState
from hangup.wire import Flags, Segment
from hangup.wire.sequence import offset

_LOOK_SECONDS = 0.0005
_BLIND_SECONDS = 0.05

Sign = Callable[[], bool]
"""Whether it has come."""
Look = Callable[[], SocketState | None]
"""One look at the client's socket of the trial's first connection."""


@dataclass(frozen=True)
class View:
    """What can be looked at in a trial, when its script comes to a ``wait``."""

    port: int
    """The trial's."""
    sent: int
    """Bytes that the peer has sent so far."""
    exchanges: int
    """Those that the script has had the client begin so far."""
    look: Look | None
    """None where the lab cannot ask the client's kernel, or there is no connection."""
    tracker: Tracker | None
    """None where the lab cannot capture."""
    answered: Sign | None
    """Of the exchange that is under way; None where there is none."""


async def wait(what: str, view: View) -> None:
    """Wait until it has come, for ever."""
    if (seen := _CAPTURE.get(what)) is not None and (tracker := view.tracker) is not None:
        await tracker.until(lambda: seen(tracker, view), None)
    elif (sign := _sign(what, view)) is not None:
        while not sign():  # noqa: ASYNC110  (neither the kernel nor an answer tells us: they have to be asked)
            await asyncio.sleep(_LOOK_SECONDS)
    else:
        await asyncio.sleep(_BLIND_SECONDS)  # nobody to ask; such trials are unproved anyway


def _sign(what: str, view: View) -> Sign | None:
    if what == ANSWER:
        return view.answered
    return None if view.look is None or what not in _KERNEL else _KERNEL[what](view.look, view.sent)


def _socket(shows: Callable[[SocketState, int], bool]) -> Callable[[Look, int], Sign]:
    """A sign by one look at a socket; where there is none any more, it has come."""

    def sign(look: Look, sent: int) -> Sign:
        def come() -> bool:
            socket = look()
            return socket is None or shows(socket, sent)

        return come

    return sign


def _data_sent(tracker: Tracker, view: View) -> bool:
    return bool(_payload(tracker, view))


def _sent_again(tracker: Tracker, view: View) -> bool:
    sent = _payload(tracker, view)
    return len(sent) > 1 and offset(sent[-1].seq + sent[-1].length, following(sent[:-1])) <= 0


def _payload(tracker: Tracker, view: View) -> Sequence[Segment]:
    """The client's segments with payload."""
    return [s for s in tracker.recent() if s.dport == view.port and s.length]


def _challenged(tracker: Tracker, view: View) -> bool:
    """Whether the client has answered the last RST that it was sent with an ACK (RFC 5961 section 3.2)."""
    reset = answered = False
    for segment in tracker.recent():
        if segment.sport == view.port:
            reset, answered = bool(segment.flags & Flags.RST), False
        elif reset and not segment.length and segment.flags == Flags.ACK:
            answered = True
    return answered


ANSWER = "answer"

_KERNEL: dict[str, Callable[[Look, int], Sign]] = {
    # Linux unhashes a connection that was reset, and leaves ESTABLISHED on a FIN.
    "fin at client": _socket(lambda socket, sent: socket.state != ESTABLISHED),
    "rst at client": _socket(lambda socket, sent: False),
    # Who has closed reads no more.
    "data read": _socket(
        lambda socket, sent: socket.received is None or (socket.received >= sent and socket.unread == 0)
    ),
    "send blocked": lambda look, sent: Blocked(look),
}

_CAPTURE: dict[str, Callable[[Tracker, View], bool]] = {
    "data sent": _data_sent,
    "request sent": lambda tracker, view: tracker.requests_sent() >= view.exchanges,
    "request acknowledged": lambda tracker, view: tracker.request_acknowledged(),
    "sent again": _sent_again,
    "challenge ack": _challenged,
}

WAITS = frozenset((ANSWER, *_KERNEL, *_CAPTURE))
"""All that can be waited for."""
