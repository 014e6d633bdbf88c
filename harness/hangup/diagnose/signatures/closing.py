"""Ends by FIN, and waits without an end: what was said last, and was it whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis
from hangup.diagnose.facts import OTHER
from hangup.diagnose.signatures.base import ONE_SIDE, Signature, fin_evidence, name, numbers, size, span

if TYPE_CHECKING:
    from hangup.diagnose.case import Moment
    from hangup.diagnose.facts import Facts
    from hangup.diagnose.messages import Part

_LONG = 1.0
"""Seconds after which a wait is one."""


def orderly_close(f: Facts) -> Hypothesis | None:
    first = f.first
    if first is None or first.kind != "fin" or not f.established:
        return None
    both = f.fin("orig") is not None and f.fin("resp") is not None
    reset_instead = f.reset is not None and not both
    if reset_instead and not _took_leave(f, first):
        return None
    evidence = [fin_evidence(m) for m in f.endings if m.kind == "fin"]
    if f.all_acknowledged:
        evidence.append(Evidence(says="all payload of both sides was acknowledged"))
    confidence = 0.95 if both else 0.75 if reset_instead else 0.6
    if not reset_instead and (f.reset is not None or not f.all_acknowledged):
        confidence = min(confidence, 0.5)
    if first.by == "resp" and (_cut(first) or first.unanswered or not f.spoken):
        confidence = 0.2
    limits = () if both else (f"Of {name('resp' if first.by == 'orig' else 'orig')} no FIN was captured.",)
    return Hypothesis(
        cause="orderly-close", by=first.by, confidence=confidence, evidence=tuple(evidence), limits=limits
    )


def _took_leave(f: Facts, fin: Moment) -> bool:
    """All had been acknowledged when it was closed; what came then is no more than a goodbye, or its answer.

    A RST in the place of the second FIN, of a socket that had something unread; or a TLS close_notify, which nobody was
    left to read (RFC 8446 section 6.1).
    """
    reset = f.reset
    if reset is None or fin.orig_acked < fin.orig_sent or fin.unanswered:
        return False
    if reset.by != fin.by:
        return reset.itself.has_ack and not f.written_after(fin)
    return not reset.itself.has_ack and f.goodbye(fin)


def _cut(moment: Moment) -> bool:
    return moment.unfinished is not None and moment.by == "resp"


def still_open(f: Facts) -> Hypothesis | None:
    if f.first is not None or f.case.evicted or not (f.established or f.synack is not None):
        return None
    waiting = f.waiting or f.case.answers.unfinished is not None
    if waiting and f.waited >= _LONG:
        return None
    doubtful = waiting or any(len(f.unanswered_tail(by)) >= 2 for by in OTHER)
    evidence = (Evidence(says=f"neither FIN nor RST; the last segment came {span(f.quiet)} before the end"),)
    return Hypothesis(cause="still-open", by="nobody", confidence=0.6 if doubtful else 0.9, evidence=evidence)


def closed_unanswered(f: Facts) -> Hypothesis | None:
    first = f.first
    if first is None or first.kind != "fin" or first.by != "resp" or not first.unanswered or not first.orig_acked:
        return None
    alert = f.case.requests.alert
    if (alert is not None and alert.number < first.number) or f.late(first.number, "resp"):
        return None
    asked = [s for s in first.before if s.length and f.by(s) == "orig"][-1:]
    return Hypothesis(
        cause="closed-unanswered", by="resp", confidence=0.85,
        evidence=(
            Evidence(says="what the originator asked was acknowledged", packets=numbers(asked)),
            Evidence(says=f"{span(f.waited)} later the responder sent FIN, and no answer", packets=(first.number,)),
        ),
        limits=("Whether its program closed, or its process died and the kernel closed for it, looks the same.",),
    )  # fmt: skip


def closed_mid_answer(f: Facts) -> Hypothesis | None:
    first = f.first
    if first is None or first.kind != "fin" or not _cut(first):
        return None
    if first.unfinished == "handshake":
        text = "the TLS handshake was not finished when FIN came"
    elif first.unfinished == "head":
        text = "the head of the answer was not finished when FIN came"
    elif first.missing is None:
        text = "the last chunk of the answer had not come when FIN came"
    else:
        text = f"{size(first.missing)} of the announced length were missing when FIN came"
    return Hypothesis(
        cause="closed-mid-answer", by="resp", confidence=0.93,
        evidence=(Evidence(says=text, packets=(first.number,)),),
    )  # fmt: skip


def process_gone(f: Facts) -> Hypothesis | None:
    """The kernel closes for a process that ends: FIN, or RST where data was unread. What follows on its port tells."""
    first = f.first
    if first is None or first.by != "resp" or not f.established or (first.kind == "rst" and not first.itself.has_ack):
        return None
    refusal = f.around.refusal_after(f.connection.resp, first.time_ns)
    together = f.around.ended_together(f.connection.resp, first.time_ns, f.case.number)
    if refusal is None and not together and not first.unanswered and not _cut(first):
        return None
    evidence = []
    confidence = 0.1
    if together:
        text = f"{len(together)} more connections of that port ended within 0.2 s"
        evidence.append(Evidence(says=text, packets=tuple(e.packet for e in together[:8])))
        confidence = 0.3
    if refusal is not None:
        pause = (refusal.time_ns - first.time_ns) / 1e9
        text = f"{span(pause)} later the same port refused a connection"
        evidence.append(Evidence(says=text, packets=(refusal.packet,)))
        confidence = 0.88 if first.unanswered or _cut(first) or together else 0.6
    if not evidence:
        evidence.append(Evidence(says="a kernel closes so for a process that has ended", packets=(first.number,)))
    return Hypothesis(cause="process-gone", by="resp", confidence=confidence, evidence=tuple(evidence))


def no_answer(f: Facts) -> Hypothesis | None:
    first = f.first
    if not f.established or not f.connection.orig_acked:
        return None
    waiting = f.waiting if first is None else first.unanswered
    if not waiting or (first is not None and first.kind == "rst" and first.by == "resp"):
        return None
    if first is not None and f.late(first.number, "resp"):
        return None  # it did answer, behind the originator's FIN
    who = "nobody" if first is None else first.by
    if first is None:
        confidence = 0.85 if f.waited >= _LONG else 0.35
    elif first.by == "orig":
        confidence = (0.8 if f.waited >= _LONG else 0.3) - (0.0 if first.kind == "rst" else 0.1)
    else:
        confidence = 0.5
        if f.waited < _LONG:
            return None
    asked = [s for s in (first.before if first else f.trail) if s.length and f.by(s) == "orig"][-1:]
    evidence = [
        Evidence(says="what the originator asked was acknowledged", packets=numbers(asked)),
        Evidence(says=f"no answer came for {span(f.waited)}"),
    ]
    if first is not None:
        evidence.append(Evidence(says=f"then {name(first.by)} ended it", packets=(first.number,)))
    return Hypothesis(cause="no-answer", by=who, confidence=confidence, evidence=tuple(evidence), limits=(ONE_SIDE,))


_STOPPED: dict[Part, str] = {
    "handshake": "the TLS handshake stopped",
    "head": "the answer stopped in its head",
    "body": "the answer stopped in its body",
}


def stalled(f: Facts) -> Hypothesis | None:
    first = f.first
    part = f.case.answers.unfinished if first is None else first.unfinished
    if part is None or not f.established:
        return None
    if first is not None and (first.by == "resp" or first.last_data != "resp"):
        return None
    if first is None and f.case.last_data != "resp":
        return None
    long = f.waited >= _LONG
    evidence = [Evidence(says=f"{_STOPPED[part]}, and nothing came for {span(f.waited)}")]
    if first is not None:
        evidence.append(Evidence(says="then the originator ended it", packets=(first.number,)))
    by = "nobody" if first is None else first.by
    return Hypothesis(
        cause="stalled", by=by, confidence=0.88 if long else 0.4, evidence=tuple(evidence), limits=(ONE_SIDE,)
    )


def tls_alert(f: Facts) -> Hypothesis | None:
    for by, messages in (("resp", f.case.answers), ("orig", f.case.requests)):
        alert = messages.alert
        if alert is not None and (f.first is None or alert.number <= f.first.number):
            text = f"the {'responder' if by == 'resp' else 'originator'} sent the fatal alert {alert.code}"
            return Hypothesis(
                cause="tls-alert", by="resp" if by == "resp" else "orig", confidence=0.97,
                evidence=(Evidence(says=text, packets=(alert.number,), fields={"tls.alert_message.desc": alert.code}),),
            )  # fmt: skip
    return None


SIGNATURES: dict[str, Signature] = {
    "orderly-close": orderly_close,
    "still-open": still_open,
    "closed-unanswered": closed_unanswered,
    "closed-mid-answer": closed_mid_answer,
    "process-gone": process_gone,
    "no-answer": no_answer,
    "stalled": stalled,
    "tls-alert": tls_alert,
}
