"""RSTs that a side sent: aborts of a live socket, and answers of a kernel that has none.

Measured on Linux: an abort (ACTIVE) has the ACK flag and the next sequence number; an answer (REACTIVE) has no ACK
flag, window 0, and for its sequence number the ACK number of what it answers (RFC 9293 section 3.5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis
from hangup.diagnose.facts import OTHER
from hangup.diagnose.signatures.base import Signature, fin_evidence, name, other, rst_evidence, size, span

if TYPE_CHECKING:
    from hangup.diagnose.around import Event
    from hangup.diagnose.case import Moment
    from hangup.diagnose.facts import Facts

SAME_BYTES = (
    "An abort and a close with a little unread data leave the same bytes: this capture cannot tell them apart, "
    "the counters of the host that sent the RST can."
)


_NEXT_REQUEST = 3
"""Turns: a request, its answer, another request."""


def _abort(f: Facts) -> Moment | None:
    """The first RST, where a live socket sent it before any FIN of its own."""
    reset = f.reset
    if reset is None or not reset.itself.has_ack or not f.established or _own_fin(f, reset) is not None:
        return None
    return reset


def _own_fin(f: Facts, reset: Moment) -> Moment | None:
    fin = f.fin(reset.by)
    return fin if fin is not None and fin.number < reset.number else None


def _received(reset: Moment) -> int:
    """Payload of the other side that the resetter's kernel had acknowledged."""
    return reset.orig_acked if reset.by == "resp" else reset.resp_acked


def _doubt(f: Facts, reset: Moment) -> float:
    """What a third party's marks leave of a confidence in the side whose name the RST bears."""
    return 0.15 if f.unlike_ttl(reset) or f.written_past(reset) else 1.0


def application_abort(f: Facts) -> Hypothesis | None:
    reset = _abort(f)
    if reset is None:
        return None
    evidence = [rst_evidence(reset)]
    got = _received(reset)
    limits: tuple[str, ...] = ()
    if not got:
        confidence = 0.8
        evidence.append(Evidence(says=f"{name(reset.by)} had received nothing, so nothing was unread"))
    elif reset.last_data == reset.by and not (reset.asking and reset.by == "resp"):
        confidence = 0.75
        evidence.append(Evidence(says=f"{name(reset.by)} had spoken last: what it received it seems to have read"))
    elif reset.by == "orig":
        confidence = 0.7
        if reset.last_data == "orig":
            evidence.append(Evidence(says=f"it was waiting for an answer, for {span(f.waited)}"))
    else:
        confidence, limits = 0.45, (SAME_BYTES,)
    jump = _window_jump(f, reset)
    if jump is not None:
        confidence = 0.1
    return Hypothesis(
        cause="application-abort", by=reset.by, confidence=confidence * _doubt(f, reset), evidence=tuple(evidence),
        limits=limits,
    )  # fmt: skip


def _window_jump(f: Facts, reset: Moment) -> tuple[int, int, int] | None:
    """The window of the RST is above that of the side's last ACK: unread data was purged (measured on Linux)."""
    last = f.last_of(reset, reset.by)
    if last is None or last.syn or reset.itself.window <= last.window:
        return None
    return last.number, last.window, reset.itself.window


def unread_data(f: Facts) -> Hypothesis | None:
    reset = f.reset
    if reset is None or not reset.itself.has_ack or not f.established:
        return None
    got = _received(reset)
    fin = _own_fin(f, reset)
    if not got or (fin is not None and not _written_since(f, fin, reset)):
        return None
    who, them = name(reset.by), other(reset.by)
    evidence = [rst_evidence(reset), Evidence(says=f"{who} had received {size(got)}")]
    limits: tuple[str, ...] = ()
    jump = _window_jump(f, reset)
    if jump is not None:
        confidence = 0.92
        evidence.append(
            Evidence(
                says=f"the window grew from {jump[1]} to {jump[2]} with the RST: unread data was thrown away",
                packets=(jump[0], reset.number), fields={"tcp.window_size_value": jump[2]},
            )
        )  # fmt: skip
    elif reset.asking and reset.by == "resp":
        confidence = 0.85
        evidence.append(Evidence(says=f"{them}'s message was not whole: {who} ended it without reading on"))
    elif fin is not None:
        confidence = 0.7
        evidence.append(Evidence(says=f"{them} had sent after {who}'s FIN, and nobody read it", packets=(fin.number,)))
    elif reset.last_data == OTHER[reset.by]:
        confidence = 0.45 if reset.by == "resp" else 0.35
        evidence.append(Evidence(says=f"{them} had spoken last, and {who} had said nothing since"))
        limits = (SAME_BYTES,)
    else:
        confidence = 0.2
    return Hypothesis(
        cause="unread-data", by=reset.by, confidence=confidence * _doubt(f, reset), evidence=tuple(evidence),
        limits=limits,
    )  # fmt: skip


def _written_since(f: Facts, fin: Moment, reset: Moment) -> list[int]:
    """Frames, before a RST, with payload of the other side that came after a FIN."""
    return [s.number for s in f.written_after(fin) if s.number < reset.number]


def abort_after_fin(f: Facts) -> Hypothesis | None:
    reset = f.reset
    fin = _own_fin(f, reset) if reset is not None else None
    if reset is None or fin is None or not reset.itself.has_ack:
        return None
    written = _written_since(f, fin, reset)
    evidence = (
        fin_evidence(fin),
        rst_evidence(reset),
        Evidence(says=f"{span((reset.time_ns - fin.time_ns) / 1e9)} lie between them"),
    )
    return Hypothesis(cause="abort-after-fin", by=reset.by, confidence=0.4 if written else 0.88, evidence=evidence)


def _drawn_after_fin(f: Facts) -> tuple[Moment, Moment, tuple[int, ...]] | None:
    """A side's FIN, its RST after it, and the payload that the other had sent in between."""
    reset = f.reset
    fin = _own_fin(f, reset) if reset is not None else None
    if reset is None or fin is None:
        return None
    written = _written_since(f, fin, reset)
    return (fin, reset, tuple(written[:8])) if written and not reset.itself.has_ack else None


def _had_finished(fin: Moment) -> bool:
    """Both had spoken, and the side that closed had spoken last: an exchange was complete."""
    return fin.turns >= 2 and fin.last_data == fin.by and not (fin.unfinished or fin.asking or fin.unanswered)


def _met_no_reader(fin: Moment) -> bool:
    """What the originator had sent was under way when the responder closed at once; it came too late, and not after."""
    return fin.by == "resp" and fin.orig_sent > 0 and not (fin.orig_acked or fin.resp_sent)


def data_after_close(f: Facts) -> Hypothesis | None:
    drawn = _drawn_after_fin(f)
    if drawn is None:
        return None
    fin, reset, written = drawn
    evidence = (
        fin_evidence(fin),
        Evidence(says=f"{other(fin.by)} sent payload that the FIN does not acknowledge", packets=written),
        rst_evidence(reset),
    )
    confidence = 0.35 if stale_reuse(f) is not None or _met_no_reader(fin) else 0.92
    return Hypothesis(cause="data-after-close", by=fin.by, confidence=confidence, evidence=evidence)


def stale_reuse(f: Facts) -> Hypothesis | None:
    return _used_after_fin(f) or _crossed(f)


def _used_after_fin(f: Facts) -> Hypothesis | None:
    drawn = _drawn_after_fin(f)
    if drawn is None:
        return None
    fin, reset, written = drawn
    if fin.by != "resp" or not _had_finished(fin):
        return None
    first = f.written_after(fin)[0]
    idle, late = (fin.time_ns - fin.last_data_ns) / 1e9, (first.time_ns - fin.time_ns) / 1e9
    evidence = [
        Evidence(
            says=f"the responder closed it {span(idle)} after the last answer", packets=(fin.number,),
            fields={"idle_seconds": round(idle, 6)},
        ),
        Evidence(says=f"{span(late)} later the originator sent another request", packets=written),
        rst_evidence(reset),
    ]  # fmt: skip
    alike = f.around.same_idle(f.connection.resp, idle, f.case.number) if idle >= 1 else []
    if alike:
        text = f"{len(alike)} more connections were closed there after as long: the idle timeout is likely {idle:.0f} s"
        evidence.append(Evidence(says=text))
    return Hypothesis(cause="stale-reuse", by="resp", confidence=0.93, evidence=tuple(evidence))


def _crossed(f: Facts) -> Hypothesis | None:
    """The next request was under way when the FIN came: the FIN does not acknowledge it."""
    first = f.first
    if first is None or first.kind != "fin" or first.by != "resp" or first.turns < _NEXT_REQUEST:
        return None
    if not first.unanswered or first.orig_acked >= first.orig_sent or f.late(first.number, "resp"):
        return None
    evidence = (
        fin_evidence(first),
        Evidence(says="it does not acknowledge the request that the originator had just sent: the two crossed"),
    )
    return Hypothesis(cause="stale-reuse", by="resp", confidence=0.9, evidence=evidence)


def state_lost(f: Facts) -> Hypothesis | None:
    """A bare RST to an established connection, drawn by the other side's segment, and no FIN before it."""
    reset = f.reset
    if reset is None or reset.itself.has_ack or not f.established or _own_fin(f, reset) is not None:
        return None
    drawn = f.drawn_by(reset)
    if drawn is None or (f.handshake_seen and not f.spoken and f.quiet < 1):
        return None
    drew_late = _idle_before(reset, drawn.number)
    sent, acked = (reset.resp_sent, reset.resp_acked) if reset.by == "resp" else (reset.orig_sent, reset.orig_acked)
    evidence = [
        rst_evidence(reset),
        Evidence(says=f"it answers what {other(reset.by)} sent, and no FIN had come before", packets=(drawn.number,)),
    ]
    unheard = f.handshake_seen and not (reset.resp_sent or reset.orig_acked)
    confidence = 0.35 if unheard and reset.by == "resp" else 0.6
    if drew_late >= 1:
        evidence.append(Evidence(says=f"{span(drew_late)} had passed without a segment"))
        confidence = 0.7
    together = f.around.forgotten_together(f.host(reset.by), reset.time_ns, f.case.number)
    if together:
        text = f"{len(together)} more connections of that host ended alike within half a minute"
        evidence.append(Evidence(says=text, packets=numbers_of(together)))
        confidence = 0.85
    if acked < sent:
        text = (
            f"it had {size(sent - acked)} of its own under way: a process that was killed while it sent looks the same"
        )
        evidence.append(Evidence(says=text))
        confidence -= 0.15
    return Hypothesis(
        cause="state-lost", by=reset.by, confidence=confidence * _doubt(f, reset), evidence=tuple(evidence),
        limits=("A middlebox as many hops away as the host would look the same.",),
    )  # fmt: skip


def _idle_before(reset: Moment, number: int) -> float:
    """Seconds without a segment before the one that drew the RST."""
    times = [s.time_ns for s in reset.before if s.number <= number]
    return (times[-1] - times[-2]) / 1e9 if len(times) > 1 else 0.0


def numbers_of(events: list[Event]) -> tuple[int, ...]:
    """Their frames: the first few."""
    return tuple(event.packet for event in events[:8])


SIGNATURES: dict[str, Signature] = {
    "application-abort": application_abort,
    "unread-data": unread_data,
    "abort-after-fin": abort_after_fin,
    "data-after-close": data_after_close,
    "stale-reuse": stale_reuse,
    "state-lost": state_lost,
}
