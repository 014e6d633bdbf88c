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
    from hangup.diagnose.trail import Seen

_LONG = 1.0
"""Seconds after which a wait is one."""

_ENCRYPTED = "What was said is encrypted: whether the answer was whole, only the two sides know."


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
    limits = [] if both else [f"Of {name(OTHER[first.by])} no FIN was captured."]
    if first.by == "resp" and f.case.answers.kind == "tls":
        limits.append(_ENCRYPTED)
    return Hypothesis(
        cause="orderly-close", by=first.by, confidence=confidence, evidence=tuple(evidence), limits=tuple(limits)
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
    evidence = [Evidence(says=f"neither FIN nor RST; the capture ended {_later(f.quiet)} its last segment")]
    if waiting:
        evidence.append(Evidence(says="the originator was still waiting for the rest of an answer, or for all of it"))
    return Hypothesis(cause="still-open", by="nobody", confidence=0.6 if doubtful else 0.9, evidence=tuple(evidence))


def closed_unanswered(f: Facts) -> Hypothesis | None:
    first = f.first
    if first is None or first.kind != "fin" or first.by != "resp" or not first.unanswered or not first.orig_acked:
        return None
    alert = f.case.requests.alert
    if (alert is not None and alert.number < first.number) or f.late(first.number, "resp"):
        return None
    asked = _asked(f, first.before)
    waited = f"{span((first.time_ns - asked[0].time_ns) / 1e9)} later the responder" if asked else "the responder"
    evidence = [
        Evidence(says="what the originator asked was acknowledged", packets=numbers(asked)),
        Evidence(says=f"{waited} sent FIN, and no answer", packets=(first.number,)),
    ]
    if f.case.answers.interim:
        evidence.append(Evidence(says="what it had sent is an interim answer (1xx), which announces a final one"))
    return Hypothesis(
        cause="closed-unanswered", by="resp", confidence=0.85, evidence=(*evidence, *_too_short(f)),
        limits=("Whether its program closed, or its process died and the kernel closed for it, looks the same.",),
    )  # fmt: skip


def _later(seconds: float) -> str:
    """``8.0 s after``, ``with``."""
    return f"{span(seconds)} after" if seconds else "with"


def _asked(f: Facts, segments: list[Seen]) -> list[Seen]:
    """The originator's last one with payload."""
    return [s for s in segments if s.length and f.by(s) == "orig"][-1:]


def _too_short(f: Facts) -> list[Evidence]:
    """What came over TLS since, and is no answer."""
    records = f.case.records
    if records is None:
        return []
    told = []
    if records.last_words is not None:
        text = f"its last TLS record is as short as {records.last_words} of HTTP/2, and too short for an answer"
        told.append(Evidence(says=text))
    if "resp" in records.alerted:
        text = "it sent an encrypted TLS alert: close_notify, or the reason why it refused, which its log has"
        told.append(Evidence(says=text))
    return told


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
        text = "the kernel closes like this for a process that has ended; nothing else that was captured speaks for it"
        evidence.append(Evidence(says=text, packets=(first.number,)))
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
    asked = _asked(f, first.before if first else f.trail)
    evidence = [
        Evidence(says="what the originator asked was acknowledged", packets=numbers(asked)),
        Evidence(says=f"{'the capture' if first is None else 'it'} ended {_later(f.waited)} that, without an answer"),
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
    ended = "the capture ended" if first is None else "it ended"
    evidence = [Evidence(says=f"{_STOPPED[part]}, and {ended} {_later(f.waited)} that")]
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
            text = f"the {'responder' if by == 'resp' else 'originator'} sent the fatal alert {alert.name}"
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
