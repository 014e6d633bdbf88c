"""Connections that are alike: which agree in all that signatures look at, and so have ended for the same reason.

The first of a shape is looked at closely, segment by segment, and what comes of it holds for the others (`likeness`
tells what makes a shape).

What other connections tell (`around`) is asked again for each: a shape has a verdict for each set of answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.around import Around
from hangup.diagnose.arrays import np
from hangup.diagnose.engine import Engine
from hangup.diagnose.facts import Facts
from hangup.diagnose.finding import Outline, conclude
from hangup.diagnose.likeness import Likeness
from hangup.diagnose.look import SECOND, Look
from hangup.diagnose.telling import ENDED, REFUSED, UNKNOWN_THERE
from hangup.wire import Connection, Endpoint, Segment, decode, host

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.around import Event, Idle
    from hangup.diagnose.case import Case
    from hangup.diagnose.causes import Culprit, Hypothesis
    from hangup.diagnose.finding import Severity
    from hangup.wire import By, ConnState

    Ints = NDArray[np.int64]

_MOST_SHAPES = 20_000


class Verdict(NamedTuple):
    """What is to be said of every connection of a shape that others tell the same of."""

    state: ConnState
    history: str
    reset: bool
    by: Culprit
    severity: Severity
    causes: tuple[Hypothesis, ...]


class Shape:
    """What all connections of it have in common. Rows are counted from a connection's first."""

    __slots__ = ("asks", "case", "closed", "first", "lasting", "member", "reset", "reset_by", "tells", "verdicts")

    def __init__(
        self, member: Member, tells: list[tuple[int, int]], lasting: int, facts: Facts, rows: dict[int, int]
    ) -> None:
        self.member: Member | None = member
        self.case: Case | None = facts.case
        """The first of it, looked at closely, until it is concluded."""
        self.tells = tells
        """What it tells of its responder to others."""
        self.lasting = lasting
        """The row with which its duration ends."""
        self.closed = bool(facts.case.moments) and facts.connection.closed
        self.first = rows[facts.first.number] if facts.first is not None else None
        self.reset = rows[facts.reset.number] if facts.reset is not None else None
        self.reset_by: By = facts.reset.by if facts.reset is not None else "resp"
        self.asks: set[str] = set()
        """The questions on which the verdict depends."""
        self.verdicts: dict[tuple[object, ...], Verdict] = {}


class Member(NamedTuple):
    """A connection that may have a shape."""

    look: Look
    group: int
    key: int
    row: int
    """Of the look, in the groups' order: its first one."""
    size: int
    first: int
    """The number of its first frame."""
    start_ns: int
    end_ns: int
    data_ns: int
    """When payload came last; 0 where none did."""
    orig_bytes: int
    resp_bytes: int

    def places(self) -> Ints:
        """Of the look's block: its frames."""
        return self.look.rows.place[self.look.groups.order[self.row : self.row + self.size]]

    def segments(self) -> list[Segment]:
        """In their order."""
        block = self.look.block
        found = [decode(block.frame(place)) for place in self.places().tolist()]
        return [segment for segment in found if isinstance(segment, Segment)]

    def ends(self) -> tuple[Endpoint, Endpoint]:
        """Originator and responder."""
        flow = self.look.flow(int(self.look.groups.order[self.row]))
        return Endpoint(host(flow.src), flow.sport), Endpoint(host(flow.dst), flow.dport)

    def time(self, row: int) -> int:
        """Of one of its segments."""
        return int(self.look.time[self.row + row])


def members(look: Look, groups: Ints) -> list[Member]:
    """These groups. Their bytes are right for those that are `fit`."""
    if not len(groups):
        return []
    start, own = look.groups.start, look.own
    sent = []
    for side in (own, ~own):
        last = look.last(side)
        reach = np.where(last >= 0, look.reaches[1][np.maximum(last, 0)], 0)
        sent.append(np.maximum(0, reach - (look.count(look.syn & side) > 0) - (look.count(look.fin & side) > 0)))
    data = look.last(look.size > 0)
    data_ns = np.where(data >= 0, look.time[np.maximum(data, 0)], 0)
    first = look.numbers(look.groups.order[start])
    columns = (look.groups.key, start, look.groups.size, first, look.time[start], look.time[look.final], data_ns, *sent)
    return [
        Member(look, group, *values)
        for group, *values in zip(groups.tolist(), *(column[groups].tolist() for column in columns), strict=True)
    ]


class _Told(Around):
    """Notes what a connection tells."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[int, int]] = []
        self.more = False
        """It tells of itself what is not noted here."""

    def answered(self, resp: Endpoint, event: Event, ttl: int) -> None:
        """Told of every connection, whatever its shape."""

    def refused(self, resp: Endpoint, event: Event) -> None:
        self.events.append((REFUSED, event.packet))

    def ended(self, resp: Endpoint, event: Event) -> None:
        self.events.append((ENDED, event.packet))

    def unknown_there(self, resp: Endpoint, event: Event) -> None:
        self.events.append((UNKNOWN_THERE, event.packet))

    def idle(self, side: Endpoint, stream: int, seconds: float) -> None:
        self.more = True


class _Asked(Around):
    """Passes questions on, and notes them."""

    def __init__(self, around: Around, orig: Endpoint, resp: Endpoint) -> None:
        super().__init__()
        self._real, self._orig, self._resp = around, orig, resp
        self.names: set[str] = set()

    def usual_ttl(self, address: str) -> int | None:
        if address == self._orig.address:
            self.names.add("ttl of orig")
        if address == self._resp.address:
            self.names.add("ttl of resp")
        return self._real.usual_ttl(address)

    def refusal_after(self, endpoint: Endpoint, time_ns: int) -> Event | None:
        self.names.add("refusal")
        return self._real.refusal_after(endpoint, time_ns)

    def takes(self, endpoint: Endpoint) -> Event | None:
        self.names.add("takes")
        return self._real.takes(endpoint)

    def ended_together(self, endpoint: Endpoint, time_ns: int, other_than: int) -> list[Event]:
        self.names.add("together")
        return self._real.ended_together(endpoint, time_ns, other_than)

    def forgotten_together(self, address: str, time_ns: int, other_than: int) -> list[Event]:
        self.names.add("forgotten")
        return self._real.forgotten_together(address, time_ns, other_than)

    def same_idle(self, endpoint: Endpoint, seconds: float, other_than: int) -> list[Idle]:
        raise AssertionError("what had been idle has no shape")


class Shapes:
    """The shapes so far."""

    def __init__(self) -> None:
        self._known: dict[object, Shape | None] = {}

    def of(self, look: Look, found: list[Member]) -> list[Shape | None]:
        """Of each of these, that are `fit`; None where it has none."""
        if not found:
            return []
        keys = Likeness(look)
        shapes: list[Shape | None] = []
        for member in found:
            key = keys.of(member.row, member.row + member.size)
            if key is None:
                shapes.append(None)
                continue
            if key not in self._known:
                if len(self._known) >= _MOST_SHAPES:
                    self._known.clear()
                self._known[key] = _shape(member)
            shapes.append(self._known[key])
        return shapes


def _case(member: Member, stream: int) -> tuple[Case | None, _Told, list[Segment]]:
    """The connection, looked at closely; None where it turns out to be more than one."""
    told = _Told()
    engine = Engine(1 << 20)
    engine.around = told
    engine.cases.seen = stream
    segments = member.segments()
    for segment in segments:
        engine.segment(segment)
    cases = list(engine.cases.rest())
    return (cases[0] if len(cases) == 1 else None), told, segments


def _shape(member: Member) -> Shape | None:
    case, told, segments = _case(member, 0)
    if case is None or told.more:
        return None
    connection = case.connection
    if (connection.orig_bytes, connection.resp_bytes) != (member.orig_bytes, member.resp_bytes):
        return None
    clocked = [segment._replace(time_ns=row) for row, segment in enumerate(segments)]
    timed = Connection(clocked[0])
    for segment in clocked[1:]:
        timed.feed(segment)
    rows = {segment.number: row for row, segment in enumerate(segments)}
    tells: list[tuple[int, int]] = [(kind, rows[number]) for kind, number in told.events]
    return Shape(member, tells, timed.duration, Facts(case, told, 0), rows)


def outline(shape: Shape, member: Member, stream: int, around: Around, until_ns: int) -> Outline:
    """What is to be said of one of a shape."""
    orig, resp = member.ends()
    asker = _Asker(member, stream, orig, resp, around, until_ns)
    answers = asker.answers(shape)
    verdict = shape.verdicts.get(answers)
    if verdict is None:
        asked = _Asked(around, orig, resp)
        case = shape.case if shape.case is not None and shape.member is member else _case(member, stream)[0]
        assert case is not None
        case.number = stream
        shape.member = shape.case = None
        found = conclude(case, asked, until_ns, match=False)
        verdict = Verdict(
            found.conn_state, found.history, found.reset, found.ended_by, found.severity,
            tuple(hypothesis._replace(evidence=()) for hypothesis in found.causes),
        )  # fmt: skip
        if not asked.names <= shape.asks:
            shape.asks |= asked.names
            shape.verdicts.clear()
            answers = asker.answers(shape)
        shape.verdicts[answers] = verdict
    return Outline(
        stream=stream, orig=orig, resp=resp, start_ns=member.start_ns,
        duration_ns=member.time(shape.lasting) - member.start_ns, end_ns=member.end_ns, conn_state=verdict.state,
        history=verdict.history, orig_bytes=member.orig_bytes, resp_bytes=member.resp_bytes, reset=verdict.reset,
        ended_by=verdict.by, severity=verdict.severity,
        causes=verdict.causes,
    )  # fmt: skip


class _Asker(NamedTuple):
    """Asks for one connection what decides between the verdicts of its shape."""

    member: Member
    stream: int
    orig: Endpoint
    resp: Endpoint
    around: Around
    until_ns: int

    def answers(self, shape: Shape) -> tuple[object, ...]:
        """As far as they make a difference."""
        asks, member, around = shape.asks, self.member, self.around
        found: list[object] = []
        if shape.first is None:
            found += [self.until_ns - member.end_ns >= SECOND, self.until_ns - member.data_ns >= SECOND]
        for name, end, own in (("ttl of orig", self.orig, True), ("ttl of resp", self.resp, False)):
            if name in asks:
                usual = around.usual_ttl(end.address)
                found.append(None if usual is None else usual - self._first_ttl(own=own))
        if "takes" in asks:
            found.append(around.takes(self.resp) is None)
        if "refusal" in asks:
            found.append(around.refusal_after(self.resp, member.time(shape.first or 0)) is None)
        if "together" in asks:
            found.append(not around.ended_together(self.resp, member.time(shape.first or 0), self.stream))
        if "forgotten" in asks:
            side = self.resp if shape.reset_by == "resp" else self.orig
            found.append(not around.forgotten_together(side.address, member.time(shape.reset or 0), self.stream))
        return tuple(found)

    def _first_ttl(self, *, own: bool) -> int:
        look = self.member.look
        row = self.member.row if own else int(look.answer[self.member.group])
        return int(look.rows.ttl[look.groups.order[row]])
