"""Ends before the connection was there: refused, unanswered, unreachable, or accepted by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis
from hangup.diagnose.signatures.base import ONE_SIDE, Signature, name, numbers, rst_evidence, size, span
from hangup.wire import host

if TYPE_CHECKING:
    from hangup.diagnose.case import Moment
    from hangup.diagnose.facts import Facts
    from hangup.diagnose.trail import Seen
    from hangup.wire import IcmpError

_FILTERED = {4: {(3, 3), (3, 9), (3, 10), (3, 13)}, 6: {(1, 1), (1, 4), (1, 5), (1, 6)}}
"""ICMP type and code by which a filter says no. A host's TCP answers a closed port with RST, never with "port
unreachable", which is what Linux's REJECT sends unless told otherwise."""

_EXCEEDED = {4: 11, 6: 3}


_SYNACK_AGAIN_NS = 1_000_000_000
"""By then a host that does not have the connection sends its SYN+ACK again (RFC 6298 section 2)."""


def _refusal(f: Facts) -> Moment | None:
    """A RST of the responder in answer to the SYN."""
    reset = f.reset
    if reset is None or reset.by != "resp" or f.synack is not None or not f.syns:
        return None
    if any(seen.length and not seen.syn for seen in f.trail):  # a SYN may carry data (RFC 7413)
        return None
    return reset


def closed_port(f: Facts) -> Hypothesis | None:
    refusal = _refusal(f)
    if refusal is None:
        return None
    unlike = f.unlike_ttl(refusal)
    evidence = [Evidence(says="a RST answered the SYN", packets=(f.syns[0].number, refusal.number))]
    limits: tuple[str, ...] = ()
    if unlike is None and f.ttl_known("resp"):
        confidence = 0.95
        evidence.append(
            Evidence(says="its TTL is that of the host's other packets", fields={"ip.ttl": refusal.itself.ttl})
        )
    elif unlike is None:
        confidence = 0.8
        limits = ("Nothing else of that host was captured, so whether the host or a firewall answered cannot be told.",)
    else:
        confidence = 0.15
    return Hypothesis(cause="closed-port", by="resp", confidence=confidence, evidence=tuple(evidence), limits=limits)


def firewall_reject(f: Facts) -> Hypothesis | None:
    filtered = next((e for e in f.connection.icmp if (e.type, e.code) in _FILTERED[e.version]), None)
    if filtered is not None and not f.established:
        return Hypothesis(
            cause="firewall-reject", by="third-party", confidence=0.95, evidence=(_icmp_evidence([filtered]),)
        )
    refusal = _refusal(f)
    if refusal is None:
        return None
    unlike = f.unlike_ttl(refusal)
    if unlike is None:
        return Hypothesis(
            cause="firewall-reject", by="third-party", confidence=0.05 if f.ttl_known("resp") else 0.2,
            evidence=(Evidence(says="a RST answered the SYN", packets=(refusal.number,)),),
        )  # fmt: skip
    ttl, usual = unlike
    return Hypothesis(
        cause="firewall-reject", by="third-party", confidence=0.85,
        evidence=(
            Evidence(
                says=f"the RST that answered the SYN came with TTL {ttl}, the host's own packets come with {usual}",
                packets=(refusal.number,), fields={"ip.ttl": ttl},
            ),
        ),
    )  # fmt: skip


def _icmp_evidence(errors: list[IcmpError]) -> Evidence:
    """Of errors of one kind."""
    error, times = errors[0], f", {len(errors)} times" if len(errors) > 1 else ""
    return Evidence(
        says=f"{host(error.src)} reported by ICMP: {error.kind}{times}",
        packets=tuple(e.number for e in errors), fields={"icmp.type": error.type, "icmp.code": error.code},
    )  # fmt: skip


def unreachable(f: Facts) -> Hypothesis | None:
    errors = [e for e in f.connection.icmp if _says_unreachable(e)]
    if not errors or (f.first is not None and f.established):
        return None
    kinds: dict[tuple[bytes, int, int], list[IcmpError]] = {}
    for error in errors:
        kinds.setdefault((error.src, error.type, error.code), []).append(error)
    return Hypothesis(
        cause="unreachable", by="third-party", confidence=0.95, evidence=tuple(map(_icmp_evidence, kinds.values()))
    )


def _says_unreachable(error: IcmpError) -> bool:
    kind = (error.type, error.code)
    if error.type == _EXCEEDED[error.version]:
        return True
    unreachable = 3 if error.version == 4 else 1
    too_big = (3, 4)  # path MTU discovery, and no end of anything
    return (
        error.type == unreachable and kind not in _FILTERED[error.version] and (error.version == 6 or kind != too_big)
    )


def syn_unanswered(f: Facts) -> Hypothesis | None:
    if not f.syns or f.of("resp"):
        return None
    waited = (f.case.last_ns - f.syns[0].time_ns) / 1e9 if len(f.syns) > 1 else f.quiet
    times = "once" if len(f.syns) == 1 else f"{len(f.syns)} times over {span(waited)}"
    evidence = [Evidence(says=f"the SYN was sent {times}, and nothing came back", packets=numbers(f.syns))]
    taken = f.around.takes(f.connection.resp)
    if taken is not None:
        evidence.append(Evidence(says="the same port took another connection", packets=(taken.packet,)))
    return Hypothesis(
        cause="syn-unanswered", by="nobody", confidence=0.9 if len(f.syns) > 1 or waited >= 1 else 0.5,
        evidence=tuple(evidence), limits=(ONE_SIDE,),
    )  # fmt: skip


def accept_queue_overflow(f: Facts) -> Hypothesis | None:
    """`tcp_v4_syn_recv_sock` and `tcp_check_req` in Linux: the third ACK is dropped, or answered with RST."""
    if f.syns and not f.of("resp") and f.around.takes(f.connection.resp) is not None:
        return Hypothesis(
            cause="accept-queue-overflow", by="resp", confidence=0.35,
            evidence=(Evidence(says="the SYN was dropped by a port that takes others", packets=numbers(f.syns)),),
        )  # fmt: skip
    if f.synack is None or not f.established or f.connection.resp_bytes or f.connection.orig_acked or f.fin("resp"):
        return None
    third = next((s for s in f.of("orig") if s.has_ack), None)
    again = [s for s in f.of("resp") if s.syn and third is not None and s.number > third.number]
    reset = f.reset
    if reset is not None and reset.by == "resp" and not reset.itself.has_ack:
        drawn = f.drawn_by(reset)
        if drawn is None or (third is not None and not again and drawn.time_ns - third.time_ns >= _SYNACK_AGAIN_NS):
            return None
        confidence = 0.2 if f.unlike_ttl(reset) else 0.85 if again or drawn.number <= _third(f) else 0.7
        evidence = [
            rst_evidence(reset),
            Evidence(
                says=f"it answers {_what(f, drawn)}, and no payload had been acknowledged", packets=(drawn.number,)
            ),
        ]
    elif again:
        confidence = 0.85
        evidence = []
    else:
        return None
    if again:
        text = "the SYN+ACK came again although it had been acknowledged: the server does not have the connection"
        evidence.append(Evidence(says=text, packets=numbers(again)))
    return Hypothesis(cause="accept-queue-overflow", by="resp", confidence=confidence, evidence=tuple(evidence))


def _what(f: Facts, drawn: Seen) -> str:
    """That drew the RST."""
    return "the end of the handshake" if drawn.number <= _third(f) else "what the originator sent behind it"


def _third(f: Facts) -> int:
    """The frame of the handshake's third segment, or of the payload that was sent with or right behind it."""
    ours = [s for s in f.of("orig") if not s.syn]
    return ours[min(1, len(ours) - 1)].number if ours else 0


def time_wait_reuse(f: Facts) -> Hypothesis | None:
    """RFC 9293 section 3.10.7.4: where a connection is already, a SYN is answered with an ACK of that one."""
    answer = next((s for s in f.of("resp") if not s.rst), None)
    if not f.syns or answer is None or answer.syn or answer.length or not answer.has_ack:
        return None
    if answer.number < f.syns[0].number or answer.ack == (f.syns[0].seq + 1) & 0xFFFFFFFF:
        return None
    evidence = [
        Evidence(
            says="the SYN was answered with an ACK that does not acknowledge it",
            packets=(f.syns[0].number, answer.number),
        )
    ]
    reset = next((r for r in f.connection.resets if r.by == "orig"), None)
    if reset is not None:
        evidence.append(
            Evidence(says=f"{name('orig')} reset the connection that the ACK speaks of", packets=(reset.number,))
        )
    before = f.case.previous
    if before is not None:
        pause = (f.syns[0].time_ns - before.end_ns) / 1e9
        text = f"the connection before on the same ports ended {span(pause)} earlier (stream {before.number})"
        evidence.append(Evidence(says=text))
    return Hypothesis(cause="time-wait-reuse", by="resp", confidence=0.92 if before else 0.8, evidence=tuple(evidence))


def closed_at_once(f: Facts) -> Hypothesis | None:
    first = f.first
    if first is None or first.kind != "fin" or first.by != "resp" or not f.handshake_seen:
        return None
    if first.resp_sent or first.orig_acked or (f.went_on(first.number, "resp") and f.connection.resp_bytes):
        return None
    evidence = [Evidence(says="FIN came before a byte was acknowledged or sent", packets=(first.number,))]
    if first.orig_sent:
        text = f"{size(first.orig_sent)} of the originator were on their way, and not acknowledged by then"
        evidence.append(Evidence(says=text, packets=numbers([s for s in first.before if s.length])))
    return Hypothesis(cause="closed-at-once", by="resp", confidence=0.85, evidence=tuple(evidence))


SIGNATURES: dict[str, Signature] = {
    "closed-port": closed_port,
    "firewall-reject": firewall_reject,
    "unreachable": unreachable,
    "syn-unanswered": syn_unanswered,
    "accept-queue-overflow": accept_queue_overflow,
    "time-wait-reuse": time_wait_reuse,
    "closed-at-once": closed_at_once,
}
