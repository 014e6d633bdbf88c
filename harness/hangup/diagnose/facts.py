"""Facts: what a case shows of its end, in the terms that causes are told by. It draws no conclusions.

It joins a case with what other connections show (`around`). Sequence numbers are compared, never shown.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hangup.wire.sequence import offset

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hangup.diagnose.around import Around
    from hangup.diagnose.case import Case, Moment
    from hangup.diagnose.trail import Seen
    from hangup.wire import By, Connection, Ending

_SECOND = 1_000_000_000
_CLOSE_NOTIFY = 40
"""Bytes of an encrypted alert at most: 24 in TLS 1.3, 31 in TLS 1.2 with AES-GCM. HTTP/1.1 has no request as short."""

OTHER: dict[By, By] = {"orig": "resp", "resp": "orig"}
ROLE: dict[By, str] = {"orig": "originator", "resp": "responder"}


class Facts:
    def __init__(self, case: Case, around: Around, until_ns: int) -> None:
        """`until_ns`: when the capture ended, or the case was let go."""
        self.case = case
        self.around = around
        self.connection: Connection = case.connection
        self._until_ns = until_ns
        self._forward_is_orig = case.connection.forward_is_orig
        self._of: dict[By, list[Seen]] = {}

    @cached_property
    def trail(self) -> list[Seen]:
        """The first and the last segments."""
        return self.case.trail.segments()

    def by(self, seen: Seen) -> By:
        """Who sent a segment, as its header says."""
        return "orig" if seen.forward is self._forward_is_orig else "resp"

    def of(self, by: By) -> list[Seen]:
        """The segments of one side."""
        if by not in self._of:
            forward = (by == "orig") is self._forward_is_orig
            self._of[by] = [seen for seen in self.trail if seen.forward is forward]
        return self._of[by]

    @cached_property
    def established(self) -> bool:
        """The originator acknowledged the responder's SYN, or it was under way when the capture began."""
        if self.synack is not None:
            behind = self.synack.seq + 1
            return any(s.has_ack and not s.rst and offset(s.ack, behind) >= 0 for s in self.of("orig"))
        return not self.syns

    @cached_property
    def syns(self) -> list[Seen]:
        """SYNs of the originator."""
        return [s for s in self.of("orig") if s.syn and not s.has_ack]

    @cached_property
    def synack(self) -> Seen | None:
        """The first SYN+ACK of the responder."""
        return next((s for s in self.of("resp") if s.syn), None)

    @cached_property
    def handshake_seen(self) -> bool:
        """It was captured from its first SYN on."""
        return bool(self.syns)

    @cached_property
    def endings(self) -> list[Moment]:
        """The first FIN and the first RST of each side, in their order, without RSTs that their receiver ignored."""
        return [m for m in self.case.moments if m.kind == "fin" or m.number not in self._ignored]

    @cached_property
    def first(self) -> Moment | None:
        """The FIN or RST that began the end."""
        return next(iter(self.endings), None)

    def fin(self, by: By | None = None) -> Moment | None:
        """The first FIN, or that of one side."""
        return next((m for m in self.endings if m.kind == "fin" and by in (None, m.by)), None)

    @cached_property
    def reset(self) -> Moment | None:
        """The first RST that counted."""
        return next((m for m in self.endings if m.kind == "rst"), None)

    def rst(self, moment: Moment) -> Ending:
        """A RST's header."""
        return next(r for r in self.connection.resets if r.number == moment.number)

    @cached_property
    def ignored(self) -> list[Ending]:
        """RSTs with a number that their receiver does not take, and after which it went on."""
        return [
            r
            for r in self.connection.resets
            if not r.acceptable and self.case.last_data is not None and self.went_on(r.number, OTHER[r.by])
        ]

    @cached_property
    def _ignored(self) -> set[int]:
        return {r.number for r in self.ignored}

    def went_on(self, number: int, by: By) -> bool:
        """A side sent something but a RST after that frame."""
        return any(s.number > number and not s.rst for s in self.of(by))

    def after(self, number: int, by: By, *, data: bool = False) -> list[Seen]:
        """What a side sent after that frame, RSTs apart; `data`: only payload."""
        return [s for s in self.of(by) if s.number > number and not s.rst and (s.length or not data)]

    def late(self, number: int, by: By) -> list[Seen]:
        """Payload that a side sent after that frame, and not before: what arrived out of order; not what came again."""
        known = {s.seq: s.length for s in self.of(by) if s.number <= number and s.length}
        return [s for s in self.after(number, by, data=True) if s.length > known.get(s.seq, 0)]

    def written_after(self, fin: Moment) -> list[Seen]:
        """Payload that the other side sent after a FIN, and that the FIN does not acknowledge."""
        other = OTHER[fin.by]
        late = self._beyond(fin.itself.ack, self.after(fin.number, other, data=True))
        return [] if self._is_goodbye(other, late) else late

    def written_past(self, reset: Moment) -> list[Seen]:
        """Payload that a side sent after its own RST, and from beyond the RST's number on. What it had sent before may
        well come again: a kernel's timer does not wait."""
        return self._beyond(reset.itself.seq, self.after(reset.number, reset.by, data=True))

    @staticmethod
    def _beyond(number: int, segments: list[Seen]) -> list[Seen]:
        return [s for s in segments if offset(s.seq + s.length, number) > 0]

    def goodbye(self, fin: Moment) -> bool:
        """All that the other side sent after a FIN is a TLS close_notify."""
        other = OTHER[fin.by]
        return self._is_goodbye(other, self.after(fin.number, other, data=True))

    def _is_goodbye(self, by: By, segments: list[Seen]) -> bool:
        messages = self.case.requests if by == "orig" else self.case.answers
        return bool(segments) and messages.kind == "tls" and sum(s.length for s in segments) <= _CLOSE_NOTIFY

    @staticmethod
    def reach(segments: Iterable[Seen]) -> int | None:
        """The number behind the last one that they take."""
        reach = None
        for seen in segments:
            end = seen.seq + seen.span
            reach = end if reach is None or offset(end, reach) > 0 else reach
        return reach

    def drawn_by(self, moment: Moment) -> Seen | None:
        """What a RST answers, if it is an answer: the other side's segment whose ACK number it took for its own.

        RFC 9293 section 3.5.2: "the reset takes its sequence number from the ACK field of the segment".
        """
        rst = moment.itself
        for seen in reversed(moment.before):
            if seen.forward is not rst.forward and seen.has_ack and not seen.rst:
                return seen if seen.ack == rst.seq else None
        return None

    def last_of(self, moment: Moment, by: By) -> Seen | None:
        """The last segment that a side had sent before a moment."""
        return next((s for s in reversed(moment.before) if self.by(s) == by), None)

    def unlike_ttl(self, moment: Moment) -> tuple[int, int] | None:
        """A RST's TTL, and what its side's other segments bear instead; None where they agree, or nothing is known."""
        ttl, by = moment.itself.ttl, moment.by
        usual = self.case.ttls(by)
        if not usual:
            known = self.around.usual_ttl(self.host(by))
            return (ttl, known) if known is not None and known != ttl else None
        if ttl in usual:
            return None
        return ttl, max(usual, key=lambda value: usual[value].segments)

    def foreign(self, rst: Ending) -> bool:
        """A RST whose TTL no other segment of its side bears; or of a side of which nothing else is known."""
        return rst.ttl not in self.case.ttls(rst.by)

    def ttl_known(self, by: By) -> bool:
        """There is something to compare a RST's TTL with."""
        return bool(self.case.ttls(by)) or self.around.usual_ttl(self.host(by)) is not None

    def host(self, by: By) -> str:
        """The address of a side."""
        return (self.connection.orig if by == "orig" else self.connection.resp).address

    @cached_property
    def waiting(self) -> bool:
        """The originator got no answer to the end."""
        return self.case.unanswered

    @cached_property
    def quiet(self) -> float:
        """Seconds without a segment before the first FIN or RST, or before the end of the capture."""
        if self.first is not None:
            return self.first.idle_ns / _SECOND
        return (self._until_ns - self.case.last_ns) / _SECOND

    @cached_property
    def waited(self) -> float:
        """Seconds from the last payload to the first FIN or RST, or to the end of the capture."""
        if self.case.last_data is None:
            return 0.0
        if self.first is not None:
            return (self.first.time_ns - self.first.last_data_ns) / _SECOND if self.first.last_data else 0.0
        return (self._until_ns - self.case.last_data_ns) / _SECOND

    @cached_property
    def all_acknowledged(self) -> bool:
        """Every byte that either side sent was acknowledged by the other."""
        c = self.connection
        return c.orig_acked >= c.orig_bytes and c.resp_acked >= c.resp_bytes

    @cached_property
    def spoken(self) -> bool:
        """Any payload was sent."""
        return bool(self.connection.orig_bytes or self.connection.resp_bytes)

    def unanswered_tail(self, by: By) -> list[Seen]:
        """What a side sent, at the end, that the other never reacted to: no segment of the other's after it."""
        tail: list[Seen] = []
        for seen in reversed(self.trail):
            if self.by(seen) == by:
                if not seen.rst:
                    tail.append(seen)
            elif not seen.rst:
                break
        return tail[::-1]
