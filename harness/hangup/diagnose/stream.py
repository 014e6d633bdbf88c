"""From captures to findings, one as soon as its connection is settled, in bounded memory."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hangup.diagnose.finding import Finding, Outline, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.case import Case
    from hangup.diagnose.engine import Engine
    from hangup.diagnose.inputs import Inputs
    from hangup.diagnose.sift import Sifted
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
    in blocks is read the swift way; a large one by a process of its own, which is at work when this returns.
    """
    blocks = inputs.blocks(engine.max_memory) if not engine.checksums else None
    if blocks is None:
        return findings(inputs, engine)
    return _swiftly(_sifted(blocks, inputs), engine, skimmed, full=full)


def _sifted(blocks: Iterator[Block], inputs: Inputs) -> Iterable[Sifted]:
    from hangup.diagnose.ahead import Ahead, worth
    from hangup.diagnose.sift import Sieve  # numpy, only where it is used

    if worth(inputs.size):
        with suppress(OSError):
            return Ahead(blocks, inputs.complaints)
    return map(Sieve().sift, blocks)


def _swiftly(
    sifted: Iterable[Sifted], engine: Engine, skimmed: Callable[[Counted], None], *, full: bool
) -> Iterator[Outline]:
    from hangup.diagnose.swift import Swift

    swift = Swift(engine)
    yield from swift.findings(sifted, full=full)
    skimmed(swift.counted)
