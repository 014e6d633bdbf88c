"""Which connections the latest blocks have had, told by the hash of their two sockets."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hangup.diagnose.arrays import among, np
from hangup.diagnose.cases import SETTLED_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_MOST_KEYS = 400_000


class Known:
    """Keys of connections, the latest `most` of them, or some less.

    They are few sorted arrays, the older the larger: each grows by the next one until it is a quarter of all.
    """

    def __init__(self, most: int = _MOST_KEYS) -> None:
        self._most = most
        self._parts: deque[Keys] = deque()

    def add(self, keys: Keys) -> None:
        """These, too; the oldest are forgotten where they are too many."""
        part = np.sort(keys)
        parts = self._parts
        while parts and len(parts[-1]) <= 2 * len(part) <= self._most // 4:
            part = np.sort(np.concatenate([parts.pop(), part]), kind="stable")  # which merges what is in order
        if len(part):
            parts.append(part)
        while sum(map(len, parts)) > self._most and len(parts) > 1:
            parts.popleft()

    def has(self, keys: Keys) -> Mask:
        """Of each: whether it is known."""
        known = np.zeros(len(keys), dtype=bool)
        for part in self._parts if len(keys) else ():
            known |= among(keys, part)
        return known


class Lately:
    """Keys of connections that are over, with the time when they were: for as long as a connection is kept then."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, Keys]] = deque()
        self._size = 0

    def add(self, time_ns: int, keys: Keys) -> None:
        """Those of a block that ended at that time; the oldest are forgotten where they are too many."""
        if len(keys):
            self._parts.append((time_ns, np.sort(keys)))
            self._size += len(keys)
        while self._size > _MOST_KEYS and len(self._parts) > 1:
            self._drop()

    def forget(self, before_ns: int) -> None:
        """Those of blocks that ended before that time."""
        while self._parts and self._parts[0][0] < before_ns:
            self._drop()

    def _drop(self) -> None:
        self._size -= len(self._parts.popleft()[1])

    def has(self, keys: Keys, times: Ints) -> Mask:
        """Of each: whether it is known, and at that time was no longer over than a connection is kept."""
        known = np.zeros(len(keys), dtype=bool)
        for time_ns, part in self._parts if len(keys) else ():
            known |= among(keys, part) & (times <= time_ns + SETTLED_NS)
        return known
