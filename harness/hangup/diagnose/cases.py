"""All cases of a capture that may still go on: each segment finds its own; what is over is let go.

It holds no more cases than it is allowed to. Where there are more, the one that has been idle the longest has to
go before its time; such cases are counted, and marked, for what comes of them later looks like another connection.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from hangup.diagnose.case import Case, ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hangup.wire import Flow, IcmpError, Segment

    Key = tuple[bytes, int, bytes, int]

SETTLED_NS = 60_000_000_000
"""A connection that is over is kept for so long, since late segments tell much: TIME_WAIT's length on Linux."""

BYTES_A_CASE = 6_000
"""Of memory, as measured."""


class Cases:
    def __init__(self, most: int) -> None:
        self._most = most
        self._current: dict[Key, Case] = {}
        self._open: OrderedDict[Case, None] = OrderedDict()
        self._over: OrderedDict[Case, None] = OrderedDict()
        """Each in the order of their last segments."""
        self._settled: list[Case] = []
        self.seen = 0
        """Connections so far."""
        self.evicted = 0

    def find(self, segment: Segment) -> Case | None:
        """The case that the segment belongs to; None where it opens one."""
        case = self._current.get((segment.src, segment.sport, segment.dst, segment.dport))
        return None if case is None or case.is_reuse(segment) else case

    def open(self, segment: Segment) -> Case:
        """The case that the segment is the first of."""
        flow = segment.flow
        before = self._current.get(flow)
        fresh = Case(segment, self.seen, None if before is None else ended(before))
        self.seen += 1
        self._current[flow] = self._current[flow.reversed()] = fresh
        self._open[fresh] = None
        return fresh

    def between(self, flow: Flow) -> Case | None:
        """The case between these two sockets, whoever opened it."""
        return self._current.get(flow)

    def touched(self, case: Case, time_ns: int) -> None:
        """The case has taken a segment: it is the least idle one now, and others may have settled."""
        if case in self._over:
            self._over.move_to_end(case)
        elif case.moments and case.connection.closed:
            del self._open[case]
            self._over[case] = None
        else:
            self._open.move_to_end(case)
        self.settle(time_ns)
        if len(self._open) + len(self._over) > self._most:
            self._evict()

    def about(self, error: IcmpError) -> Case | None:
        """The case whose segment an ICMP error quotes."""
        flow = error.flow
        return self._current.get((flow.src, flow.sport, flow.dst, flow.dport))

    def settled(self) -> Iterator[Case]:
        """Those that were let go since the last call."""
        settled, self._settled = self._settled, []
        return iter(settled)

    def rest(self) -> Iterator[Case]:
        """All that are left, at the end of the capture, in the order of their first segments."""
        yield from self.settled()
        yield from sorted([*self._open, *self._over], key=lambda case: case.number)
        self._open.clear()
        self._over.clear()
        self._current.clear()

    def settle(self, time_ns: int) -> None:
        """A segment was seen at that time, of whatever connection: what is over for long enough is let go."""
        over, before_ns = self._over, time_ns - SETTLED_NS
        while over:
            case = next(iter(over))
            if case.last_ns > before_ns:
                return
            self._let_go(case, over)

    def _evict(self) -> None:
        if self._over:
            self._let_go(next(iter(self._over)), self._over)
            return
        case = next(iter(self._open))
        case.evicted = True
        self.evicted += 1
        self._let_go(case, self._open)

    def _let_go(self, case: Case, where: OrderedDict[Case, None]) -> None:
        del where[case]
        flow = case.connection.flow
        for key in (flow, flow.reversed()):
            if self._current.get(key) is case:
                del self._current[key]
        self._settled.append(case)
