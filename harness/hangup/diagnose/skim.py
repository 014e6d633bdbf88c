"""A quick first look at a block: which connections lie wholly in it and plainly ended in order.

Of these nothing more is to be said than that they are `orderly-close`, so they are counted, and only the rest is
looked at segment by segment. Plainly means: from SYN to the last ACK, each side's numbers without a gap or a
repetition, no RST, no window of zero, one FIN each, both acknowledged, no pause of a second before the first FIN.
Where the responder closed first, it must have spoken last, and, of an HTTP answer, said all that it announced. The
tests compare what comes of it with what comes without it.
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


class Skimmed(NamedTuple):
    """One connection that plainly ended in order; places are those of frames in the block."""

    flow: Flow
    """From its originator."""
    opened: int
    """Its SYN."""
    answered: int
    """Its SYN+ACK."""
    ttl: int
    """Of that."""
    closed: int | None
    """The responder's FIN, where it was the first."""
    last: int


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
    return Groups(order, start, np.diff(start, append=len(key)), np.cumsum(first) - 1)


def skim(block: Block, rows: Columns, groups: Groups) -> tuple[list[Skimmed], Ints]:
    """The connections that plainly ended in order, and their groups."""
    look = _Look(block, rows, groups)
    found = np.flatnonzero(look.orderly() & look.nothing_left_unsaid())
    kept = [place for place in found.tolist() if look.answer_is_whole(place)]
    return [look.skimmed(place) for place in kept], np.array(kept, dtype=np.int64)


class _Look:
    """The rows of a block by connection, as arrays in the groups' order."""

    def __init__(self, block: Block, rows: Columns, groups: Groups) -> None:
        self._block, self._rows, self._groups = block, rows, groups
        order, start, number = groups.order, groups.start, groups.number
        self._flags = flags = rows.flags[order]
        self._syn, self._fin, self._ack = (flags & _SYN) > 0, (flags & _FIN) > 0, (flags & _ACK) > 0
        self._size = rows.size[order]
        sender, receiver = rows.sender[order], rows.receiver[order]
        opener, answerer = sender[start][number], receiver[start][number]
        self._own = sender == opener
        """Sent by the side that sent the group's first segment."""
        self._one = np.where(self._own, receiver == answerer, (sender == answerer) & (receiver == opener))
        """Belongs to that connection, and not to another one of the same hash."""
        self._final = start + groups.size - 1
        fins = np.flatnonzero(self._fin)
        _, first = np.unique(number[fins], return_index=True)
        self._first_fin = np.full(len(start), -1)
        self._first_fin[number[fins[first]]] = fins[first]

    def orderly(self) -> Mask:
        """Of each group: both sides said all of what they had to say once, and took leave."""
        start, number, own, syn, fin, ack = (
            self._groups.start, self._groups.number, self._own, self._syn, self._fin, self._ack
        )  # fmt: skip
        seq, acked = self._rows.seq[self._groups.order], self._rows.ack[self._groups.order]
        span = (self._size + syn + fin).astype(np.uint32)
        reach = seq + span
        opening = np.zeros(len(syn), dtype=bool)
        opening[start] = True
        good = self._one & ((self._flags & _RST) == 0) & (self._rows.window[self._groups.order] > 0)
        good &= np.where(opening, syn & ~ack, ack)
        good &= _in_order(own, number, seq, reach) & _in_order(~own, number, seq, reach)
        other = _last_of_other(own, start, number)
        known = other >= 0
        ahead = (reach[other] - acked).astype(np.int32)
        good &= ~known | (ahead >= 0)
        fine = np.logical_and.reduceat(good, start)
        for flag in (syn, fin):
            fine &= (np.add.reduceat(flag, start, dtype=np.int64) == 2) & (
                np.add.reduceat(flag & own, start, dtype=np.int64) == 1
            )
        final = self._final
        fine &= known[final] & (ahead[final] == 0) & (span[final] == 0)
        fine &= acked[other[final]] == reach[final]
        return fine & self._without_pause()

    def _without_pause(self) -> Mask:
        time = self._block.time_ns[self._rows.place[self._groups.order]]
        fin = np.maximum(self._first_fin, 0)
        short: Mask = time[fin] - time[np.maximum(fin - 1, 0)] < _SECOND
        return short & (self._first_fin >= 0)

    def nothing_left_unsaid(self) -> Mask:
        """The responder spoke last where it closed first; and no TLS alert, nor a short TLS connection."""
        data = self._size > 0
        place = np.arange(len(data))
        last = np.maximum.accumulate(np.where(data, place, -1))[self._final]
        spoken = last >= self._groups.start
        self._resp_first = ~self._own[self._first_fin]
        unsaid = self._resp_first & ~(spoken & ~self._own[np.maximum(last, 0)])
        kind, tls = self._payload_begins(data)
        alert = np.logical_or.reduceat(tls & (kind == _ALERT), self._groups.start)
        tls_spoken = np.logical_or.reduceat(tls, self._groups.start)
        doubtful: Mask = unsaid | alert | (tls_spoken & (self._resp_first | (self._groups.size < _FEW)))
        return ~doubtful

    def _payload_begins(self, data: Mask) -> tuple[NDArray[np.uint8], Mask]:
        """The first byte of each payload, and whether it may begin a TLS record."""
        rows, block = self._rows, self._block
        raw = np.frombuffer(block.data, dtype=np.uint8)
        at = rows.payload[self._groups.order]
        place = rows.place[self._groups.order]
        there = data & (at + 2 <= block.start[place] + block.captured[place])
        at = np.where(there, at, 0)
        kind = raw[at]
        return kind, there & (raw[at + 1] == 3) & (kind >= 20) & (kind <= 24)

    def answer_is_whole(self, place: int) -> bool:
        """Of an HTTP answer that the responder ended by closing; `Messages` is who looks closely."""
        if not self._resp_first[place]:
            return True
        start, end = int(self._groups.start[place]), int(self._final[place]) + 1
        ours = np.flatnonzero(~self._own[start:end] & (self._size[start:end] > 0)) + start
        row = int(self._groups.order[ours[0]])
        frame = int(self._rows.place[row])
        at = int(self._rows.payload[row])
        captured = int(self._block.start[frame] + self._block.captured[frame])
        data = self._block.data
        if not data.startswith(b"HTTP/1.", at, captured):
            return True
        if captured - at < self._rows.size[row] and data.find(b"\r\n\r\n", at, captured) < 0:
            return True  # snapped: nobody can tell
        head = _ANSWER.match(data, at, captured)
        return head is not None and int(head[1]) == int(self._size[ours].sum()) - (head.end() - at)

    def skimmed(self, place: int) -> Skimmed:
        """What is to be told of a group."""
        order, start, final = self._groups.order, int(self._groups.start[place]), int(self._final[place])
        frames = self._rows.place[order[start : final + 1]]
        answered = start + int(np.argmin(self._own[start : final + 1]))
        fin = int(self._rows.place[order[self._first_fin[place]]]) if self._resp_first[place] else None
        return Skimmed(
            flow_of(self._block, self._rows, int(order[start])), int(frames[0]), int(frames[answered - start]),
            int(self._rows.ttl[order[answered]]), fin, int(frames[-1]),
        )  # fmt: skip


def _in_order(mask: Mask, number: Ints, seq: NDArray[np.uint32], reach: NDArray[np.uint32]) -> Mask:
    """Of each row: it goes on where its side's last segment of the connection ended."""
    good = np.ones(len(mask), dtype=bool)
    rows = np.flatnonzero(mask)
    one, next_one = rows[:-1], rows[1:]
    good[next_one] = (number[next_one] != number[one]) | (seq[next_one] == reach[one])
    return good


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
