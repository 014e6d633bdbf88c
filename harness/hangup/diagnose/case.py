"""A case: one connection with all that may become evidence of why it ended. Its size does not grow with its length.

It notes what happens and draws no conclusions. Of the first FIN and the first RST of each side it takes a `Moment`:
how the connection stood just before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from hangup.diagnose.messages import Messages
from hangup.diagnose.trail import RECORD, Seen, Trail, pack, unpack
from hangup.wire import By, Connection, Flags

if TYPE_CHECKING:
    from hangup.diagnose.messages import Part
    from hangup.diagnose.records import Records
    from hangup.wire import Ending, IcmpError, Segment

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)
_BEFORE = 16
_MAX_TTLS = 8
_MAX_ICMP = 8

Kind = Literal["fin", "rst"]


class Moment(NamedTuple):
    """How a connection stood when a side sent its first FIN or RST, with what that one carried and acknowledged."""

    kind: Kind
    by: By
    number: int
    time_ns: int
    records: bytes
    """Of the last segments before it, and of itself."""
    orig_sent: int
    orig_acked: int
    resp_sent: int
    resp_acked: int
    last_data: By | None
    """Who had sent payload last."""
    last_data_ns: int
    idle_ns: int
    """Since the last segment of either side."""
    turns: int
    """How often the other side had begun to speak."""
    unanswered: bool
    """The originator waited for an answer."""
    unfinished: Part | None
    """The part in which the responder's message was."""
    missing: int | None
    asking: bool
    """The originator's message was unfinished."""

    @property
    def before(self) -> list[Seen]:
        """The last segments before it; of a long connection the last ones only."""
        return unpack(self.records)[:-1]

    @property
    def itself(self) -> Seen:
        """The segment with the FIN or RST."""
        return unpack(self.records[-RECORD.size :])[0]


class Ttl(NamedTuple):
    """A TTL that a side's segments bore, RSTs apart: the first frame that did, and how many."""

    number: int
    segments: int


class Case:
    __slots__ = (
        "_cut_in", "_last_ns", "_ttls", "_turns", "answered_early", "answers", "connection", "evicted", "last_data",
        "last_data_ns", "moments", "number", "previous", "requests", "trail",
    )  # fmt: skip

    def __init__(self, opening: Segment, number: int, previous: Ended | None = None) -> None:
        """The case that `opening` is the first segment of, fed with it."""
        self.connection = Connection(opening)
        self.number = number
        """Its place in the order of first segments, from 0 on, as Wireshark numbers `tcp.stream`."""
        self.previous = previous
        """The connection before it between the same two sockets."""
        self.evicted = False
        """It was let go while it may still have been going on, for want of memory."""
        self.trail = Trail()
        self.moments: list[Moment] = []
        self._ttls: tuple[dict[int, Ttl], dict[int, Ttl]] = ({}, {})
        """Of the side that sent the first segment, and of the other."""
        self.requests = Messages()
        self.answers = Messages(self.requests)
        self.answered_early = False
        """A final HTTP answer came before its request was whole, or without one."""
        self.last_data: By | None = None
        self.last_data_ns = 0
        self._turns = 0
        self._cut_in = False
        """When the responder spoke last, more of what it answered was under way."""
        self._last_ns = opening.time_ns
        self._note(opening)

    def is_reuse(self, segment: Segment) -> bool:
        """The segment, between the same two sockets, belongs to another connection: the next one."""
        return self.connection.is_reuse(segment) and not self._is_blind(segment)

    def _is_blind(self, segment: Segment) -> bool:
        """A SYN from elsewhere to a connection that goes on: it draws a challenge ACK at most (RFC 5961 section 4)."""
        if segment.flags & (_SYN | _ACK) != _SYN or self.moments or not self.connection.complete:
            return False
        forward = segment.src == self.connection.flow.src and segment.sport == self.connection.flow.sport
        return segment.ttl not in self._ttls[not forward]

    def feed(self, segment: Segment) -> None:
        """Take the connection's next segment."""
        if self._is_blind(segment):
            return
        self._note(segment)
        connection = self.connection
        connection.feed(segment)
        if segment.length and self.last_data == "resp":
            self._cut_in = connection.orig_bytes > connection.orig_acked
        if segment.flags & (_FIN | _RST):
            self.moments = [self._with(m) if m.number == segment.number else m for m in self.moments]

    def _with(self, moment: Moment) -> Moment:
        """The moment, with what its own segment carried and acknowledged."""
        connection = self.connection
        return moment._replace(
            orig_sent=connection.orig_bytes, orig_acked=connection.orig_acked,
            resp_sent=connection.resp_bytes, resp_acked=connection.resp_acked,
        )  # fmt: skip

    def _note(self, segment: Segment) -> None:
        connection = self.connection
        forward = segment.src == connection.flow.src and segment.sport == connection.flow.sport
        record = pack(segment, forward=forward)
        self.trail.add(record)
        by: By = "orig" if forward is connection.forward_is_orig else "resp"
        flags = segment.flags
        if segment.checksum_ok is False:
            return
        if segment.length and not flags & _RST:
            self._payload(segment, by)  # of a segment with FIN too: it comes before the FIN
        if flags & (_FIN | _RST):
            self._ending(segment, by)
        if not flags & _RST:
            self._ttl(segment, self._ttls[not forward])
        self._last_ns = segment.time_ns

    def _ending(self, segment: Segment, by: By) -> None:
        for kind, flag in (("fin", _FIN), ("rst", _RST)):
            if segment.flags & flag and not any(m.kind == kind and m.by == by for m in self.moments):
                self.moments.append(self._moment("fin" if kind == "fin" else "rst", segment, by))

    def _moment(self, kind: Kind, segment: Segment, by: By) -> Moment:
        connection = self.connection
        return Moment(
            kind, by, segment.number, segment.time_ns, self.trail.last(_BEFORE + 1),
            connection.orig_bytes, connection.orig_acked, connection.resp_bytes, connection.resp_acked,
            self.last_data, self.last_data_ns, segment.time_ns - self._last_ns, self.turns, self.unanswered,
            self.answers.unfinished, self.answers.missing, self.requests.unfinished is not None,
        )  # fmt: skip

    def _ttl(self, segment: Segment, seen: dict[int, Ttl]) -> None:
        known = seen.get(segment.ttl)
        if known is not None:
            seen[segment.ttl] = Ttl(known.number, known.segments + 1)
        elif len(seen) < _MAX_TTLS:
            seen[segment.ttl] = Ttl(segment.number, 1)

    def _payload(self, segment: Segment, by: By) -> None:
        if by != self.last_data:
            self._turns += 1
        self.last_data, self.last_data_ns = by, segment.time_ns
        messages = self.requests if by == "orig" else self.answers
        if not messages.done:
            messages.feed(segment.number, segment.seq, segment.length, segment.payload)
        if by == "resp" and not self.answers.interim:
            whole = self.requests.unfinished is None and self.answers.begun <= self.requests.begun
            self.answered_early = self.answered_early or not whole

    def icmp(self, error: IcmpError) -> None:
        """An ICMP error about one of its segments. A flood of them teaches no more than the first ones."""
        if len(self.connection.icmp) < _MAX_ICMP:
            self.connection.icmp.append(error)

    @property
    def records(self) -> Records | None:
        """Where both sides speak TLS, and all of it was captured: what its records tell."""
        records = self.requests.records
        both = self.requests.kind == "tls" == self.answers.kind
        return records if both and records is not None and records.ready else None

    @property
    def turns(self) -> int:
        """How often the other side had begun to speak; over TLS the handshake does not count, where it can be told."""
        records = self.records
        return self._turns if records is None else records.turns

    @property
    def unanswered(self) -> bool:
        """The originator waits for an answer. It spoke last, and that was not the rest of what is answered already; or
        what came was an interim answer, or what over TLS can be none."""
        records = self.records
        if records is not None:
            return records.unanswered
        if self.last_data != "orig":
            return self.answers.interim
        if self.answers.kind != "http":
            return True
        if self.requests.kind != "http":
            return not self._cut_in
        return self.answers.begun < self.requests.begun

    def ttls(self, by: By) -> dict[int, Ttl]:
        """The TTLs that a side's segments bore, RSTs apart."""
        return self._ttls[(by == "orig") is not self.connection.forward_is_orig]

    def moment(self, kind: Kind, by: By | None = None) -> Moment | None:
        """The first FIN, or RST, of a side, or of either."""
        return next((m for m in self.moments if m.kind == kind and by in (None, m.by)), None)

    @property
    def last_ns(self) -> int:
        """When the last segment was seen."""
        return self._last_ns


class Ended(NamedTuple):
    """What is kept of a connection when the next one between the same sockets opens."""

    number: int
    end_ns: int
    closed: bool
    first_fin: By | None
    reset: Ending | None


def ended(case: Case) -> Ended:
    connection = case.connection
    return Ended(
        case.number, connection.end, connection.closed, connection.first_fin, next(iter(connection.resets), None)
    )
