"""In what connections must agree to be alike: the key of a shape, as arrays over a whole block.

It is made of what the facts are made of, and of nothing else: of each segment its side and flags; where its numbers
stand among the connection's others, and whether they are next to each other; whether its window is shut, or larger than
the one before; how its TTL differs from its side's first; pauses of a second; and what `Messages` makes of the payload.
So the key holds no address, no time and no size. Of a connection in which more than this matters to anybody, nothing is
to be said here: it does not `fit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.arrays import distinct, np
from hangup.diagnose.messages import Messages
from hangup.wire import Flags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.look import Look

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_MOST_ROWS = 40
"""Segments of a connection: its trail is whole, and so is what was before its end."""
_FARTHEST = 1 << 20
"""Numbers from here on are far from each other to Zeek."""
_GOODBYE = 41
"""Sizes from here on are all the same to the facts."""
_GAP = 4
"""And so are distances."""
_TELLING = np.uint8(Flags.FIN | Flags.SYN | Flags.RST | Flags.ACK)


def fits(look: Look) -> Mask:
    """Of each group: it is one connection from its SYN on, without a hole, and without what only a close look tells."""
    start, number, own = look.groups.start, look.groups.number, look.own
    before, reach = look.reaches
    ends = look.fin | look.rst
    first_end = look.first(ends)
    open_syn = look.syn & ~look.has_ack
    good = look.groups.one & (look.begin >= 0) & (look.begin <= before) & (reach < _FARTHEST)
    good &= look.has_ack | look.rst | (open_syn & own & (look.begin == 0) & (look.index < first_end[number]))
    good &= ~look.has_ack | (look.answered & (look.upto >= 0) & (look.upto <= look.acked))
    good &= (look.size == 0) | ~(look.syn | look.rst)
    good &= ~look.forgotten | (look.index <= first_end[number])
    pause, silence = look.pauses
    good &= ~ends | ~(pause | silence) | (look.count(look.size > 0)[number] == 0)
    later = np.empty(len(own), dtype=bool)
    later[1:] = look.time[1:] >= look.time[:-1]
    good &= later | look.opening
    for side in (own, ~own):  # nothing new behind a FIN
        fin = look.first(look.fin & side)
        closed = fin < len(own)
        upto = np.where(closed, reach[np.minimum(fin, len(own) - 1)], 0)
        good[start] &= ~closed | (reach[np.maximum(look.last(side), 0)] == upto)
    fit: Mask = look.every(good) & open_syn[start] & (look.groups.size <= _MOST_ROWS)
    return fit


class Likeness:
    """The keys of a look's connections."""

    def __init__(self, look: Look) -> None:
        self._codes = _codes(look).tobytes()
        self._spoken = _Spoken(look)

    def of(self, start: int, stop: int) -> object | None:
        """Of the connection whose rows are these; None where it has none."""
        spoken = self._spoken.by(start, stop)
        return None if spoken is None else (self._codes[8 * start : 8 * stop], spoken)


def _codes(look: Look) -> NDArray[np.uint64]:
    """A row's part of the key, in 64 bits."""
    order, own, number = look.groups.order, look.own, look.groups.number
    before = _before_of_side(look)
    there = before >= 0
    window, ttl = look.window.astype(np.int64), look.rows.ttl[order].astype(np.int64)
    grown = np.where(there, np.sign(window - window[np.maximum(before, 0)]) + 1, 3)
    first = np.where(own, look.groups.start[number], look.answer[number])
    pause, silence = look.pauses
    parts: list[tuple[NDArray[np.int64] | Mask | NDArray[np.uint8], int]] = [
        (look.flags & _TELLING, 8), (own, 1), ((ttl - ttl[first]) & 0xFF, 8), (grown, 2), (window == 0, 1), (pause, 1),
        (silence, 1), (look.rst & (look.rows.ip_id[order] > 0), 1), (np.minimum(look.size, _GOODBYE), 6),
    ]  # fmt: skip
    parts += [(column, 10) for column in _ranks(look)]
    code = np.zeros(len(order), dtype=np.uint64)
    for column, bits in parts:
        code <<= np.uint64(bits)
        code |= column.astype(np.uint64)
    return code


def _before_of_side(look: Look) -> Ints:
    """Of each row: its side's row before it, or -1."""
    before = np.full(len(look.own), -1, dtype=np.int64)
    for side in (look.own, ~look.own):
        rows = np.flatnonzero(side)
        same = np.flatnonzero(look.groups.number[rows[1:]] == look.groups.number[rows[:-1]])
        before[rows[same + 1]] = rows[same]
    return before


def _ranks(look: Look) -> list[Ints]:
    """Of each row: where its two numbers and what it acknowledges stand among all of the same side, from below; and how
    far each is from the next lower one, as long as that is near."""
    side = look.groups.number.astype(np.int64) * 2 + look.own
    upto = np.where(look.has_ack, look.upto, 0)
    columns = ((side, look.begin), (side, look.end), (side ^ 1, upto))
    values = np.concatenate([(of << 32) + number + _FARTHEST for of, number in columns])
    standing = distinct(values)
    lower = standing.values
    of = lower >> 32
    first = np.searchsorted(of, of)
    gap = np.zeros(len(lower), dtype=np.int64)
    gap[1:] = np.minimum(lower[1:] - lower[:-1], _GAP)
    gap[first == np.arange(len(lower))] = 0
    rank = np.minimum(np.arange(len(lower)) - first, 127) << 3 | gap
    return np.split(rank[standing.which], 3)


class _Spoken:
    """What `Messages` makes of the payload of connections."""

    def __init__(self, look: Look) -> None:
        rows, order = look.rows, look.groups.order
        data = np.flatnonzero((look.size > 0) & ~look.rst)
        in_block = order[data]
        place = rows.place[in_block]
        payload, size = rows.payload[in_block], look.size[data]
        end = np.minimum(payload + size, look.block.start[place] + look.block.captured[place])
        self._data = look.block.data
        self._first = np.searchsorted(data, np.arange(len(order) + 1)).tolist()
        columns = (look.own[data], data, rows.seq[in_block], size, payload, end)
        self._rows = list(zip(*(column.tolist() for column in columns), strict=True))

    def by(self, start: int, stop: int) -> tuple[object, ...] | None:
        """Of one: how its messages stood after each segment. None over TLS, where `records` makes more of sizes."""
        requests = Messages()
        answers = Messages(requests)
        standing: list[object] = []
        for own, row, seq, size, at, end in self._rows[self._first[start] : self._first[stop]]:
            messages = requests if own else answers
            if not messages.done:
                messages.feed(row, seq, size, bytes(self._data[at:end]))
                if messages.kind == "tls":
                    return None
                standing.append(messages.standing)
        return tuple(standing)
