"""All connections of a capture: each segment finds its own, and a SYN on the same ports opens the next.

It holds every connection it has seen, in the order of their first segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection import Connection
from .decode import decode
from .segments import IcmpError, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .frames import Frame


class ConnectionTable:
    def __init__(self) -> None:
        self._all: list[Connection] = []
        self._current: dict[tuple[bytes, int, bytes, int], Connection] = {}
        """The latest connection between two sockets, by its flow in either direction."""
        self.stray_icmp: list[IcmpError] = []
        """ICMP errors that quote a segment of no connection seen."""

    def feed(self, found: Segment | IcmpError | None) -> Connection | None:
        """Take what `decode` gave, and give the connection that it belongs to."""
        if isinstance(found, Segment):
            return self._segment(found)
        if found is not None:
            return self._icmp(found)
        return None

    def _segment(self, segment: Segment) -> Connection:
        flow = (segment.src, segment.sport, segment.dst, segment.dport)
        connection = self._current.get(flow)
        if connection is not None and not connection.is_reuse(segment):
            connection.feed(segment)
            return connection
        connection = Connection(segment)
        self._all.append(connection)
        self._current[flow] = self._current[connection.flow.reversed()] = connection
        return connection

    def _icmp(self, error: IcmpError) -> Connection | None:
        connection = self._current.get(error.flow)
        (connection.icmp if connection else self.stray_icmp).append(error)
        return connection

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def connections(frames: Iterable[Frame], *, checksums: bool = False) -> list[Connection]:
    """The connections of a capture, in the order of their first segments."""
    table = ConnectionTable()
    for frame in frames:
        table.feed(decode(frame, checksums=checksums))
    return list(table)
