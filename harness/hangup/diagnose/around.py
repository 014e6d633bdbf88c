"""What other connections tell of one: how far away a host is, which ports refuse, who ends idle connections when.

Its size is bounded: of what it knows, the oldest is forgotten first.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hangup.wire import Endpoint


HOSTS = 65_536
EACH = 64
TOGETHER_NS = 200_000_000
FORGOTTEN_NS = 30_000_000_000
_SAME = 0.02
"""Idle times are taken for the same where they differ by less than this part of them, or by a quarter second."""

K = TypeVar("K")
V = TypeVar("V")


class Latest(Generic[K, V]):
    """A dictionary of the keys that were last written to."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What was put for the key, if it is not forgotten."""
        return self._known.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember it, and forget the oldest where there is no more room."""
        self._known[key] = value
        self._known.move_to_end(key)
        if len(self._known) > self._size:
            self._known.popitem(last=False)


class Event(NamedTuple):
    """Something that a connection met."""

    time_ns: int
    packet: int
    stream: int = -1
    """The connection's number, where anybody may ask about it."""


class Refusal(NamedTuple):
    """A port that refused, and when it had last taken a connection."""

    event: Event
    taken_ns: int


class Idle(NamedTuple):
    """A connection that was ended when it had been idle."""

    stream: int
    seconds: float


class Around:
    def __init__(self) -> None:
        self._ttls: Latest[str, Counter[int]] = Latest(HOSTS)
        self._refusals: Latest[Endpoint, deque[Refusal]] = Latest(HOSTS)
        self._answers: Latest[Endpoint, Event] = Latest(HOSTS)
        self._endings: Latest[Endpoint, deque[Event]] = Latest(HOSTS)
        self._answers_without_socket: Latest[str, deque[Event]] = Latest(HOSTS)
        self._idle: Latest[Endpoint, deque[Idle]] = Latest(HOSTS)

    def answered(self, resp: Endpoint, event: Event, ttl: int) -> None:
        """A responder sent its SYN+ACK."""
        counts = self._ttls.get(resp.address)
        if counts is None:
            counts = Counter()
        counts[ttl] += 1
        self._ttls.put(resp.address, counts)
        self._answers.put(resp, event)

    def refused(self, resp: Endpoint, event: Event) -> None:
        """A RST answered the SYN."""
        taken = self._answers.get(resp)
        self._add(self._refusals, resp, Refusal(event, taken.time_ns if taken else 0))

    def ended(self, resp: Endpoint, event: Event) -> None:
        """A responder sent the first FIN, or an abort."""
        self._add(self._endings, resp, event)

    def unknown_there(self, resp: Endpoint, event: Event) -> None:
        """A responder answered an established connection's segment as if it had none: a RST without ACK, and no FIN."""
        self._add(self._answers_without_socket, resp.address, event)

    def idle(self, side: Endpoint, stream: int, seconds: float) -> None:
        """A side ended a connection on which nothing had moved for so long."""
        self._add(self._idle, side, Idle(stream, seconds))

    @staticmethod
    def _add(where: Latest[K, deque[V]], key: K, value: V) -> None:
        events = where.get(key)
        if events is None:
            events = deque(maxlen=EACH)
        events.append(value)
        where.put(key, events)

    def usual_ttl(self, address: str) -> int | None:
        """The TTL of the host's SYN+ACKs, where all that are remembered agree."""
        counts = self._ttls.get(address)
        return next(iter(counts)) if counts and len(counts) == 1 else None

    def refusal_after(self, endpoint: Endpoint, time_ns: int) -> Event | None:
        """The first refusal by an endpoint after that time, and no connection that it took meanwhile."""
        return first_refusal(self._refusals.get(endpoint) or (), time_ns)

    def takes(self, endpoint: Endpoint) -> Event | None:
        """The last connection that the endpoint took."""
        return self._answers.get(endpoint)

    def ended_together(self, endpoint: Endpoint, time_ns: int, other_than: int) -> list[Event]:
        """Other connections that this endpoint ended at about the same time."""
        return _near(self._endings.get(endpoint), time_ns, TOGETHER_NS, other_than)

    def forgotten_together(self, address: str, time_ns: int, other_than: int) -> list[Event]:
        """Other connections of which the host knew nothing any more, within half a minute."""
        return _near(self._answers_without_socket.get(address), time_ns, FORGOTTEN_NS, other_than)

    def same_idle(self, endpoint: Endpoint, seconds: float, other_than: int) -> list[Idle]:
        """Other connections that this endpoint ended when they had been idle for as long."""
        return as_long(self._idle.get(endpoint) or (), seconds, other_than)


def as_long(idles: Iterable[Idle], seconds: float, other_than: int) -> list[Idle]:
    """Those of other connections that had been idle for as long."""
    slack = max(0.25, seconds * _SAME)
    return [idle for idle in idles if idle.stream != other_than and abs(idle.seconds - seconds) <= slack]


def first_refusal(refusals: Iterable[Refusal], time_ns: int) -> Event | None:
    """The first after that time, where no connection was taken meanwhile."""
    for event, taken_ns in refusals:
        if event.time_ns >= time_ns:
            return event if taken_ns <= time_ns else None
    return None


def _near(events: Iterable[Event] | None, time_ns: int, reach_ns: int, other_than: int) -> list[Event]:
    """Those within this reach of that time."""
    return [e for e in events or () if e.stream != other_than and abs(e.time_ns - time_ns) <= reach_ns]
