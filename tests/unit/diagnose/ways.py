"""The two ways through a capture, compared by what `--json` says: frame by frame, and in blocks of any size.

The fast way only counts the connections that plainly ended. It decides so at the end of a block; what comes of such a
connection in a later block is passed over. So each one that is only counted must have been plain, for the slow way,
at one of the seams between two blocks, or at the end.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from conversations import MEMORY
from wire_packets import BITS, LINKS, V6, ipv4, ipv6, tcp

from hangup.diagnose import Engine, Finding, findings, record
from hangup.diagnose.blocks import blocks
from hangup.diagnose.sift import Sieve
from hangup.diagnose.swift import Swift
from hangup.wire import Flags, Frame, PcapWriter, Segment, read_pcap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.finding import Outline

Told = dict[str, Any]

ORDERLY, ABORTED = ("SF", "orderly-close", "none"), ("RSTO", "application-abort", "low")
"""What is only counted."""


def written(segments: list[Segment], *, link: str = "ethernet", six: bool = False, snaplen: int = 262_144) -> bytes:
    """A capture of these segments."""
    stream = io.BytesIO()
    writer = PcapWriter(stream, LINKS[link].number, snaplen)
    for segment in segments:
        flags = "".join(flag.name[0] for flag in Flags if segment.flags & flag and flag.name and flag.name[0] in BITS)
        payload = segment.payload or bytes(segment.length)
        data = tcp(segment.sport, segment.dport, segment.seq, segment.ack, flags, payload, window=segment.window)
        forward = segment.sport > segment.dport
        if six:
            packet = ipv6(data, addresses=V6 if forward else V6[::-1], ttl=segment.ttl)
        else:
            packet = ipv4(data, addresses=(segment.src, segment.dst), ttl=segment.ttl, ident=segment.ip_id)
        writer.write(segment.time_ns, LINKS[link].wrap(packet))
    return stream.getvalue()


def plain(data: bytes) -> dict[int, Finding]:
    """What the slow way finds."""
    return {f.stream: f for f in findings(read_pcap(io.BytesIO(data)), Engine(MEMORY))}


def swift(found: Iterable[Block], *, full: bool) -> tuple[dict[int, Outline], tuple[int, int]]:
    """What the fast way finds, and how many others it counted: that closed in order, and that were aborted."""
    way = Swift(Engine(MEMORY))
    outlines = {f.stream: f for f in way.findings(map(Sieve().sift, found), full=full)}
    return outlines, way.counted


def told(finding: Outline, *, full: bool) -> Told:
    """What `--json` says of it; of outlines, as far as these go."""
    if full:
        assert isinstance(finding, Finding)
        said: Told = json.loads(json.dumps(record(finding)))
        return said
    causes = [(h.cause, h.by, h.confidence, h.limits) for h in finding.causes]
    return {
        "stream": finding.stream, "ends": (finding.orig, finding.resp), "reset": finding.reset, "causes": causes,
        "times": (finding.start_ns, finding.duration_ns, finding.end_ns), "state": finding.conn_state,
        "history": finding.history, "bytes": (finding.orig_bytes, finding.resp_bytes), "by": finding.ended_by,
        "severity": finding.severity,
    }  # fmt: skip


def _kind(finding: Finding | None) -> tuple[str, str, str] | None:
    return None if finding is None else (finding.conn_state, finding.cause, finding.severity.value)


def assert_same(data: bytes, size: int = 1 << 24) -> int:
    """Both ways say the same; how many connections were only counted."""
    frames = list(read_pcap(io.BytesIO(data)))
    seams = [int(block.number[-1]) for block in blocks(io.BytesIO(data), size)]
    return assert_same_frames(frames, seams, lambda: blocks(io.BytesIO(data), size))


def assert_same_frames(frames: list[Frame], seams: list[int], found: Any) -> int:
    """The same of frames, with the last frame of each block, and a function that gives the blocks."""
    slow = {f.stream: f for f in findings(frames, Engine(MEMORY))}
    counted = (0, 0)
    for full in (False, True):
        fast, counted = swift(found(), full=full)
        for stream, finding in fast.items():
            assert told(finding, full=full) == told(slow[stream], full=full)
        missing = slow.keys() - fast.keys()
        assert len(missing) == sum(counted)
        kinds = [set(_kinds_at_seams(frames, slow, stream, seams)) for stream in missing]
        assert all(kinds), f"not plain at any seam: {[slow[s] for s, k in zip(missing, kinds, strict=True) if not k]}"
        orderly, aborted = (sum(kind in found for found in kinds) for kind in (ORDERLY, ABORTED))
        assert counted[0] <= orderly
        assert counted[1] <= aborted
    return sum(counted)


def _kinds_at_seams(
    frames: list[Frame], slow: dict[int, Finding], stream: int, seams: list[int]
) -> Iterator[tuple[str, str, str]]:
    """What a connection was at the end of each block, where that is only counted."""
    whole = _kind(slow[stream])
    if whole in (ORDERLY, ABORTED):
        yield whole  # type: ignore[misc]
        return
    for seam in seams:
        before = {f.stream: f for f in findings(frames[:seam], Engine(MEMORY))}
        kind = _kind(before.get(stream))
        if kind in (ORDERLY, ABORTED):
            yield kind  # type: ignore[misc]
