"""Where the records of a pcap file begin, found by many walks at once.

A record's head tells only where the next one is, so they are walked one after the other. But a head is easily told
from other bytes, so places far apart are guessed to be heads, and all are walked from in step. What is guessed is then
proved: the first walk begins at a true head, and each that arrives at the next one's beginning proves that one true. A
walk whose beginning nobody arrives at is thrown away, and its part is walked again, one by one.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from hangup.diagnose.arrays import np
from hangup.wire.frames import MAX_CAPTURED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

RECORD = 16
"""Bytes of a record's head."""
_APART = 1 << 14
"""Bytes between the places from which walks begin."""
_WORTH = 8
"""Walks that are needed for it to be worth the while."""


def walk(data: memoryview, end: int, order: str) -> tuple[Ints, int, str]:
    """Where the records begin, how many bytes all that are whole take, and what is wrong with the next one.

    The first record begins at 0, the data ends at `end`; `order` is that of the bytes, as `struct` writes it.
    """
    if end < RECORD:
        return np.zeros(0, dtype=np.int64), 0, ""
    captured = np.ndarray((end - RECORD + 1,), order + "u4", data, 8, (1,))
    if end < _WORTH * _APART:
        starts = np.array(_one_by_one(data, 0, end - RECORD + 1, order)[0], dtype=np.int64)
    else:
        starts = _in_step(data, end, order, captured)
    sizes = captured[starts]
    absurd = np.flatnonzero(sizes > MAX_CAPTURED)
    if len(absurd):
        first = absurd[0]
        return starts[:first], int(starts[first]), f"claims {sizes[first]} captured bytes"
    used = int(starts[-1]) + RECORD + int(sizes[-1])
    return (starts[:-1], int(starts[-1]), "") if used > end else (starts, used, "")


def _one_by_one(data: memoryview, at: int, limit: int, order: str) -> tuple[list[int], int]:
    """The records that begin below the limit, and where the next one does."""
    captured_at = struct.Struct(order + "8xI").unpack_from
    starts: list[int] = []
    while at < limit:
        starts.append(at)
        at += RECORD + captured_at(data, at)[0]
    return starts, at


def _in_step(data: memoryview, end: int, order: str, captured: NDArray[np.uint32]) -> Ints:
    begin = _guessed(data, end, order, captured)
    limit = np.append(begin[1:], end - RECORD + 1)
    at = begin.copy()
    steps = []
    going = np.ones(len(at), dtype=bool)
    while going.any():
        steps.append(np.where(going, at, -1))
        onward = captured[np.minimum(at, end - RECORD)].astype(np.int64)
        onward += RECORD
        onward *= going
        at += onward
        going = at < limit
    walks = np.array(steps).T
    if (at[:-1] == begin[1:]).all():
        return walks[walks >= 0]
    proved: list[Ints] = []
    true = 0
    for place, (first, stop, arrived) in enumerate(zip(begin.tolist(), limit.tolist(), at.tolist(), strict=True)):
        if true == first:
            proved.append(walks[place][walks[place] >= 0])
            true = arrived
        elif true < stop:
            again, true = _one_by_one(data, true, stop, order)
            proved.append(np.array(again, dtype=np.int64))
    return np.concatenate(proved)


def _guessed(data: memoryview, end: int, order: str, captured: NDArray[np.uint32]) -> Ints:
    """Places that look like records' heads, and the first one.

    The upper half of the seconds stays the same for 18 hours; and the lengths, and the next head, must be possible.
    """
    upper = 2 if order == "<" else 0
    mark = bytes(data[upper : upper + 2])
    search = re.compile(re.escape(mark)).search
    found = [search(data, place, place + _APART) for place in range(_APART, end - 2 * RECORD, _APART)]
    at = np.array([match.start() for match in found if match is not None], dtype=np.int64) - upper
    at = at[at <= end - RECORD]
    size = captured[at]
    length = np.ndarray((end - RECORD + 1,), order + "u4", data, 12, (1,))[at]
    at = at[(size <= MAX_CAPTURED) & (size <= length)]
    onward = at + RECORD + captured[at]
    marks = np.ndarray((end - 1,), "u2", data, 0, (1,))
    fits = marks[np.minimum(onward + upper, end - 2)] == np.frombuffer(mark, "u2")[0]
    return np.concatenate([np.zeros(1, dtype=np.int64), at[fits | (onward > end - RECORD)]])
