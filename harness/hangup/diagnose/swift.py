"""The swift way through a large capture: what plainly ended is only counted, the rest goes to the engine.

It leaves the same findings of trouble as the plain way (`stream.findings`), numbered alike, and knows of the others
only how many there were.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hangup.diagnose.around import Event
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.columns import columns
from hangup.diagnose.finding import Finding, conclude
from hangup.diagnose.skim import Plain, flow_of, group, skim
from hangup.wire import Endpoint, Flags, host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.columns import Columns
    from hangup.diagnose.engine import Engine

    Keys = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_SYN = int(Flags.SYN)
_MOST_KEYS = 400_000


class Counted(NamedTuple):
    """What was not looked at closely."""

    orderly: int = 0
    aborted: int = 0
    """By the originator, when it had its whole answer."""


class _Known:
    """Keys of connections, of the latest blocks."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, Keys]] = deque()
        self._size = 0

    def add(self, time_ns: int, keys: Keys) -> None:
        """Those of a block that ended at that time; the oldest are forgotten where they are too many."""
        self._parts.append((time_ns, keys))
        self._size += len(keys)
        while self._size > _MOST_KEYS and len(self._parts) > 1:
            self._drop()

    def forget(self, before_ns: int) -> None:
        """Those of blocks that ended before that time."""
        while self._parts and self._parts[0][0] < before_ns:
            self._drop()

    def _drop(self) -> None:
        self._size -= len(self._parts.popleft()[1])

    def has(self, keys: Keys) -> Mask:
        """Of each: whether it is known."""
        if not self._parts:
            return np.zeros(len(keys), dtype=bool)
        return np.isin(keys, np.concatenate([part for _, part in self._parts]))


class Swift:
    """Feeds an engine block by block."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._close, self._skimmed = _Known(), _Known()
        """What was looked at closely, and may go on; what was not, and of which something may come late."""
        self.counted = Counted()

    def findings(self, blocks: Iterable[Block], *, match: bool = True) -> Iterator[Finding]:
        """Of the connections that were looked at closely."""
        engine = self._engine
        for block in blocks:
            self._feed(block)
            for case in engine.cases.settled():
                yield conclude(case, engine.around, engine.counts.last_ns, match=match)
        for case in engine.cases.rest():
            yield conclude(case, engine.around, engine.counts.last_ns, match=match)

    def _feed(self, block: Block) -> None:
        rows = columns(block)
        if not len(rows.place):
            for place in range(len(block)):
                self._engine.feed(block.frame(place))
            return
        end_ns = int(block.time_ns[-1])
        self._skimmed.forget(end_ns - SETTLED_NS)
        groups = group(rows)
        looked_at = self._close.has(groups.key)
        plain = skim(block, rows, groups, looked_at)
        passed = np.zeros(len(groups.start), dtype=bool)
        passed[plain.group] = True
        opens = (rows.flags[groups.order[groups.start]] & _SYN) > 0
        passed |= ~looked_at & ~opens & self._skimmed.has(groups.key)  # late, and it changes nothing
        close = np.ones(len(block), dtype=bool)
        close[rows.place[groups.order[passed[groups.number]]]] = False
        self._count(block, close, plain)
        self._replay(block, rows, close, plain)
        self._close.add(end_ns, groups.key[~passed])
        self._skimmed.add(end_ns, plain.key)

    def _count(self, block: Block, close: Mask, plain: Plain) -> None:
        counts, seen = self._engine.counts, self.counted
        passed = int(len(close) - close.sum())
        counts.frames += passed
        counts.segments += passed
        if counts.first_ns is None:
            counts.first_ns = int(block.time_ns[0])
        if passed:
            counts.last_ns = max(counts.last_ns, int(block.time_ns[~close].max()))
        self.counted = Counted(seen.orderly + len(plain.group) - plain.aborted, seen.aborted + plain.aborted)

    def _replay(self, block: Block, rows: Columns, close: Mask, plain: Plain) -> None:
        """Feed what is to be looked at closely; what the others tell of their hosts comes at its own time."""
        engine, cases = self._engine, self._engine.cases
        places = np.flatnonzero(close)
        opened = np.searchsorted(np.sort(plain.opened), places).tolist()
        teller = _Teller(engine, block, rows, plain)
        events = np.searchsorted(teller.places, places).tolist()
        told = 0
        for place, count, passed in zip(places.tolist(), opened, events, strict=True):
            cases.seen += count - told
            told = count
            teller.reach(passed)
            engine.feed(block.frame(place))
        cases.seen += len(plain.opened) - told
        teller.finish()


class _Teller:
    """Tells `Around` what skimmed connections show of their responders, in the order of time."""

    def __init__(self, engine: Engine, block: Block, rows: Columns, plain: Plain) -> None:
        self._around, self._block, self._rows, self._plain = engine.around, block, rows, plain
        closed = np.flatnonzero(plain.closed >= 0)
        places = np.concatenate([plain.answered, plain.closed[closed]])
        order = np.argsort(places)
        self.places = places[order]
        """Of all that is to be told, in their order."""
        self._which = np.concatenate([np.arange(len(plain.answered)), closed])[order]
        self._closed = order >= len(plain.answered)
        self._told = 0

    def reach(self, count: int) -> None:
        """So much of it has happened."""
        if count > self._told:
            part = slice(self._told, count)
            self._told = count
            places = self.places[part]
            times = self._block.time_ns[places].tolist()
            ttls = self._plain.ttl[self._which[part]].tolist()
            rows = self._plain.row[self._which[part]].tolist()
            for place, time_ns, ttl, row, closed in zip(
                places.tolist(), times, ttls, rows, self._closed[part].tolist(), strict=True
            ):
                flow = flow_of(self._block, self._rows, row)
                resp, event = Endpoint(host(flow.dst), flow.dport), Event(time_ns, self._block.first + place)
                if closed:
                    self._around.ended(resp, event)
                else:
                    self._around.answered(resp, event, ttl)

    def finish(self) -> None:
        """That was the block."""
        self.reach(len(self.places))
