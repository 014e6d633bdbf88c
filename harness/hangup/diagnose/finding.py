"""A finding: what is said of one connection. Plain data, free of the case that it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.acted_on import acted_on
from hangup.diagnose.causes import UNKNOWN, Culprit, Evidence, Hypothesis
from hangup.diagnose.facts import Facts
from hangup.diagnose.signatures import SIGNATURES

if TYPE_CHECKING:
    from hangup.diagnose.around import Around
    from hangup.diagnose.case import Case
    from hangup.diagnose.matching import Match
    from hangup.diagnose.trail import Trail
    from hangup.outcome import ActedOn
    from hangup.wire import By, ConnState, Endpoint

_LIKELY = 0.3
"""Where no hypothesis is more likely than this, the cause is unknown."""
_THIRD_PARTY = ("middlebox-reset", "forged-reset", "firewall-reject", "reset-ignored")
_CALM = ("orderly-close", "still-open", "idle-timeout")


class Severity(StrEnum):
    """What the ending did to the application's data, whatever its cause. Most connections that carry a RST lost nothing
    (Arlitt and Williamson 2005: 15 to 25 % of all)."""

    NONE = "none"
    LOW = "low"
    """A RST, but everything sent had been acknowledged, and nothing was waited for."""
    MEDIUM = "medium"
    """It ended against one side's will, as far as is known between two exchanges."""
    HIGH = "high"
    """No connection came about, or a request went unanswered, or an answer or other bytes were cut off."""


class Mark(NamedTuple):
    """A FIN or RST."""

    packet: int
    by: Culprit


@dataclass(frozen=True, kw_only=True)
class Outline:
    """One connection, as far as a summary and a table tell of it. Times are nanoseconds since 1970-01-01 UTC."""

    stream: int
    orig: Endpoint
    resp: Endpoint
    start_ns: int
    duration_ns: int
    end_ns: int
    """When its last segment was seen."""
    conn_state: ConnState
    history: str
    orig_bytes: int
    resp_bytes: int
    reset: bool
    """A RST was sent."""
    ended_by: Culprit
    severity: Severity
    causes: tuple[Hypothesis, ...]
    """Most likely first; never empty. In an outline without evidence."""

    @property
    def cause(self) -> str:
        """The most likely one."""
        return self.causes[0].cause

    @property
    def likeliest(self) -> tuple[str, ...]:
        """The most likely cause, with those that are as likely: their bytes are the same."""
        return likeliest(self.causes)


@dataclass(frozen=True, kw_only=True)
class Finding(Outline):
    """One connection, with all that is to be said of it."""

    orig_packets: int
    resp_packets: int
    orig_retransmissions: int
    resp_retransmissions: int
    first_fin: Mark | None
    resets: tuple[Mark, ...]
    half_closed_ns: int | None
    """How long one side had closed and the other had not; None where no FIN was sent."""
    scenarios: tuple[Match, ...]
    """Of the catalogue: those that such an ending matches, nearest first."""
    trail: Trail
    """Its first and its last segments."""
    forward_is_orig: bool
    """The trail's `forward` segments are the originator's."""
    acted_on: ActedOn
    """What is proved of the last request."""
    evicted: bool
    """It was let go early, for want of memory: it may have gone on."""


def likeliest(causes: tuple[Hypothesis, ...]) -> tuple[str, ...]:
    """The first, with those that are as likely."""
    return tuple(h.cause for h in causes if h.confidence == causes[0].confidence)


def conclude(case: Case, around: Around, until_ns: int, *, match: bool = True) -> Finding:
    """What is to be said of a case. `until_ns`: when the capture ended; `match`: with scenarios like it."""
    facts = Facts(case, around, until_ns)
    causes = hypotheses(facts)
    connection = case.connection
    fins = connection.fins
    forged = next((h for h in causes[:1] if h.cause in _THIRD_PARTY), None)
    return Finding(
        stream=case.number,
        orig=connection.orig,
        resp=connection.resp,
        start_ns=connection.start,
        duration_ns=connection.duration,
        end_ns=connection.end,
        conn_state=connection.state,
        history=connection.history,
        orig_bytes=connection.orig_bytes,
        resp_bytes=connection.resp_bytes,
        reset=bool(connection.resets),
        orig_packets=connection.orig_packets,
        resp_packets=connection.resp_packets,
        orig_retransmissions=connection.orig_retransmissions,
        resp_retransmissions=connection.resp_retransmissions,
        first_fin=Mark(fins[0].number, fins[0].by) if fins else None,
        resets=tuple(Mark(r.number, "third-party" if forged and facts.foreign(r) else r.by) for r in connection.resets),
        half_closed_ns=_half_closed(facts),
        ended_by=causes[0].by,
        severity=severity(facts, causes[0]),
        causes=causes,
        scenarios=_matches(facts, causes) if match else (),
        trail=case.trail,
        forward_is_orig=connection.forward_is_orig,
        acted_on=acted_on(facts),
        evicted=case.evicted,
    )


def _matches(facts: Facts, causes: tuple[Hypothesis, ...]) -> tuple[Match, ...]:
    from hangup.diagnose.matching import matches  # the catalogue, only where it is asked for

    return matches(facts, likeliest(causes))


def hypotheses(facts: Facts) -> tuple[Hypothesis, ...]:
    """All that fit, most likely first; `unknown` before them where none is likely."""
    found = [h for signature in SIGNATURES.values() if (h := signature(facts)) is not None]
    found = [h._replace(confidence=round(h.confidence, 2)) for h in found]
    found.sort(key=lambda h: -h.confidence)
    if found and found[0].confidence > _LIKELY:
        return tuple(found)
    first = facts.first
    if first is not None:
        says = f"it ended with {first.kind.upper()}, and no signature fits"
        seen = Evidence(says=says, packets=(first.number,))
    else:
        seen = Evidence(says="its end was not captured")
    by: Culprit = first.by if first is not None else "nobody"
    return (
        Hypothesis(
            cause=UNKNOWN, by=by, confidence=round(1 - sum(h.confidence for h in found[:2]) / 2, 2), evidence=(seen,)
        ),
        *found,
    )


def _half_closed(facts: Facts) -> int | None:
    fin = facts.fin()
    if fin is None:
        return None
    other: By = "resp" if fin.by == "orig" else "orig"
    end = facts.fin(other) or facts.reset
    return max(0, (end.time_ns if end is not None else facts.connection.end) - fin.time_ns)


def severity(facts: Facts, likeliest: Hypothesis) -> Severity:
    """By what the packets show of the data, not by the cause; but a calm cause excuses what one-way talk looks like."""
    if not facts.established:
        return Severity.HIGH if facts.handshake_seen else Severity.NONE
    if likeliest.cause in _CALM or likeliest.cause == "reset-ignored":
        return Severity.NONE if facts.reset is None and not facts.ignored else Severity.LOW
    first = facts.first
    cut = facts.case.answers.unfinished if first is None else first.unfinished
    unanswered = facts.waiting if first is None else first.unanswered or facts.waiting
    lost = facts.reset is not None and not facts.all_acknowledged
    if cut is not None or unanswered or lost:
        return Severity.HIGH
    if likeliest.cause == "application-abort" and likeliest.by == "orig":
        return Severity.LOW
    return Severity.MEDIUM
