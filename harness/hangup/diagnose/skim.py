"""A quick first look at a block: which connections lie wholly in it and plainly ended in one of two ways.

In order: from SYN to the last ACK, each side's numbers without a gap, no RST, no window of zero, one FIN each, both
acknowledged, no pause of a second before the first FIN; where the responder closed first, it had spoken last, and,
of an HTTP answer, said all that it had announced. Or aborted by the originator when it had its whole
answer: the same, but for a RST of its own in the place of all FINs, which is the commonest RST of all (Arlitt and
Williamson 2005).

Of these nothing more is to be said than that they are `orderly-close`, or a harmless `application-abort`. So they are
counted, and only the rest is looked at segment by segment. The tests compare what comes of it with what comes without.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hangup.wire import Flags, Flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.columns import Columns

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)
_SECOND = 1_000_000_000
_ALERT = 21
_LEVEL = 34
"""More bits than a relative number, and what a segment adds to it, can have."""
_FEW = 14
"""Of a TLS connection with fewer segments than this, a failed handshake is likely: it is looked at closely."""

_ANSWER = re.compile(
    rb"HTTP/1\.[01] (?!1\d\d|204|304)\d{3}[ \r](?:[^\r]|\r(?!\n\r\n))*?\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n"
    rb"(?:(?:[^\r]|\r(?!\n\r\n))*?\r\n)??\r\n",
    re.IGNORECASE,
)  # fmt: skip


class Groups(NamedTuple):
    """The rows of a block by connection: `order` puts them together, each group begins at its `start`."""

    order: Ints
    start: Ints
    size: Ints
    number: Ints
    """Of each row, in the new order: its group."""
    key: NDArray[np.uint64]
    """Of each group: a hash of its two sockets."""


class Plain(NamedTuple):
    """The connections of a block that plainly ended, an element each; places are those of frames in the block."""

    group: Ints
    key: NDArray[np.uint64]
    opened: Ints
    """The SYN."""
    answered: Ints
    """The SYN+ACK."""
    ttl: NDArray[np.uint8]
    """Of that."""
    closed: Ints
    """The responder's FIN, where it was the first; else -1."""
    responder: NDArray[np.uint64]
    row: Ints
    """The row of the SYN."""
    aborted: int
    """How many of them the originator aborted."""


def group(rows: Columns) -> Groups:
    """By the two sockets, whichever of them sends."""
    low, high = np.minimum(rows.sender, rows.receiver), np.maximum(rows.sender, rows.receiver)
    key = low * np.uint64(0x9E3779B97F4A7C15) ^ (high + np.uint64(0x7F4A7C15)) * np.uint64(0xC2B2AE3D27D4EB4F)
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.empty(len(key), dtype=bool)
    first[:1] = True
    np.not_equal(key[1:], key[:-1], out=first[1:])
    start = np.flatnonzero(first)
    return Groups(order, start, np.diff(start, append=len(key)), np.cumsum(first) - 1, key[start])


def skim(block: Block, rows: Columns, groups: Groups, known: Mask) -> Plain:
    """The connections that plainly ended; not those of groups that are `known` to have begun earlier."""
    return _Look(block, rows, groups).plain(~known)


class _Look:
    """The rows of a block by connection, as arrays in the groups' order."""

    def __init__(self, block: Block, rows: Columns, groups: Groups) -> None:
        self._block, self._rows, self._groups = block, rows, groups
        order, start, number = groups.order, groups.start, groups.number
        self._flags = flags = rows.flags[order]
        self._syn, self._fin, self._rst = (flags & _SYN) > 0, (flags & _FIN) > 0, (flags & _RST) > 0
        self._size, self._window = rows.size[order], rows.window[order]
        self._time = block.time_ns[rows.place[order]]
        sender, receiver = rows.sender[order], rows.receiver[order]
        opener, answerer = sender[start][number], receiver[start][number]
        self._own = sender == opener
        """Sent by the side that sent the group's first segment."""
        self._one = np.where(self._own, receiver == answerer, (sender == answerer) & (receiver == opener))
        """Belongs to that connection, and not to another one of the same hash."""
        self._final = start + groups.size - 1
        data = self._size > 0
        place = np.arange(len(data))
        self._last_data = np.maximum.accumulate(np.where(data, place, -1))[self._final]
        self._responder_spoke_last = (self._last_data >= start) & ~self._own[np.maximum(self._last_data, 0)]

    def plain(self, fine: Mask) -> Plain:
        """All conditions together."""
        fine = fine & self._clean() & self._nothing_of_tls()
        closed, first_fin = self._closed_in_order()
        aborted = self._aborted_by_originator()
        responder_first = closed & ~self._own[first_fin]
        candidates = fine & ((closed & (~responder_first | self._responder_spoke_last)) | aborted)
        candidates[self._answers_cut(np.flatnonzero(candidates & (responder_first | aborted)))] = False
        kept = np.flatnonzero(candidates)
        order, start = self._groups.order, self._groups.start
        theirs = np.where(self._own, len(self._own), np.arange(len(self._own)))
        answered = order[np.minimum.reduceat(theirs, start)[kept]] if len(kept) else kept
        opened = order[start[kept]]
        place = self._rows.place
        return Plain(
            kept, self._groups.key[kept], place[opened], place[answered], self._rows.ttl[answered],
            np.where(responder_first[kept], place[order[first_fin[kept]]], -1), self._rows.receiver[opened], opened,
            int(aborted[kept].sum()),
        )  # fmt: skip

    def _clean(self) -> Mask:
        """From its SYN on neither side's numbers have a gap, and the last ones are acknowledged.

        Numbers are relative to each side's SYN. What was sent again does no harm.
        """
        start, number, own, final = self._groups.start, self._groups.number, self._own, self._final
        seq, acked = self._rows.seq[self._groups.order], self._rows.ack[self._groups.order]
        ack = (self._flags & _ACK) > 0
        opening = np.zeros(len(ack), dtype=bool)
        opening[start] = True
        answer = np.minimum.reduceat(np.where(own, len(own) - 1, np.arange(len(own))), start)
        own_base, other_base = seq[start][number], seq[answer][number]
        place = (seq - np.where(own, own_base, other_base)).astype(np.int64)
        upto = (acked - np.where(own, other_base, own_base)).astype(np.int64)
        end = place + self._size + self._syn + self._fin
        before, reach = _reaches(own, number, end)
        good = self._one & (self._window > 0) & np.where(opening, self._syn & ~ack, ack) & (place <= before)
        other = _last_of_other(own, start, number)
        known = other >= 0
        good &= ~known | (upto <= reach[other])
        fine = (
            np.logical_and.reduceat(good, start) & (self._count(self._syn) == 2) & (self._count(self._syn & own) == 1)
        )
        fine &= self._syn[answer] & known[final] & (end[final] == place[final]) & (place[final] == reach[final])
        whole: Mask = fine & (upto[final] == reach[other[final]]) & (upto[other[final]] == reach[final])
        return whole

    def _count(self, mask: Mask) -> Ints:
        counted: Ints = np.add.reduceat(mask, self._groups.start, dtype=np.int64)
        return counted

    def _closed_in_order(self) -> tuple[Mask, Ints]:
        """One FIN each, no RST, no pause; and where the first FIN of each group is."""
        fins = np.flatnonzero(self._fin)
        numbers, first = np.unique(self._groups.number[fins], return_index=True)
        first_fin = np.zeros(len(self._groups.start), dtype=np.int64)
        first_fin[numbers] = fins[first]
        closed = (self._count(self._rst) == 0) & (self._count(self._fin) == 2)
        closed &= self._count(self._fin & self._own) == 1
        return closed & self._at_once(first_fin), first_fin

    def _aborted_by_originator(self) -> Mask:
        """Its RST is the last segment, acknowledges all, and bears the marks of its other segments."""
        final, own, ttl = self._final, self._own, self._rows.ttl[self._groups.order]
        before = np.maximum.accumulate(np.where(own, np.arange(len(own)), -1))[np.maximum(final - 1, 0)]
        aborted = (self._count(self._rst) == 1) & self._rst[final] & own[final] & (self._count(self._fin) == 0)
        aborted &= (ttl[final] == ttl[self._groups.start]) & (self._window[final] <= self._window[before])
        mine: Mask = aborted & self._responder_spoke_last & self._at_once(final)
        return mine

    def _at_once(self, row: Ints) -> Mask:
        """Less than a second after the segment before."""
        short: Mask = self._time[row] - self._time[np.maximum(row - 1, 0)] < _SECOND
        return short

    def _nothing_of_tls(self) -> Mask:
        """No alert in the clear; and no TLS at all where whole records matter, or where a handshake may have failed."""
        rows, block = self._rows, self._block
        raw = np.frombuffer(block.data, dtype=np.uint8)
        at, place = rows.payload[self._groups.order], rows.place[self._groups.order]
        there = (self._size > 0) & (at + 2 <= block.start[place] + block.captured[place])
        at = np.where(there, at, 0)
        kind = raw[at]
        tls = there & (raw[at + 1] == 3) & (kind >= 20) & (kind <= 24)
        spoken = self._count(tls) > 0
        first_fin = self._closed_in_order()[1]
        records_matter = ~self._own[first_fin] | (self._count(self._rst) > 0)
        doubtful: Mask = (self._count(tls & (kind == _ALERT)) > 0) | (
            spoken & (records_matter | (self._groups.size < _FEW))
        )
        return ~doubtful

    def _answers_cut(self, groups: Ints) -> list[int]:
        """Of these groups, those whose HTTP answer lacks something, or may; `Messages` is who looks closely."""
        if not len(groups):
            return []
        theirs = ~self._own & (self._size > 0)
        place = np.where(theirs, np.arange(len(theirs)), len(theirs))
        first = np.minimum.reduceat(place, self._groups.start)[groups]
        total = np.add.reduceat(np.where(theirs, self._size, 0), self._groups.start)[groups]
        row = self._groups.order[first]
        frame = self._rows.place[row]
        captured = self._block.start[frame] + self._block.captured[frame]
        columns = (groups, self._rows.payload[row], captured, self._size[first], total)
        data = self._block.data
        return [
            group
            for group, at, end, size, sent in zip(*(column.tolist() for column in columns), strict=True)
            if data.startswith(b"HTTP/1.", at, end) and not _whole(data, at, end, size, sent)
        ]


def _whole(data: bytes, at: int, end: int, size: int, sent: int) -> bool:
    """The answer that begins `at` is of the length that it announces; or its head was not captured, and nobody knows.

    `end`: of what was captured of its first segment; `size`: of that segment's payload; `sent`: of all payload.
    """
    head = _ANSWER.match(data, at, end)
    if head is not None:
        return int(head[1]) == sent - (head.end() - at)
    return end - at < size and data.find(b"\r\n\r\n", at, end) < 0


def _reaches(own: Mask, number: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Of each row: how far its side had got before it, and with it. `end`: where it ends itself."""
    before, reach = np.zeros_like(end), np.zeros_like(end)
    for side in (own, ~own):
        rows = np.flatnonzero(side)
        level = number[rows] << _LEVEL  # so that one running maximum serves all groups
        running = np.maximum.accumulate(level + end[rows])
        first = np.ones(len(rows), dtype=bool)
        first[1:] = number[rows[1:]] != number[rows[:-1]]
        reach[rows] = running - level
        before[rows[1:]] = reach[rows[:-1]]
        before[rows[first]] = 0
    return before, reach


def _last_of_other(own: Mask, start: Ints, number: Ints) -> Ints:
    """Of each row: the other side's last one before it; -1 where there is none."""
    place = np.arange(len(own))
    ours = np.maximum.accumulate(np.where(own, place, -1))
    theirs = np.maximum.accumulate(np.where(own, -1, place))
    last = np.where(own, theirs, ours)
    return np.where(last >= start[number], last, -1)


def flow_of(block: Block, rows: Columns, row: int) -> Flow:
    """From the sender of a row."""
    data, at = block.data, int(rows.network[row])
    if data[at] >> 4 == 4:
        src, dst = data[at + 12 : at + 16], data[at + 16 : at + 20]
    else:
        src, dst = data[at + 8 : at + 24], data[at + 24 : at + 40]
    return Flow(src, int(rows.sender[row]) & 0xFFFF, dst, int(rows.receiver[row]) & 0xFFFF)
