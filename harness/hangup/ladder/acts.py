"""The peer's steps beside the packets: each is placed at the packet that it waited for, or that it caused.

The steps' order is known, their times are not; a packet shows when one can have been done. The same placing
serves a log, whose steps are told beforehand, and a trial that goes on, whose steps are told one by one.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from hangup.ladder.packets import Cause, Packet
from hangup_server import script
from hangup_server.http import NotHttpError, request_size
from hangup_server.steps.sending import SendStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hangup.catalogue import Step


class Effect(Enum):
    """What of a step can be seen in the packets."""

    NONE = "nothing"
    CONNECTED = "the handshake is over"
    ARRIVED = "the client's bytes came in"
    CLIENT_ENDED = "the client's FIN came in"
    SENT = "bytes left"
    SHAKEN = "the client's side of the TLS handshake is over"
    ENDED = "FIN or RST left"


EFFECTS: dict[str, Effect] = {
    "stop listening": Effect.NONE,
    "await connection": Effect.CONNECTED,
    "hold handshake": Effect.NONE,
    "release handshake": Effect.NONE,
    "fill queue": Effect.NONE,
    "accept": Effect.CONNECTED,
    "serve": Effect.NONE,
    "hold data": Effect.NONE,
    "hold all": Effect.NONE,
    "await held data": Effect.ARRIVED,
    "release data": Effect.NONE,
    "await request": Effect.ARRIVED,
    "recv head": Effect.ARRIVED,
    "recv request": Effect.ARRIVED,
    "recv": Effect.ARRIVED,
    "recv arrived": Effect.NONE,
    "recv end": Effect.CLIENT_ENDED,
    "linger": Effect.CLIENT_ENDED,
    "send head": Effect.SENT,
    "send body": Effect.SENT,
    "send chunk": Effect.SENT,
    "send last chunk": Effect.SENT,
    "send": Effect.SENT,
    "drained": Effect.NONE,
    "pause": Effect.NONE,
    "shutdown": Effect.ENDED,
    "close": Effect.ENDED,
    "reset": Effect.ENDED,
    "await reset": Effect.NONE,
    "await end": Effect.CLIENT_ENDED,
    "vanish": Effect.NONE,
    "kill": Effect.ENDED,
    "interrupt": Effect.ENDED,
    "terminate": Effect.ENDED,
    "recv hello": Effect.ARRIVED,
    "send hello": Effect.SENT,
    "send alert": Effect.SENT,
    "handshake": Effect.SHAKEN,
    "send half record": Effect.SENT,
    "close notify": Effect.SENT,
    "reset stream": Effect.SENT,
    "send goaway": Effect.SENT,
    "keep answering": Effect.NONE,
}
"""Every step of the peer."""

_LEAVES_UNREAD = ("await held data", "await request", "recv head")


class Act(NamedTuple):
    """One step of the peer, in words."""

    text: str
    name: str = ""
    """The step's name; none where the text is no step that was done."""
    amount: int | None = None
    """Bytes, where the step has a number of them."""

    @property
    def effect(self) -> Effect:
        """What of it can be seen."""
        return EFFECTS.get(self.name, Effect.NONE)


def act_of(step: Step) -> Act:
    """A script's step of the peer."""
    if step.params.get("side") == "read":
        return Act(f"{step.act} read")  # it ends nothing on the wire
    (told,) = script.parse([{"step": step.act, **step.params}])
    amount = len(told.payload()) if isinstance(told, SendStep) else step.number("bytes", 0) or None
    text = step.act if amount is None else f"{step.act} {amount}"
    return Act(f"{text} by a child" if step.params.get("process") is True else text, step.act, amount)


_EVENT = re.compile(r"([a-z ]+?)(?: (\d+)(?: of \d+)?)?")


def logged_acts(events: Iterable[str]) -> list[Act]:
    """What the peer's log says of one connection: ``recv request 41``, ``send 1084``, ``close``."""
    acts = []
    for event in events:
        found = _EVENT.fullmatch(event)
        name, amount = (found[1], found[2]) if found else ("", None)
        acts.append(Act(event, name if name in EFFECTS else "", int(amount) if amount else None))
    return acts


class Placer:
    """Places the acts of one connection."""

    def __init__(self) -> None:
        self._waiting: deque[Act] = deque()
        self._connected = self._client_ended = False
        self._stream = bytearray()
        """What the client has sent and no act has read."""
        self._sent = self._promised = 0
        """Bytes of the peer: on the wire, and of the acts that were placed."""
        self._secure = False
        """Whether TLS is spoken, which hides how much was said."""
        self._endings = 0
        """FINs and RSTs of a live socket that no act has caused yet."""

    def tell(self, act: Act) -> list[Act]:
        """One more act; those that can be placed at once."""
        self._waiting.append(act)
        return self._done()

    def feed(self, packet: Packet) -> list[Act]:
        """The connection's next packet; the acts that belong beside it."""
        if packet.sender == "client":
            self._connected |= not packet.syn
            self._client_ended |= packet.fin
            if not packet.repeated:
                self._stream += packet.payload.ljust(packet.length, b"\0")
        else:
            self._sent += 0 if packet.repeated else packet.length
            self._endings += packet.fin and not packet.repeated
            self._endings += packet.cause is Cause.ABORT
        return self._done()

    def settle(self) -> list[Act]:
        """The acts that left no trace: all are done now."""
        left = list(self._waiting)
        self._waiting.clear()
        return left

    def _done(self) -> list[Act]:
        done = []
        while self._waiting and self._happened(self._waiting[0]):
            done.append(self._waiting.popleft())
            if self._secure and done[-1].effect is not Effect.SENT:
                self._promised = self._sent  # what sends that follow each other have sealed cannot be told apart
        return done

    def _happened(self, act: Act) -> bool:
        """Whether the packets so far show the act; if so, what it took is taken."""
        match act.effect:
            case Effect.CONNECTED:
                return self._connected
            case Effect.ARRIVED:
                return self._take(act)
            case Effect.CLIENT_ENDED:
                return self._client_ended
            case Effect.SENT if self._sent <= self._promised:
                return False
            case Effect.SENT:
                self._promised += 0 if self._secure else act.amount or 0
            case Effect.SHAKEN:
                return self._shaken()
            case Effect.ENDED if not self._endings:
                return False
            case Effect.ENDED:
                self._endings -= 1
        return True

    def _shaken(self) -> bool:
        size = _handshake_size(bytes(self._stream))
        if size is None:
            return False
        del self._stream[:size]
        self._secure = True
        return True

    def _take(self, act: Act) -> bool:
        wanted = max(1, len(self._stream)) if self._secure else act.amount
        if wanted is None:
            measure = _MEASURES.get(act.name)
            wanted = measure(bytes(self._stream)) if measure else 1
        if wanted is None or len(self._stream) < wanted:
            return False
        if act.name not in _LEAVES_UNREAD:
            del self._stream[:wanted]
        return True


def _request_size(data: bytes) -> int | None:
    """Bytes of the request that they begin with; None where it is not whole."""
    try:
        return request_size(data)
    except NotHttpError:
        return None


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Of the TLS records that they begin with, each one's content type and where it ends."""
    at = 0
    while (end := at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")) <= len(data) and len(data) >= at + 5:
        yield data[at], end
        at = end


def _hello_size(data: bytes) -> int | None:
    """Bytes of the first record; None where it is not whole."""
    return next((end for _type, end in _records(data)), None)


def _handshake_size(data: bytes) -> int | None:
    """Bytes up to the client's Finished and with it: the record behind change_cipher_spec, in TLS 1.2 and, as all
    stacks do for the sake of middleboxes (RFC 8446 section D.4), in TLS 1.3."""
    changed = False
    for kind, end in _records(data):
        if changed:
            return end
        changed = kind == _CHANGE_CIPHER_SPEC
    return None


_CHANGE_CIPHER_SPEC = 20
_MEASURES = {"await request": _request_size, "recv request": _request_size, "recv hello": _hello_size}
"""How much of what the client has sent an act takes, where it does not say so."""
