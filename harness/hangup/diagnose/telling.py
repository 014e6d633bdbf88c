"""What connections that are looked at together tell of their responders, put in order when somebody asks.

Whoever asks is told what was known when a frame of that number (`as_of`) had been read, though more has been read by
now: so the answer is the same as if each segment had been looked at by itself.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from operator import ge
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.around import (
    EACH,
    FORGOTTEN_NS,
    HOSTS,
    TOGETHER_NS,
    Around,
    Event,
    Idle,
    Latest,
    Refusal,
    as_long,
    first_refusal,
)
from hangup.diagnose.arrays import distinct, np
from hangup.wire import Endpoint, host

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.look import Look

    Ints = NDArray[np.int64]

ANSWERED, REFUSED, ENDED, UNKNOWN_THERE = range(4)
_MOST = 200_000
"""Events that are kept."""


_COLUMNS = range(7)
_TIME, _NUMBER, _STREAM, _TAKEN, _KIND, _TTL, _RESP = _COLUMNS
"""Of a table of events. Taken: when the responder had last taken a connection; the responder is a place in a list."""


class Events(NamedTuple):
    """The same kind of event, of many connections, a row each."""

    kind: int
    table: Ints
    """Time, frame and TTL."""
    responder: Ints
    """A place in the list that follows."""
    responders: list[tuple[int, bytes, int]]
    """Of each its word in `Columns`, its address and its port."""


def events(look: Look, kind: int, rows: Ints, opened: Ints) -> Events:
    """Of rows of a block. `opened`: for each of them the row of its connection's SYN."""
    block, place = look.block, look.rows.place[rows]
    table = np.stack([block.time_ns[place], block.number[place], look.rows.ttl[rows]], axis=1)
    found = distinct(look.rows.receiver[opened])
    flows = [look.flow(row) for row in opened[found.first].tolist()]
    words = found.values.tolist()
    responders = [(word, flow.dst, flow.dport) for word, flow in zip(words, flows, strict=True)]
    return Events(kind, table.astype(np.int64), found.which, responders)


class _Log:
    """Events of one kind at one place, in the order of frames."""

    __slots__ = ("events", "numbers")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.events: list[tuple[int, int, int, int]] = []
        """Time, frame, stream; and when a connection had last been taken there."""

    def add(self, table: NDArray[np.int64], done: int) -> None:
        """More of them; nobody will ask any more what was known before frame `done`."""
        behind = max(0, bisect_right(self.numbers, done) - EACH)
        del self.numbers[:behind], self.events[:behind]
        numbers = [*self.numbers, *table[:, _NUMBER].tolist()]
        events = [*self.events, *map(tuple, table.tolist())]
        if any(map(ge, numbers, numbers[1:])):  # what waited comes late, and may have been told before
            events = [event for _number, event in sorted(dict(zip(numbers, events, strict=True)).items())]
            numbers = [event[_NUMBER] for event in events]
        self.numbers, self.events = numbers, events

    def last(self, as_of: int) -> list[tuple[int, int, int, int]]:
        """The last ones that were known when that frame had been read."""
        known = bisect_right(self.numbers, as_of)
        return self.events[max(0, known - EACH) : known]


class Later(Around):
    """Takes what is told, by one or by many."""

    def __init__(self) -> None:
        super().__init__()
        self.as_of = sys.maxsize
        """What came behind this frame is not told."""
        self.done = 0
        """Nobody will ask any more what was known before this frame."""
        self.now = 0
        """The frame that the engine is being fed with."""
        self._idles: Latest[Endpoint, list[tuple[int, Idle]]] = Latest(HOSTS)
        self._waiting: list[NDArray[np.int64]] = []
        self._single: list[tuple[int, ...]] = []
        self._size = 0
        self._places: dict[Endpoint, int] = {}
        self._known: dict[int, int] = {}
        """By a socket's word in `Columns`: the place of the responder."""
        self._taken: Latest[Endpoint, NDArray[np.int64]] = Latest(HOSTS)
        """Of each responder when it took connections: first a row of zeros, or the last one that is `done`."""
        self._first_with: Latest[str, dict[int, int]] = Latest(HOSTS)
        """Of each host: the first frame of its answers with each TTL."""
        self._logs: dict[int, Latest[Endpoint | str, _Log]] = {
            kind: Latest(HOSTS) for kind in (REFUSED, ENDED, UNKNOWN_THERE)
        }

    def together(self, events: Events, streams: Ints | int = -1) -> None:
        """Many at once; `streams`: the numbers of their connections, where somebody may ask for these."""
        count = len(events.table)
        if not count:
            return
        places = [
            self._known[word] if word in self._known else self._learn(word, address, port)
            for word, address, port in events.responders
        ]
        table = np.empty((count, len(_COLUMNS)), dtype=np.int64)
        table[:, (_TIME, _NUMBER, _TTL)] = events.table
        table[:, _STREAM], table[:, _KIND] = streams, events.kind
        table[:, _RESP] = np.array(places)[events.responder]
        self._waiting.append(table)
        self._grown(count)

    def _learn(self, word: int, address: bytes, port: int) -> int:
        place = self._places.setdefault(Endpoint(host(address), port), len(self._places))
        self._known[word] = place
        return place

    def _grown(self, count: int) -> None:
        self._size += count
        if self._size > _MOST:
            self._sort()

    def answered(self, resp: Endpoint, event: Event, ttl: int) -> None:
        self._one(ANSWERED, resp, event, ttl)

    def refused(self, resp: Endpoint, event: Event) -> None:
        self._one(REFUSED, resp, event)

    def ended(self, resp: Endpoint, event: Event) -> None:
        self._one(ENDED, resp, event)

    def unknown_there(self, resp: Endpoint, event: Event) -> None:
        self._one(UNKNOWN_THERE, resp, event)

    def idle(self, side: Endpoint, stream: int, seconds: float) -> None:
        idles = self._idles.get(side) or []
        done = sum(number <= self.done for number, _idle in idles)
        self._idles.put(side, [*idles[max(0, done - EACH) :], (self.now, Idle(stream, seconds))])

    def same_idle(self, endpoint: Endpoint, seconds: float, other_than: int) -> list[Idle]:
        idles = [idle for number, idle in self._idles.get(endpoint) or () if number <= self.as_of]
        return as_long(idles[-EACH:], seconds, other_than)

    def _one(self, kind: int, resp: Endpoint, event: Event, ttl: int = 0) -> None:
        place = self._places.setdefault(resp, len(self._places))
        self._single.append((event.time_ns, event.packet, event.stream, 0, kind, ttl, place))
        self._grown(1)

    def _sort(self) -> None:
        """Put what was told where it can be found."""
        if not self._size:
            return
        single = np.array(self._single, dtype=np.int64).reshape(-1, len(_COLUMNS))
        table = np.concatenate([single, *self._waiting])
        table = table[np.lexsort((table[:, _NUMBER], table[:, _RESP]))]
        self._waiting, self._single, self._size = [], [], 0
        endpoints = list(self._places)
        first = np.flatnonzero(np.diff(table[:, _RESP], prepend=-1))
        for start, stop in zip(first.tolist(), [*first[1:].tolist(), len(table)], strict=True):
            self._of_one(endpoints[int(table[start, _RESP])], table[start:stop])
        if len(self._places) > _MOST:
            self._places, self._known = {}, {}

    def _of_one(self, resp: Endpoint, table: NDArray[np.int64]) -> None:
        answered = table[:, _KIND] == ANSWERED
        answers = table[answered]
        taken = self._taken.get(resp)
        if taken is None:
            taken = np.zeros((1, _STREAM + 1), dtype=np.int64)
        if len(answers):
            behind = max(0, int(np.searchsorted(taken[:, _NUMBER], self.done, side="right")) - 1)
            taken = np.concatenate([taken[behind:], answers[:, : _STREAM + 1]])
            taken = taken[np.argsort(taken[:, _NUMBER], kind="stable")]
            self._taken.put(resp, taken)
            self._note_ttls(resp.address, answers)
        before = np.searchsorted(taken[:, _NUMBER], table[:, _NUMBER]) - 1
        table[:, _TAKEN] = taken[before, _TIME]
        for kind, logs in self._logs.items():
            found = table[table[:, _KIND] == kind]
            if len(found):
                key = resp.address if kind == UNKNOWN_THERE else resp
                log = logs.get(key) or _Log()
                log.add(found[:, : _TAKEN + 1], self.done)
                logs.put(key, log)

    def _note_ttls(self, address: str, answers: NDArray[np.int64]) -> None:
        first = self._first_with.get(address) or {}
        for ttl in set(answers[:, _TTL].tolist()):
            number = int(answers[int((answers[:, _TTL] == ttl).argmax()), _NUMBER])
            first[ttl] = min(number, first.get(ttl, number))
        self._first_with.put(address, first)

    def _last(self, kind: int, key: Endpoint | str) -> list[tuple[int, int, int, int]]:
        self._sort()
        log = self._logs[kind].get(key)
        return log.last(self.as_of) if log is not None else []

    def usual_ttl(self, address: str) -> int | None:
        self._sort()
        known = [ttl for ttl, number in (self._first_with.get(address) or {}).items() if number <= self.as_of]
        return known[0] if len(known) == 1 else None

    def takes(self, endpoint: Endpoint) -> Event | None:
        self._sort()
        taken = self._taken.get(endpoint)
        if taken is None:
            return None
        place = int(np.searchsorted(taken[:, _NUMBER], self.as_of, side="right")) - 1
        return Event(*taken[place].tolist()) if taken[place, _NUMBER] else None

    def refusal_after(self, endpoint: Endpoint, time_ns: int) -> Event | None:
        known = self._last(REFUSED, endpoint)
        later = (event for event in known if event[_TIME] >= time_ns)
        return first_refusal((Refusal(Event(*event[:3]), event[_TAKEN]) for event in later), time_ns)

    def ended_together(self, endpoint: Endpoint, time_ns: int, other_than: int) -> list[Event]:
        return _near(self._last(ENDED, endpoint), time_ns, TOGETHER_NS, other_than)

    def forgotten_together(self, address: str, time_ns: int, other_than: int) -> list[Event]:
        return _near(self._last(UNKNOWN_THERE, address), time_ns, FORGOTTEN_NS, other_than)


def _near(events: list[tuple[int, int, int, int]], time_ns: int, reach_ns: int, other_than: int) -> list[Event]:
    low, high = time_ns - reach_ns, time_ns + reach_ns
    return [Event(*event[:3]) for event in events if low <= event[_TIME] <= high and event[_STREAM] != other_than]
