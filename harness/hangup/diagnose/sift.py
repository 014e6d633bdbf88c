"""A block is sifted: of the connections that plainly ended a few arrays tell all, and the frames of the others go on.

What comes of it does not lean on the block, whose memory the next one takes, and is small: so it may be done by another
process (`ahead`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.arrays import among, np
from hangup.diagnose.columns import is_udp, key_of
from hangup.diagnose.known import Known
from hangup.diagnose.look import Look
from hangup.diagnose.skim import skim
from hangup.diagnose.telling import ANSWERED, ENDED, Events, events
from hangup.wire import LINK_TYPES, Flags, Segment, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.skim import Plain

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_SYN, _OPENING = np.uint8(Flags.SYN), np.uint8(Flags.SYN | Flags.ACK)
_MOST_UNFINISHED = 1_000_000
"""Connections, eight bytes each. What comes of an older one may be taken for one of its own."""


class Over(NamedTuple):
    """Connections that plainly ended: by their keys, and what they tell others of their responders."""

    key: Keys
    opened: Ints
    """The numbers of the frames with which they opened."""
    aborted: int
    """How many of them the originator aborted."""
    ended: Events


class Strange(NamedTuple):
    """A frame that is no plain TCP, and yet of a connection."""

    key: int
    segment: bool
    """Else it is an ICMP error about a segment."""


class Sifted(NamedTuple):
    """What is left of a block."""

    link: int
    number: int
    """Of the first of its frames, which follow one another."""
    time_ns: Ints
    """Of each frame."""
    segments: Ints
    """The places of those with plain TCP."""
    over: Over
    answered: Events
    """Of those that are over."""
    rest: Block
    """The frames of all other connections."""
    group: Ints
    """Of each of these: its connection, as a place in the arrays that follow."""
    key: Keys
    first_ns: Ints
    opens: Mask
    """It has a SYN here."""
    strange: Block
    """Frames that are no plain TCP, and yet of a connection."""
    strangers: list[Strange]
    """What each of them is."""

    def __len__(self) -> int:
        return len(self.time_ns)


def over(look: Look, plain: Plain, fresh: int = 0) -> Over:
    """These plainly ended. What they tell was told already where it was in frames before `fresh`."""
    by_responder = np.flatnonzero(plain.closed >= 0)
    told = by_responder[look.numbers(plain.closed[by_responder]) >= fresh]
    return Over(
        look.groups.key[plain.group], look.numbers(plain.opened), int(plain.aborted.sum()),
        events(look, ENDED, plain.closed[told], plain.opened[told]),
    )  # fmt: skip


class Sieve:
    """Takes a capture's blocks, one after the other."""

    def __init__(self) -> None:
        self._unfinished = Known(_MOST_UNFINISHED)
        """Connections of which a block has had more than what plainly ended: of those nothing is plain any more."""

    def sift(self, block: Block) -> Sifted:
        """The next block."""
        look = Look(block)
        rows, groups = look.rows, look.groups
        places, strangers = _strangers(look)
        strange = np.array(sorted({stranger.key for stranger in strangers}), dtype=np.uint64)
        plain = skim(look)
        plain = plain.but((self._unfinished.has(groups.key) | among(groups.key, strange))[plain.group])
        left = np.ones(len(look), dtype=bool)
        left[plain.group] = False
        of_row = np.empty(len(rows.place), dtype=np.int64)
        of_row[groups.order] = groups.number
        kept = np.flatnonzero(left[of_row])
        opens = np.zeros(len(look), dtype=bool)
        opens[groups.number[np.flatnonzero(rows.flags[groups.order] & _OPENING == _SYN)]] = True
        self._unfinished.add(np.concatenate([groups.key[left], strange]))
        return Sifted(
            link=block.link, number=int(block.number[0]), time_ns=block.time_ns, segments=rows.place,
            over=over(look, plain), answered=events(look, ANSWERED, plain.answered, plain.opened),
            rest=block.part(rows.place[kept]), group=(np.cumsum(left) - 1)[of_row[kept]], key=groups.key[left],
            first_ns=look.first_ns[left], opens=opens[left], strange=block.part(places), strangers=strangers,
        )  # fmt: skip


def _strangers(look: Look) -> tuple[Ints, list[Strange]]:
    """The places of such frames, and what they are."""
    block, places = look.block, look.rows.place
    if block.link not in LINK_TYPES or len(places) == len(block):
        return np.zeros(0, dtype=np.int64), []
    unlike = ~is_udp(block)
    unlike[places] = False
    found: list[int] = []
    strangers = []
    for place in np.flatnonzero(unlike).tolist():
        carried = decode(block.frame(place))
        if carried is not None:
            strangers.append(Strange(key_of(carried.flow), isinstance(carried, Segment)))
            found.append(place)
    return np.array(found, dtype=np.int64), strangers
