"""Was the request acted on? One rule, for every view of a connection.

`no`     nothing of it left: the originator sent no payload, not even in a SYN (RFC 7413), and can send none any more
`yes`    it was seen whole, and behind it a whole answer that does not refuse it
`maybe`  all else, and whatever a capture shows that begins too late, is cut, or misses packets

A request that was not acknowledged may have arrived all the same, behind the place of the capture; and one that was
acknowledged may never have been read. Neither proves anything.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from hangup.outcome import ActedOn
from hangup.wire.sequence import offset

if TYPE_CHECKING:
    from hangup.diagnose.facts import Facts

Retry = Literal["safe", "idempotent-only"]

RETRY: dict[ActedOn, Retry] = {
    ActedOn.NO: "safe",
    ActedOn.MAYBE: "idempotent-only",
    ActedOn.YES: "idempotent-only",
}

SAYS: dict[ActedOn, str] = {
    ActedOn.NO: "no: nothing of a request left the originator here, so a retry is safe, unless an earlier connection "
    "was an attempt too",
    ActedOn.MAYBE: "maybe: the capture does not prove either; repeat only what is idempotent",
    ActedOn.YES: "yes: the request was answered in full; a retry does it again",
}
"""As it is put to people."""

_REFUSAL = 400
"""The lowest status of an answer that refuses (RFC 9110 section 15)."""
_FIRST_NS = 1_000_000_000
"""The first time-out of a SYN (RFC 6298 section 2); each further one is twice the one before (section 5.5)."""


def acted_on(f: Facts) -> ActedOn:
    """What the capture proves of the last request."""
    if not f.handshake_seen or f.case.evicted:
        return ActedOn.MAYBE
    if _answered(f):
        return ActedOn.YES
    return ActedOn.NO if _nothing_left(f) and _is_over(f) else ActedOn.MAYBE


def _answered(f: Facts) -> bool:
    """As many whole HTTP answers were seen as requests, each behind its request."""
    asked, answers = f.case.requests, f.case.answers
    return (
        asked.kind == "http" == answers.kind
        and 0 < asked.begun == answers.begun
        and answers.whole
        and answers.status < _REFUSAL
        and not f.case.answered_early
    )


def _nothing_left(f: Facts) -> bool:
    """From the SYN on the originator sent no payload, and no number tells of packets that were not captured."""
    return f.case.trail.whole and not any(seen.length for seen in f.of("orig")) and not _misses_packets(f)


def _misses_packets(f: Facts) -> bool:
    """A number lies, or an acknowledgement reaches, beyond what its side was seen to have sent."""
    reach: dict[bool, int] = {}
    for seen in f.trail:
        known, theirs = reach.get(seen.forward), reach.get(not seen.forward)
        if known is not None and offset(seen.seq, known) > 0:
            return True
        if seen.has_ack and theirs is not None and offset(seen.ack, theirs) > 0:
            return True
        if not seen.rst:
            end = seen.seq + seen.span
            reach[seen.forward] = end if known is None or offset(end, known) > 0 else known
    return False


def _is_over(f: Facts) -> bool:
    """The originator can send nothing more: it has closed, or took a RST, or its SYN met nobody and is sent no more."""
    if f.fin("orig") is not None or any(
        r.by == "resp" or not f.foreign(r) for r in f.connection.resets if r.acceptable
    ):
        return True
    if f.synack is not None:
        return False
    times = [syn.time_ns for syn in f.syns]
    gap = max((later - sooner) / 1e9 for sooner, later in pairwise([times[0] - _FIRST_NS, *times]))
    return bool(f.connection.icmp) or f.quiet > 3 * gap  # the next one is long overdue
