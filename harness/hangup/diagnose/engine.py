"""The engine: frames in, cases out, and what was seen on the way counted. It reads no files and judges nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hangup.diagnose.around import Around, Event
from hangup.diagnose.cases import BYTES_A_CASE, Cases
from hangup.wire import LINK_TYPES, Flags, IcmpError, Segment, decode

if TYPE_CHECKING:
    from hangup.diagnose.case import Case
    from hangup.wire import Frame

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)
_TELLING = _FIN | _SYN | _RST
_IDLE_NS = 1_000_000_000
"""Shorter pauses before an ending are no idleness."""


@dataclass
class Counts:
    """What was read."""

    frames: int = 0
    segments: int = 0
    stray_icmp: int = 0
    """ICMP errors about segments of no connection seen."""
    unknown_links: Counter[int] = field(default_factory=Counter)
    """Frames by link type, of those that cannot be decoded."""
    first_ns: int | None = None
    last_ns: int = 0

    def frame(self, frame: Frame) -> None:
        """One more."""
        self.frames += 1
        if self.first_ns is None:
            self.first_ns = frame.time_ns
        self.last_ns = max(self.last_ns, frame.time_ns)
        if frame.link not in LINK_TYPES:
            self.unknown_links[frame.link] += 1


class Engine:
    """Fed frame by frame. `max_memory`: bytes for all cases together."""

    def __init__(self, max_memory: int, *, checksums: bool = False) -> None:
        self.counts = Counts()
        self.max_memory = max_memory
        self.around = Around()
        self.cases = Cases(max(16, max_memory // BYTES_A_CASE))
        self.checksums = checksums

    def feed(self, frame: Frame) -> Case | None:
        """Take the next frame; the case that it belongs to."""
        self.counts.frame(frame)
        found = decode(frame, checksums=self.checksums)
        self.counts.segments += isinstance(found, Segment)
        return self.take(found)

    def take(self, found: Segment | IcmpError | None) -> Case | None:
        """Take what the next frame carries, which was counted."""
        if found is None:
            return None
        if isinstance(found, IcmpError):
            return self.icmp(found)
        return self.segment(found)

    def segment(self, segment: Segment) -> Case:
        """Take a segment."""
        case = self.cases.find(segment)
        if case is None:
            case = self.cases.open(segment)
        else:
            case.feed(segment)
        if segment.flags & _TELLING:
            self._tell(case, segment)
        self.cases.touched(case, segment.time_ns)
        return case

    def icmp(self, error: IcmpError) -> Case | None:
        """Take an ICMP error."""
        case = self.cases.about(error)
        if case is None:
            self.counts.stray_icmp += 1
        else:
            case.icmp(error)
        return case

    def _tell(self, case: Case, segment: Segment) -> None:
        """Others may be judged by what this one met."""
        flags, around = segment.flags, self.around
        from_resp = (segment.src == case.connection.flow.src and segment.sport == case.connection.flow.sport) is not (
            case.connection.forward_is_orig
        )
        connection, event = case.connection, Event(segment.time_ns, segment.number, case.number)
        if flags & _SYN:
            if from_resp and flags & _ACK:
                around.answered(connection.resp, event, segment.ttl)
            return
        moment = next((m for m in case.moments if m.number == segment.number), None)
        if moment is None:
            return
        first = len(case.moments) == 1
        if first and moment.last_data and moment.idle_ns >= _IDLE_NS and not moment.unanswered:
            around.idle(connection.resp if from_resp else connection.orig, case.number, moment.idle_ns / 1e9)
        if not from_resp or not (first or connection.state == "REJ"):
            return
        if connection.state == "REJ":
            around.refused(connection.resp, event)
        elif flags & _ACK:
            around.ended(connection.resp, event)
        else:
            around.unknown_there(connection.resp, event)
