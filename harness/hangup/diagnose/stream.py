"""From frames to findings, one as soon as its connection is settled, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.finding import Finding, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hangup.diagnose.case import Case
    from hangup.diagnose.engine import Engine
    from hangup.wire import Frame

    Watch = Callable[[Frame, Case], None]


def findings(frames: Iterable[Frame], engine: Engine, watch: Watch | None = None) -> Iterator[Finding]:
    """Every connection's; `watch` is told of each frame that belongs to one."""
    for frame in frames:
        case = engine.feed(frame)
        if case is not None and watch is not None:
            watch(frame, case)
        for settled in engine.cases.settled():
            yield conclude(settled, engine.around, engine.counts.last_ns)
    for rest in engine.cases.rest():
        yield conclude(rest, engine.around, engine.counts.last_ns)
