"""The swift way through a large capture: what plainly ended in order is counted, only the rest goes to the engine.

It leaves the same findings of trouble as the plain way (`stream.findings`), numbered alike, and knows of the others
only how many there were.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from hangup.diagnose.around import Event
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.columns import columns
from hangup.diagnose.finding import Finding, conclude
from hangup.diagnose.skim import Groups, Skimmed, flow_of, group, skim
from hangup.wire import Endpoint, Flow, host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.columns import Columns
    from hangup.diagnose.engine import Engine

_MOST_RECENT = 200_000


class _What(IntEnum):
    """What a skimmed connection tells of its host."""

    OPENED = 0
    ANSWERED = 1
    CLOSED = 2


def _events(one: Skimmed) -> Iterator[tuple[int, _What, Skimmed]]:
    yield one.opened, _What.OPENED, one
    yield one.answered, _What.ANSWERED, one
    if one.closed is not None:
        yield one.closed, _What.CLOSED, one


class Swift:
    """Feeds an engine block by block."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: OrderedDict[Flow, int] = OrderedDict()
        """Connections that were skimmed, and when they ended: what comes late of them changes nothing."""
        self.skimmed = 0
        """How many plainly ended in order."""

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
        close = np.ones(len(block), dtype=bool)
        plain: list[Skimmed] = []
        if len(rows.place):
            groups = group(rows)
            found, numbers = skim(block, rows, groups)
            kept = [
                (one, number) for one, number in zip(found, numbers.tolist(), strict=True) if self._is_new(one.flow)
            ]
            plain = [one for one, _ in kept]
            passed = np.zeros(len(groups.start), dtype=bool)
            passed[[number for _, number in kept]] = True
            passed[self._late(block, rows, groups, passed)] = True
            close[rows.place[groups.order[passed[groups.number]]]] = False
        self._count(block, close)
        self._replay(block, close, plain)
        self._remember(block, plain)

    def _is_new(self, flow: Flow) -> bool:
        """The engine has nothing between these two sockets."""
        return self._engine.cases.between(flow) is None

    def _late(self, block: Block, rows: Columns, groups: Groups, passed: NDArray[np.bool_]) -> list[int]:
        """The groups that are no more than late segments of connections that were skimmed."""
        if not self._recent:
            return []
        opening = groups.order[groups.start]
        candidates = np.flatnonzero(((rows.flags[opening] & 2) == 0) & ~passed)
        late = []
        for number in candidates.tolist():
            flow = flow_of(block, rows, int(opening[number]))
            if (flow in self._recent or flow.reversed() in self._recent) and self._is_new(flow):
                late.append(number)
        return late

    def _count(self, block: Block, close: NDArray[np.bool_]) -> None:
        counts = self._engine.counts
        passed = int(len(close) - close.sum())
        counts.frames += passed
        counts.segments += passed
        if counts.first_ns is None:
            counts.first_ns = int(block.time_ns[0])
        if passed:
            counts.last_ns = max(counts.last_ns, int(block.time_ns[~close].max()))

    def _replay(self, block: Block, close: NDArray[np.bool_], plain: list[Skimmed]) -> None:
        """Feed what is to be looked at closely; what the others tell of their hosts comes at its own time."""
        engine = self._engine
        told = iter(sorted(chain.from_iterable(_events(one) for one in plain)))
        following = next(told, None)
        for place in np.flatnonzero(close).tolist():
            while following is not None and following[0] < place:
                self._tell(block, *following)
                following = next(told, None)
            engine.feed(block.frame(place))
        while following is not None:
            self._tell(block, *following)
            following = next(told, None)

    def _tell(self, block: Block, place: int, what: _What, one: Skimmed) -> None:
        engine, flow = self._engine, one.flow
        if what is _What.OPENED:
            engine.cases.seen += 1
            return
        resp = Endpoint(host(flow.dst), flow.dport)
        event = Event(int(block.time_ns[place]), block.first + place)
        if what is _What.ANSWERED:
            engine.around.answered(resp, event, one.ttl)
        else:
            engine.around.ended(resp, event)

    def _remember(self, block: Block, plain: list[Skimmed]) -> None:
        self.skimmed += len(plain)
        recent = self._recent
        for one in sorted(plain, key=lambda one: one.last):
            recent[one.flow] = int(block.time_ns[one.last])
            recent.move_to_end(one.flow)
        oldest = int(block.time_ns[-1]) - SETTLED_NS
        while recent and (len(recent) > _MOST_RECENT or next(iter(recent.values())) < oldest):
            recent.popitem(last=False)
