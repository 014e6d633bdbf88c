"""From captures to findings, one as soon as its connection is settled, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.finding import Finding, Outline, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hangup.diagnose.case import Case
    from hangup.diagnose.engine import Engine
    from hangup.diagnose.inputs import Inputs
    from hangup.diagnose.swift import Counted
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


def troubled(inputs: Inputs, engine: Engine, skimmed: Callable[[Counted], None], *, full: bool) -> Iterator[Outline]:
    """Those of connections that did not plainly end; `skimmed` is told how many others there were.

    `full`: with evidence, and with the scenarios that are like them; else outlines will do. A capture that can be read
    in blocks is read the swift way.
    """
    blocks = inputs.blocks() if not engine.checksums else None
    if blocks is None:
        yield from findings(inputs, engine)
        return
    from hangup.diagnose.swift import Swift  # numpy, only where it is used

    swift = Swift(engine)
    yield from swift.findings(blocks, full=full)
    skimmed(swift.counted)
