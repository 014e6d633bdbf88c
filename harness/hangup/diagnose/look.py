"""A block's segments by connection: arrays in which each connection's rows stand together, in the order of frames.

What is asked of all connections at once is asked here; what comes of it is for others to judge.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.arrays import changes, np
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.columns import Columns, columns, keys
from hangup.wire import Flags, Flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block

    Ints = NDArray[np.int64]
    Ints32 = NDArray[np.int32]
    Mask = NDArray[np.bool_]
    Keys = NDArray[np.uint64]

_FIN, _SYN, _RST, _ACK = (np.uint8(flag) for flag in (Flags.FIN, Flags.SYN, Flags.RST, Flags.ACK))
SECOND = 1_000_000_000
_LEVEL = 34
"""More bits than a relative number, and what a segment adds to it, can have."""


class Groups(NamedTuple):
    """The rows of a block by connection: `order` puts them together, each group begins at its `start`."""

    order: Ints
    start: Ints
    size: Ints
    number: Ints32
    """Of each row, in the new order: its group."""
    key: Keys
    """Of each group: a hash of its two sockets."""
    one: Mask
    """Of each row: it is of the group's two sockets, and not of others whose hash begins alike."""


def group(rows: Columns) -> Groups:
    """By the two sockets, whichever of them sends.

    What is sorted is the hash with the row's place for its last bits: so the order within a group comes of itself,
    and numbers alone are sorted, which processors do at several times the speed.
    """
    key = keys(rows.sender, rows.receiver)
    bits = np.uint64(max(1, len(key).bit_length()))
    mixed = key >> bits
    mixed <<= bits
    mixed |= np.arange(len(key), dtype=np.uint64)
    mixed.sort()
    order = (mixed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    mixed >>= bits
    first = changes(mixed)
    start = np.flatnonzero(first)
    number = np.cumsum(first, dtype=np.int32)
    number -= 1
    key = key[order]
    of_group = key[start]
    return Groups(order, start, np.diff(start, append=len(key)), number, of_group, key == of_group[number])


class Look:
    """A block's rows by connection, as arrays in the groups' order."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.rows = rows = columns(block)
        self.groups = groups = group(rows)
        order, start, number = groups.order, groups.start, groups.number
        if not len(order):
            return
        self.flags = flags = rows.flags[order]
        self.syn, self.fin, self.rst = (flags & _SYN) > 0, (flags & _FIN) > 0, (flags & _RST) > 0
        self.has_ack = (flags & _ACK) > 0
        self.size = rows.size[order]
        self.window = rows.window[order]
        self.time = block.time_ns[rows.place[order]]
        sender = rows.sender[order]
        self.own: Mask = sender == sender[start][number]
        """Sent by the side that sent the group's first segment."""
        self.final = start + groups.size - 1
        self.index = np.arange(len(order))
        theirs = np.where(self.own, len(order) - 1, self.index)
        self.answer = np.minimum.reduceat(theirs, start)
        """The other side's first row, or the last row of all."""
        self._numbers()

    def __len__(self) -> int:
        return len(self.groups.start)

    def _numbers(self) -> None:
        """Numbers relative to each side's first one."""
        order, start, number = self.groups.order, self.groups.start, self.groups.number
        seq = self.rows.seq[order]
        bases = np.empty((len(start), 2), dtype=np.uint32)
        bases[:, 0], bases[:, 1] = seq[self.answer], seq[start]
        side = number * np.int32(2) + self.own
        base = bases.reshape(-1)
        self.begin: Ints32 = (seq - base[side]).view(np.int32)
        self.upto: Ints32 = (self.rows.ack[order] - base[side ^ np.int32(1)]).view(np.int32)
        """What the segment acknowledges."""
        self.end: Ints32 = self.begin + self.size + self.syn + self.fin

    @cached_property
    def opening(self) -> Mask:
        """The first row of each group."""
        opening = np.zeros(len(self.own), dtype=bool)
        opening[self.groups.start] = True
        return opening

    @cached_property
    def other(self) -> Ints:
        """Of each row: the other side's last one before it; before the group's start where there is none."""
        turn = changes(self.own) | self.opening
        return np.maximum.accumulate(np.where(turn, self.index, 0)) - 1

    @cached_property
    def reaches(self) -> tuple[Ints, Ints]:
        """Of each row: how far its side had got before it, and with it."""
        before, reach = np.zeros(len(self.own), dtype=np.int64), np.empty(len(self.own), dtype=np.int64)
        number, end = self.groups.number, self.end
        for side in (self.own, ~self.own):
            rows = np.flatnonzero(side)
            if not len(rows):
                continue
            level = number[rows].astype(np.int64)
            level <<= _LEVEL  # so that one running maximum serves all groups
            running = np.maximum.accumulate(level + end[rows])
            running -= level
            reach[rows] = running
            went_on = np.flatnonzero(level[1:] == level[:-1])
            before[rows[went_on + 1]] = running[went_on]
        return before, reach

    @cached_property
    def acked(self) -> Ints:
        """Of each row: how far the other side had got that it acknowledges."""
        return self.reaches[1][np.maximum(self.other, 0)]

    @cached_property
    def answered(self) -> Mask:
        """Of each row: the other side had sent something before it."""
        return self.other >= self.groups.start[self.groups.number]

    @property
    def first_ns(self) -> Ints:
        """When each group began."""
        return self.block.time_ns[self.rows.place[self.groups.order[self.groups.start]]]

    @cached_property
    def forgotten(self) -> Mask:
        """Of each row: so long after the one before that a connection, if it was over, is not known any more."""
        late = np.zeros(len(self.own), dtype=bool)
        late[1:] = self.time[1:] - self.time[:-1] >= SETTLED_NS
        return late & ~self.opening

    @cached_property
    def pauses(self) -> tuple[Mask, Mask]:
        """Of each row: a second or more since the segment before; and since the last payload before."""
        pause = np.zeros(len(self.own), dtype=bool)
        pause[1:] = self.time[1:] - self.time[:-1] >= SECOND
        pause &= ~self.opening
        last = np.empty(len(self.own), dtype=np.int64)
        last[:1] = -1
        last[1:] = np.maximum.accumulate(np.where(self.size > 0, self.index, -1))[:-1]
        spoken = last >= self.groups.start[self.groups.number]
        silence = spoken & (self.time - self.time[np.maximum(last, 0)] >= SECOND)
        return pause, silence

    def every(self, mask: Mask) -> Mask:
        """Of each group: it is true of all rows."""
        return np.logical_and.reduceat(mask, self.groups.start)

    def count(self, mask: Mask) -> Ints:
        """Of each group: of how many rows it is true."""
        return np.add.reduceat(mask, self.groups.start, dtype=np.int64)

    def first(self, mask: Mask) -> Ints:
        """Of each group: the first row of which it is true, or the number of all rows."""
        return np.minimum.reduceat(np.where(mask, self.index, len(mask)), self.groups.start)

    def last(self, mask: Mask) -> Ints:
        """Of each group: the last row of which it is true, or -1."""
        return np.maximum.reduceat(np.where(mask, self.index, -1), self.groups.start)

    def places(self, groups: Mask) -> Ints:
        """The frames of some groups, in their order in the block."""
        return np.sort(self.rows.place[self.groups.order[groups[self.groups.number]]])

    def numbers(self, rows: Ints) -> Ints:
        """The numbers of the frames that rows stand in."""
        return self.block.number[self.rows.place[rows]]

    def flow(self, row: int) -> Flow:
        """From the sender of a row."""
        rows, data = self.rows, self.block.data
        at = int(rows.network[row])
        if data[at] >> 4 == 4:
            src, dst = data[at + 12 : at + 16], data[at + 16 : at + 20]
        else:
            src, dst = data[at + 8 : at + 24], data[at + 24 : at + 40]
        return Flow(bytes(src), int(rows.sender[row]) & 0xFFFF, bytes(dst), int(rows.receiver[row]) & 0xFFFF)
