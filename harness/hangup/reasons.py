"""Why a kernel sent a trial's RSTs: what it told, brought together with what the capture shows.

No event is a finding too: a RST on the wire of which no kernel told was sent by no TCP stack of this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hangup.evidence import ConnectionEvidence
from hangup.kernel import KernelReset
from hangup.wire import Flags, Segment


@dataclass(frozen=True, kw_only=True)
class ResetReason:
    """Why a kernel sent one of the trial's RSTs, by its own account."""

    by: Literal["client", "peer"]
    connection: int | None
    """Counted from 1, as in the evidence; None where the kernel does not say (a listener's RST)."""
    state: str
    reason: str


def reset_reasons(told: Sequence[KernelReset], port: int, segments: Sequence[Segment]) -> tuple[ResetReason, ...]:
    """What was ``told`` of the RSTs that the capture shows, in its order; ``segments`` are all of the trial's.

    Other runs on this machine may use the same ports at the same time, each in namespaces of its own: what no
    RST in this trial's packets bears out is theirs.
    """
    numbers: dict[int, int] = {}
    for segment in segments:
        numbers.setdefault(segment.sport if segment.dport == port else segment.dport, len(numbers) + 1)
    seen = {(s.sport, s.dport) for s in segments if s.flags & Flags.RST}
    seen |= {(sport, 0) for sport, _ in seen}
    return tuple(
        ResetReason(
            by="peer" if reset.sport == port else "client",
            connection=numbers.get(reset.dport if reset.sport == port else reset.sport),
            state=reset.state,
            reason=reset.reason,
        )
        for reset in told
        if (reset.sport, reset.dport) in seen
    )


def unsent(
    reasons: Sequence[ResetReason], connections: Sequence[ConnectionEvidence]
) -> list[tuple[Literal["client", "peer"], int]]:
    """The RSTs, by whom they seem to be and on which connection, that no kernel has sent."""
    told = {(reason.by, reason.connection) for reason in reasons}
    return [
        (by, number)
        for number, connection in enumerate(connections, 1)
        for by in connection.rst
        if not {(by, number), (by, None)} & told
    ]
