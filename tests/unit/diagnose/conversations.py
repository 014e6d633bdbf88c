"""Conversations for the tests of diagnosis, in the notation of `wire_packets`, with times and payload added.

`> PA 1 1 10 at=2.5` is sent 2.5 s after the first segment; without `at`, a millisecond after the one before.
`id=0` is the IP id of what a Linux kernel answers with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire_packets import V4, segments

from hangup.diagnose import Engine, Finding, conclude
from hangup.wire import Flow, IcmpError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hangup.wire import Segment

START_NS = 1_700_000_000_000_000_000
MEMORY = 1 << 24


def conversation(
    *steps: str, payloads: Mapping[int, bytes] | None = None, start: float = 0.0, **ends: int
) -> list[Segment]:
    """The segments; `payloads`: of steps, counted from 0; their lengths stand in the step."""
    out: list[Segment] = []
    clock = start - 0.001
    for place, (segment, step) in enumerate(zip(segments(*steps, **ends), steps, strict=True)):
        at = next((float(word[3:]) for word in step.split() if word.startswith("at=")), None)
        clock = clock + 0.001 if at is None else start + at
        payload = (payloads or {}).get(place, b"")
        ip_id = 0 if "id=0" in step.split() else segment.ip_id
        length = len(payload) or segment.length
        out.append(segment._replace(time_ns=START_NS + round(clock * 1e9), ip_id=ip_id, payload=payload, length=length))
    return out


def icmp(segment: Segment, kind: int, code: int, *, src: bytes = b"\xcb\x00\x71\x01") -> IcmpError:
    """An ICMP error about a segment, 1 ms later."""
    flow = Flow(segment.src, segment.sport, segment.dst, segment.dport)
    return IcmpError(segment.number, segment.time_ns + 1_000_000, src, segment.src, 64, kind, code, flow, segment.seq)


def diagnose(*conversations: Sequence[Segment | IcmpError], until: float | None = None) -> list[Finding]:
    """The findings of several conversations in one capture, in the order of their times; frames are numbered anew.

    `until`: when the capture ends, in seconds after its start.
    """
    engine = Engine(MEMORY)
    everything = sorted((s for part in conversations for s in part), key=lambda s: s.time_ns)
    for number, found in enumerate(everything, 1):
        engine.counts.last_ns = found.time_ns
        if isinstance(found, IcmpError):
            engine.icmp(found._replace(number=number))
        else:
            engine.segment(found._replace(number=number))
    end_ns = engine.counts.last_ns if until is None else START_NS + round(until * 1e9)
    return [conclude(case, engine.around, end_ns) for case in engine.cases.rest()]


def one(*steps: str, until: float | None = None, payloads: Mapping[int, bytes] | None = None, **ends: int) -> Finding:
    """The finding of a conversation alone."""
    (finding,) = diagnose(conversation(*steps, payloads=payloads, **ends), until=until)
    return finding


__all__ = ["START_NS", "V4", "conversation", "diagnose", "icmp", "one"]
