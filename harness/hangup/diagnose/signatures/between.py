"""RSTs that neither side sent: told by what the path adds to a packet, and by what the real side goes on doing.

The TTL is the mark that is hardest to forge, for it depends on the number of hops. An IP id that jumps is no mark: the
RST that a Linux kernel answers with has IP id 0, and so has a SYN+ACK (measured on 160 of 160 RSTs).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis
from hangup.diagnose.facts import OTHER
from hangup.diagnose.signatures.base import Signature, name, numbers, rst_evidence
from hangup.wire.sequence import offset

if TYPE_CHECKING:
    from hangup.diagnose.case import Moment
    from hangup.diagnose.facts import Facts

_ID_JUMP = 1024
"""How far an IP id may be from the one before and still count on: other connections of the host use them up as well."""


def _established_reset(f: Facts) -> Moment | None:
    return f.reset if f.reset is not None and f.established else None


def middlebox_reset(f: Facts) -> Hypothesis | None:
    """An answer in the peer's name, from another distance: it rejects what it does not, or no longer, know."""
    reset = _established_reset(f)
    if reset is None or reset.itself.has_ack:
        return None
    drawn, unlike = f.drawn_by(reset), f.unlike_ttl(reset)
    if drawn is None:
        return None
    made_up = _has_an_id(reset)
    goes_on = f.written_past(reset)
    if unlike is None and goes_on and not made_up:
        confidence = 0.85
        text = f"{name(reset.by)} went on with payload from there: its own socket had not sent the RST"
        evidence = [
            Evidence(says="a RST answers this segment", packets=(drawn.number, reset.number)),
            Evidence(says=text, packets=numbers(goes_on)),
            Evidence(says="its TTL is that of the side's other packets: a firewall on the host itself is likely"),
        ]
    elif unlike is None:
        evidence = [rst_evidence(reset)]
        confidence = 0.25
        if f.ttl_known(reset.by):
            confidence = 0.1
            evidence.append(Evidence(says="its TTL is that of the side's other packets, which speaks against it"))
    else:
        confidence = 0.4 if made_up or goes_on else 0.9
        evidence = [_ttl_evidence(reset, unlike), Evidence(says="it answers this segment", packets=(drawn.number,))]
    return Hypothesis(cause="middlebox-reset", by="third-party", confidence=confidence, evidence=tuple(evidence))


def _has_an_id(reset: Moment) -> bool:
    """A window or an IP id, which the answers of Linux and of its netfilter do not have."""
    return bool(reset.itself.window or reset.itself.ip_id)


def _ttl_evidence(reset: Moment, unlike: tuple[int, int]) -> Evidence:
    ttl, usual = unlike
    return Evidence(
        says=f"the RST came with TTL {ttl}, {name(reset.by)}'s other packets come with {usual}",
        packets=(reset.number,), fields={"ip.ttl": ttl},
    )  # fmt: skip


def forged_reset(f: Facts) -> Hypothesis | None:
    """Weaver, Sommer and Paxson (NDSS 2009), section 4: RST_DATA, RST_SEQ_DATA, RST_SEQ_CHANGE; and the TTL."""
    reset = _established_reset(f)
    if reset is None:
        return None
    evidence: list[Evidence] = []
    weight = 0.0
    unlike = f.unlike_ttl(reset)
    drawn = f.drawn_by(reset)
    if unlike is not None:
        evidence.append(_ttl_evidence(reset, unlike))
        answers = drawn is not None and not reset.itself.has_ack and not _has_an_id(reset)
        weight += 0.5 if answers else 0.85
    goes_on = f.written_past(reset)
    if goes_on:
        text = f"{name(reset.by)} sent payload after its own RST (RST_DATA)"
        evidence.append(Evidence(says=text, packets=numbers(goes_on)))
        weight += 0.75
    late = _behind(f, reset)
    if late:
        text = f"its sequence number lies behind payload that {name(reset.by)} had already sent (RST_SEQ_DATA)"
        evidence.append(Evidence(says=text, packets=(reset.number,)))
        weight += 0.45
    rising = _rising(f, reset)
    if rising:
        text = "several RSTs with rising sequence numbers, none of them an answer (RST_SEQ_CHANGE)"
        evidence.append(Evidence(says=text, packets=tuple(rising[:8])))
        weight += 0.6
    both = [r for r in f.connection.resets if r.by == OTHER[reset.by]]
    if both and unlike is not None:
        evidence.append(Evidence(says="both sides were sent a RST", packets=(reset.number, both[0].number)))
        weight += 0.1
    if evidence:
        evidence += _id_evidence(f, reset)
        return Hypothesis(
            cause="forged-reset", by="third-party", confidence=min(0.96, weight), evidence=tuple(evidence)
        )
    return None


def _behind(f: Facts, reset: Moment) -> bool:
    """The RST's number is below what the side had sent. An answer's is as well, where it answers an old ACK."""
    if f.drawn_by(reset) is not None:
        return False
    own = [s for s in reset.before if s.forward is reset.itself.forward and not s.rst]
    return any(s.length and offset(s.seq + s.span, reset.itself.seq) > 0 for s in own)


def _rising(f: Facts, reset: Moment) -> list[int]:
    """RSTs of one side with rising numbers that no ACK explains.

    An upload to a closed socket draws a burst of RSTs, each with a number that the sender had acknowledged: benign.
    """
    acked = {s.ack for s in f.trail if f.by(s) == OTHER[reset.by] and s.has_ack}
    resets = [r for r in f.connection.resets if r.by == reset.by and r.seq not in acked]
    numbers_up = [r.number for a, r in pairwise(resets) if offset(r.seq, a.seq) > 0]
    return [resets[0].number, *numbers_up] if numbers_up else []


def _id_evidence(f: Facts, reset: Moment) -> list[Evidence]:
    """Where a live socket's RST should have gone on counting, and did not. It only ever supports other marks."""
    last = f.last_of(reset, reset.by)
    rst = reset.itself
    if last is None or not last.ip_id or rst.ip_id is None or not rst.has_ack or last.syn:
        return []
    jump = abs(((rst.ip_id - last.ip_id + 0x8000) & 0xFFFF) - 0x8000)
    if jump <= _ID_JUMP:
        return []
    text = f"its IP id is {rst.ip_id}, where that side's last packet had {last.ip_id}"
    return [Evidence(says=text, packets=(last.number, reset.number), fields={"ip.id": rst.ip_id})]


def reset_ignored(f: Facts) -> Hypothesis | None:
    """RFC 5961 section 3.2: only the exact number resets; another one within the window draws a challenge ACK."""
    ignored = f.ignored
    if not ignored or f.reset is not None:
        return None
    rst = ignored[0]
    after = f.after(rst.number, OTHER[rst.by])
    evidence = [
        Evidence(
            says=f"the RST in the name of {name(rst.by)} does not have the number that its receiver awaited",
            packets=(rst.number,), fields={"tcp.seq_raw": rst.seq, "ip.ttl": rst.ttl},
        ),
        Evidence(says=f"{name(OTHER[rst.by])} went on", packets=numbers(after)),
    ]  # fmt: skip
    usual = f.case.ttls(rst.by)
    unlike = bool(usual) and rst.ttl not in usual
    if unlike:
        evidence.append(Evidence(says=f"its TTL is {rst.ttl}, unlike that side's other packets", packets=(rst.number,)))
    return Hypothesis(
        cause="reset-ignored", by="third-party" if unlike else rst.by, confidence=0.96, evidence=tuple(evidence)
    )


SIGNATURES: dict[str, Signature] = {
    "middlebox-reset": middlebox_reset,
    "forged-reset": forged_reset,
    "reset-ignored": reset_ignored,
}
