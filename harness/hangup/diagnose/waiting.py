"""Connections that are not done with: still open, or over for so short a time that more may come of them.

They are held as frames and columns, many together, as they were found in a block; so the memory of all that were found
together is let go when the last of them is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.arrays import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from hangup.diagnose.alike import Member, Shape
    from hangup.diagnose.blocks import Block
    from hangup.diagnose.look import Look

_BYTES_A_ROW = 300
"""Of a look's columns, as measured."""
_BYTES_A_CONNECTION = 1_500
"""Of what is held of one, with its keys: an estimate."""


class Held(NamedTuple):
    """One connection."""

    member: Member
    shape: Shape | None
    """None of one that is still open."""
    stream: int


class Waiting:
    """`most`: bytes for all of them; what is more than that is to be taken with `overflow`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[int, Held] = {}
        self._over: dict[int, None] = {}
        """Those that have ended, in the order in which that was seen."""
        self._of: dict[Look, set[int]] = {}
        self._size = 0

    def put(self, held: Held) -> None:
        """One more."""
        look, key = held.member.look, held.member.key
        if look not in self._of:
            self._of[look] = set()
            self._size += _size(look)
        self._of[look].add(key)
        self._size += _BYTES_A_CONNECTION
        self._held[key] = held
        if held.shape is not None and held.shape.closed:
            self._over[key] = None

    def known(self, keys: Iterable[int]) -> list[int]:
        """Those of the keys that somebody here has."""
        return list(self._held.keys() & set(keys))

    def elsewhere(self, keys: Iterable[int], link: int) -> list[int]:
        """Those of the keys whose frames here are of another link type: they cannot stand in one block."""
        return [key for key in self.known(keys) if self._held[key].member.look.block.link != link]

    def take(self, keys: Iterable[int]) -> list[Held]:
        """These, as far as they are here; they are held no longer."""
        return [self._drop(key) for key in keys if key in self._held]

    def settled(self, before_ns: int) -> Iterator[Held]:
        """Those that had ended by that time; they are held no longer."""
        while self._over:
            key = next(iter(self._over))
            if self._held[key].member.end_ns > before_ns:
                return
            yield self._drop(key)

    def overflow(self) -> list[Held]:
        """The oldest ones, as many as there is no room for; they are held no longer."""
        gone: list[Held] = []
        while self._size > self._most and self._of:
            gone += self.take(list(next(iter(self._of.values()))))
        return gone

    def rest(self) -> list[Held]:
        """All that are left; they are held no longer."""
        return self.take(list(self._held))

    def _drop(self, key: int) -> Held:
        held = self._held.pop(key)
        self._over.pop(key, None)
        look = held.member.look
        keys = self._of[look]
        keys.remove(key)
        self._size -= _BYTES_A_CONNECTION
        if not keys:
            del self._of[look]
            self._size -= _size(look)
        return held


def _size(look: Look) -> int:
    return len(look.block.data) + _BYTES_A_ROW * len(look.block)


def parts(held: Iterable[Held]) -> list[Block]:
    """The frames of several connections, a block for each in which they were found together."""
    places: dict[Look, list[NDArray[np.int64]]] = {}
    for one in held:
        places.setdefault(one.member.look, []).append(one.member.places())
    return [look.block.part(np.sort(np.concatenate(found))) for look, found in places.items()]
