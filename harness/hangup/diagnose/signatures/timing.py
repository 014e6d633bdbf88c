"""Ends by a timer: probes and retransmissions without an answer, windows that stay shut, idle times that are up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis
from hangup.diagnose.facts import OTHER
from hangup.diagnose.signatures.base import ONE_SIDE, Signature, name, numbers, other, span
from hangup.wire.sequence import offset

if TYPE_CHECKING:
    from hangup.diagnose.facts import Facts
    from hangup.diagnose.trail import Seen
    from hangup.wire import By

_SIDES: tuple[By, By] = ("orig", "resp")

USUAL = (5, 10, 15, 20, 30, 60, 65, 75, 90, 120, 180, 240, 300, 350, 400, 600, 900, 1800, 3600)
"""Seconds that servers, proxies and load balancers keep idle connections for, where nobody says otherwise."""


def keepalive_timeout(f: Facts) -> Hypothesis | None:
    """RFC 9293 section 3.8.4: a probe has the number before the next one, and no payload, or one old byte."""
    for by in _SIDES:
        probes = _probes(f, by)
        if len(probes) < 2 or (f.first is not None and f.first.by != by):
            continue
        evidence = [
            Evidence(says=f"{len(probes)} keep-alive probes of {name(by)}, without an answer", packets=numbers(probes))
        ]
        reset = f.reset
        if reset is not None:
            evidence.append(Evidence(says=f"then {name(by)} gave up with a RST", packets=(reset.number,)))
        return Hypothesis(
            cause="keepalive-timeout", by=by if reset else "nobody", confidence=0.95 if reset else 0.85,
            evidence=tuple(evidence), limits=(ONE_SIDE,),
        )  # fmt: skip
    return None


def _probes(f: Facts, by: By) -> list[Seen]:
    tail = f.unanswered_tail(by)
    reach = f.reach(s for s in f.of(by) if not s.rst and (not tail or s.number < tail[0].number))
    if reach is None:
        return []
    return [s for s in tail if s.length <= 1 and not s.syn and not s.fin and offset(s.seq, reach) == -1]


def retransmission_timeout(f: Facts) -> Hypothesis | None:
    """The same numbers again and again, and nothing comes back. Linux gives up in silence.

    A host that goes away behind its FIN does not answer the other side's: by then the connection had ended.
    """
    if not f.established and f.synack is None:
        return None
    for by in _SIDES:
        again = _repeated(f, by)
        if len(again) < 3 or (f.reset is not None and f.reset.by != by):
            continue
        if any(r.by == OTHER[by] and r.number > again[0].number for r in f.connection.resets):
            continue  # it did react
        lasted = (again[-1].time_ns - again[0].time_ns) / 1e9
        text = f"{name(by)} sent the same segment {len(again)} times over {span(lasted)}, and {other(by)} never reacted"
        closed = f.fin(OTHER[by])
        only_its_fin = closed is not None and closed.number < again[0].number and not again[0].length
        return Hypothesis(
            cause="retransmission-timeout", by="nobody", confidence=0.3 if only_its_fin else 0.92,
            evidence=(Evidence(says=text, packets=numbers(again)),), limits=(ONE_SIDE,),
        )  # fmt: skip
    return None


def _repeated(f: Facts, by: By) -> list[Seen]:
    """The segment that was sent most often among those to which the other side never reacted."""
    tail = [s for s in f.unanswered_tail(by) if s.span and not s.syn]
    groups: dict[int, list[Seen]] = {}
    for seen in tail:
        groups.setdefault(seen.seq, []).append(seen)
    return max(groups.values(), key=len, default=[])


def receiver_stalled(f: Facts) -> Hypothesis | None:
    """RFC 9293 section 3.8.6.1: a window of zero, and probes that find it so again and again."""
    for by in _SIDES:
        own = [s for s in f.of(by) if not s.rst]
        shut = []
        for seen in reversed(own):
            if seen.window or seen.syn:
                break
            shut.append(seen)
        if len(shut) < 2 or (f.first is not None and f.first.by == by and f.first.kind == "fin"):
            continue
        lasted = (shut[0].time_ns - shut[-1].time_ns) / 1e9
        text = f"{name(by)} told {other(by)} {len(shut)} times, over {span(lasted)}, that it takes no more"
        return Hypothesis(
            cause="receiver-stalled", by=OTHER[by] if f.first is not None else "nobody", confidence=0.9,
            evidence=(Evidence(says=text, packets=numbers(shut[::-1]), fields={"tcp.window_size_value": 0}),),
        )  # fmt: skip
    return None


def idle_timeout(f: Facts) -> Hypothesis | None:
    first = f.first
    if (
        first is None
        or not first.last_data
        or first.unanswered
        or f.quiet < 1
        or (first.kind == "rst" and not first.itself.has_ack)
    ):
        return None
    side = f.connection.resp if first.by == "resp" else f.connection.orig
    alike = f.around.same_idle(side, f.quiet, f.case.number)
    usual = next((value for value in USUAL if abs(f.quiet - value) <= max(0.3, value * 0.01)), None)
    if not alike and usual is None:
        return None
    evidence = [
        Evidence(
            says=f"{name(first.by)} ended it when nothing had moved for {span(f.quiet)}", packets=(first.number,),
            fields={"idle_seconds": round(f.quiet, 6)},
        )
    ]  # fmt: skip
    if usual is not None:
        evidence.append(Evidence(says=f"{usual} s is a common idle timeout"))
    if alike:
        evidence.append(Evidence(says=f"it ended {len(alike)} more connections after as long"))
    agree = len(alike) >= 2 or (bool(alike) and usual is not None)
    confidence = 0.96 if agree else 0.7 if usual is not None else 0.5
    return Hypothesis(cause="idle-timeout", by=first.by, confidence=confidence, evidence=tuple(evidence))


SIGNATURES: dict[str, Signature] = {
    "keepalive-timeout": keepalive_timeout,
    "retransmission-timeout": retransmission_timeout,
    "receiver-stalled": receiver_stalled,
    "idle-timeout": idle_timeout,
}
