"""The whole of a capture in numbers: endings, causes, peers, and when. Its size does not grow with the capture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.finding import Severity

if TYPE_CHECKING:
    from hangup.diagnose.finding import Outline
    from hangup.diagnose.swift import Counted

_MOST_PEERS = 20_000
_BUCKETS = 60
_BLOCKS = "▁▂▃▄▅▆▇█"


class Peer(NamedTuple):
    """A responder, and what happened there."""

    address: str
    port: int
    cause: str


class Timeline:
    """Counts by time, in at most 120 equal parts whose width doubles as the capture goes on."""

    def __init__(self) -> None:
        self._width_ns = 1_000_000_000
        self._start_ns: int | None = None
        self._counts: Counter[int] = Counter()

    def add(self, time_ns: int) -> None:
        """One more at that time, which may be earlier than the first one's."""
        if self._start_ns is None:
            self._start_ns = time_ns
        place = (time_ns - self._start_ns) // self._width_ns
        new = place not in self._counts
        self._counts[place] += 1
        while new and max(self._counts) - min(self._counts) >= 2 * _BUCKETS:
            halved: Counter[int] = Counter()
            for place, count in self._counts.items():
                halved[place // 2] += count
            self._counts, self._width_ns = halved, self._width_ns * 2

    @property
    def width(self) -> float:
        """Seconds of one part."""
        return self._width_ns / 1e9

    @property
    def counts(self) -> list[int]:
        """From the first part to the last."""
        if not self._counts:
            return []
        return [self._counts[place] for place in range(min(self._counts), max(self._counts) + 1)]

    def sparkline(self) -> str:
        """A character a part: `▁▁▇▂`."""
        counts = self.counts
        top = max(counts, default=0)
        return "".join(" " if not n else _BLOCKS[min(7, n * 8 // (top + 1))] for n in counts)


class Summary:
    def __init__(self) -> None:
        self.connections = 0
        self.states: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.severities: Counter[Severity] = Counter()
        self.troubled: Counter[Peer] = Counter()
        """Of medium and high severity, by responder and cause."""
        self.trouble = Timeline()
        """When those ended."""
        self.idle: Counter[tuple[str, int, int]] = Counter()
        """Idle timeouts: address, port, seconds."""
        self.reset = 0
        """Connections with a RST."""

    def add(self, finding: Outline) -> None:
        """One more."""
        self.connections += 1
        self.states[finding.conn_state] += 1
        self.causes[finding.cause] += 1
        self.severities[finding.severity] += 1
        self.reset += finding.reset
        if finding.severity in (Severity.MEDIUM, Severity.HIGH):
            self.trouble.add(finding.end_ns)
            self.troubled[Peer(finding.resp.address, finding.resp.port, finding.cause)] += 1
            if len(self.troubled) > _MOST_PEERS:
                self.troubled = Counter(dict(self.troubled.most_common(_MOST_PEERS // 2)))
        self._idle(finding)

    def add_counted(self, counted: Counted) -> None:
        """So many more, of which nothing else is known."""
        for count, state, cause, severity in (
            (counted.orderly, "SF", "orderly-close", Severity.NONE),
            (counted.aborted, "RSTO", "application-abort", Severity.LOW),
        ):
            if count:
                self.connections += count
                self.states[state] += count
                self.causes[cause] += count
                self.severities[severity] += count
        self.reset += counted.aborted

    def _idle(self, finding: Outline) -> None:
        for hypothesis in finding.causes[:2]:
            for evidence in hypothesis.evidence:
                seconds = evidence.fields.get("idle_seconds")
                if isinstance(seconds, float) and seconds >= 1:
                    side = finding.orig if hypothesis.by == "orig" else finding.resp
                    self.idle[side.address, side.port if side is finding.resp else 0, round(seconds)] += 1
                    return
        if len(self.idle) > _MOST_PEERS:
            self.idle = Counter(dict(self.idle.most_common(_MOST_PEERS // 2)))

    def idle_timeouts(self) -> list[tuple[str, int, int, int]]:
        """Where several connections were ended after being idle for as long: address, port, seconds, how many."""
        return [(*key, count) for key, count in self.idle.most_common(10) if count >= 3]
