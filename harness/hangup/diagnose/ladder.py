"""One connection as a ladder: its packets with their frame numbers, beside them what each is evidence of."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hangup.ladder import Packets, Row
from hangup.ladder.rows import beside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hangup.diagnose.finding import Finding
    from hangup.wire import Segment

FIRST, LAST = 40, 160
"""Of a longer connection these many packets are drawn, from its beginning and from its end."""


def notes(finding: Finding) -> Mapping[int, str]:
    """What packets are evidence of, for the most likely cause: by their frames' numbers."""
    told: dict[int, str] = {}
    for evidence in finding.causes[0].evidence:
        for packet in evidence.packets[-1:]:
            told[packet] = "; ".join(filter(None, (told.get(packet), evidence.says)))
    return told


def rows(finding: Finding, segments: Sequence[Segment]) -> list[Row]:
    """The rows; `segments` are all of the connection's."""
    reader = Packets(finding.resp.port)
    told = notes(finding)
    drawn = []
    for segment in segments:
        packet = reader.feed(segment)
        row = beside(packet, ())
        note = "; ".join(filter(None, (f"#{segment.number}", told.get(segment.number))))
        if packet.sender == "client":
            drawn.append(row._replace(client="\n".join(filter(None, (note, row.client)))))
        else:
            drawn.append(row._replace(peer="\n".join(filter(None, (note, row.peer)))))
    left = len(drawn) - FIRST - LAST
    if left > 0:
        drawn[FIRST:-LAST] = [Row(drawn[FIRST].time_ns, heading=f"{left} more packets")]
    return _with_pauses(drawn)


def _with_pauses(drawn: Sequence[Row]) -> list[Row]:
    """A heading where nothing moved for long, since that is often the point."""
    out = list(drawn[:1])
    for before, row in pairwise(drawn):
        pause = (row.time_ns - before.time_ns) / 1e9
        if pause >= 1 and not row.heading and not before.heading:
            out.append(Row(before.time_ns, heading=f"nothing for {pause:.1f} s"))
        out.append(row)
    return out
