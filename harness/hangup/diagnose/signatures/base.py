"""What signatures are made of: their type, and evidence in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hangup.diagnose.causes import Evidence, Hypothesis, Value
from hangup.diagnose.facts import OTHER, ROLE, Facts

if TYPE_CHECKING:
    from hangup.diagnose.case import Moment
    from hangup.diagnose.trail import Seen
    from hangup.wire import By

Signature = Callable[[Facts], Hypothesis | None]

ONE_SIDE = "This capture shows one place on the path: what was sent, and what arrived, at the other it cannot tell."


def name(by: By) -> str:
    """``the responder``."""
    return f"the {ROLE[by]}"


def other(by: By) -> str:
    """The other side, by name."""
    return name(OTHER[by])


def size(count: int) -> str:
    """``1 byte``, ``41 bytes``."""
    return "1 byte" if count == 1 else f"{count:,} bytes"


def span(seconds: float) -> str:
    """A time in words: ``41 µs``, ``0.4 ms``, ``12.5 s``, ``350 s``."""
    if seconds < 0.0001:
        return f"{seconds * 1_000_000:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"


def fin_evidence(moment: Moment) -> Evidence:
    """A FIN."""
    return Evidence(says=f"{name(moment.by)} sent FIN", packets=(moment.number,))


def rst_evidence(moment: Moment) -> Evidence:
    """A RST and its class."""
    rst = moment.itself
    kind = (
        f"{name(moment.by)}'s RST has the ACK flag: a socket that was still open aborted"
        if rst.has_ack
        else f"{name(moment.by)}'s RST has no ACK flag: it answers a segment that no open socket takes"
    )
    fields: dict[str, Value] = {
        "tcp.flags.ack": rst.has_ack,
        "tcp.window_size_value": rst.window,
        "ip.ttl": rst.ttl,
    }
    if rst.ip_id is not None:
        fields["ip.id"] = rst.ip_id
    return Evidence(says=kind, packets=(moment.number,), fields=fields)


def numbers(segments: list[Seen]) -> tuple[int, ...]:
    """Their frames' numbers: the first few."""
    return tuple(seen.number for seen in segments[:8])
