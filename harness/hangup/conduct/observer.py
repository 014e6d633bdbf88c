"""Watching the wire while trials run: each packet goes to the trial whose port it carries, and to the run's capture.

So does what the kernel tells of the RSTs that it sends, where it may be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from hangup.capture import Ring
from hangup.evidence import ConnectionEvidence, connection_evidence
from hangup.kernel import KernelReset, Lost, ResetTrace
from hangup.reasons import ResetReason, reset_reasons
from hangup.wire import ConnectionTable, Frame, IcmpError, Segment, decode
from hangup_server.http import whole_requests


class PacketListener(Protocol):
    """Who wants to hear of a trial's packets as they pass."""

    def packet(self, segment: Segment) -> None:
        """One segment of the trial."""

    def icmp(self, error: IcmpError) -> None:
        """An ICMP error about one."""


class Tracker:
    """The packets of one trial, so far."""

    def __init__(self, port: int, pump: Callable[[], None], listener: PacketListener | None = None) -> None:
        """``pump`` fetches what the ring holds and nobody has looked at yet."""
        self.port = port
        self._pump = pump
        self.dropped = False
        """Whether the capture lost packets while the trial ran: its evidence cannot be trusted."""
        self.packets: list[Segment | IcmpError] = []
        self.segments: list[Segment] = []
        self.told: list[KernelReset] | None = None
        """What the kernel told of RSTs with the trial's port; None where it cannot be asked, or has lost some."""
        self._table = ConnectionTable()
        self._listener = listener
        self._news: asyncio.Future[None] | None = None

    def feed(self, segment: Segment | IcmpError) -> None:
        """One more packet."""
        self._table.feed(segment)
        self.packets.append(segment)
        if isinstance(segment, Segment):
            self.segments.append(segment)
        if self._listener is not None:
            if isinstance(segment, Segment):
                self._listener.packet(segment)
            else:
                self._listener.icmp(segment)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def recent(self) -> list[Segment]:
        """All segments so far, those included that nobody has looked at yet."""
        self._pump()
        return self.segments

    def evidence(self) -> tuple[ConnectionEvidence, ...]:
        """What the packets so far show, connection by connection, in the order of their first packets."""
        self._pump()
        return tuple(connection_evidence(c, self.port, self.segments) for c in list(self._table))

    def reasons(self) -> tuple[ResetReason, ...] | None:
        """Why a kernel sent each RST of the trial; None where that is not known."""
        return None if self.told is None else reset_reasons(self.told, self.port, self.segments)

    def peer_bytes(self) -> int:
        """Payload bytes that the peer, or whoever spoke in its name, has sent, on all connections of the trial."""
        self._pump()
        return sum(c.resp_bytes if c.resp.port == self.port else c.orig_bytes for c in self._table)

    def first_closed(self) -> bool:
        """Whether nothing more is to be expected on the trial's first connection."""
        first = next(iter(self._table), None)
        return first is not None and first.closed

    def client_ports(self) -> tuple[int, ...]:
        """The client's own ports, connection by connection."""
        ends = [(connection.orig.port, connection.resp.port) for connection in self._table]
        return tuple(one if other == self.port else other for one, other in ends)

    def requests_sent(self) -> int:
        """How many whole HTTP requests the client has put on the wire on the trial's first connection."""
        first = next(iter(self.client_ports()), None)
        sent = bytearray()
        begin: int | None = None
        for segment in self.segments:
            if segment.sport != first:
                continue
            if begin is None:
                begin = segment.seq + 1  # the SYN counts as one
            offset = (segment.seq - begin) & 0xFFFFFFFF
            if offset <= len(sent):  # not the SYN; a retransmission may bring more than is known
                sent += segment.payload.ljust(segment.length, b"\0")[len(sent) - offset :]
        return whole_requests(bytes(sent))

    def request_acknowledged(self) -> bool:
        """Whether the peer's kernel has acknowledged all that the client has sent on the trial's first connection."""
        first = next(iter(self._table), None)
        return first is not None and connection_evidence(first, self.port, self.segments).request == "acknowledged"

    async def until(self, condition: Callable[[], bool], seconds: float | None) -> None:
        """Wait for packets until the condition holds, at most this long, or for ever where it is None."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news = asyncio.get_running_loop().create_future()
                    await self._news
        except TimeoutError:
            pass  # the caller looks at what is there


class Observer:
    """Takes packets from the ring as they come and hands them out."""

    def __init__(self, ring: Ring, keep: Callable[[Frame], None] | None, trace: ResetTrace | None = None) -> None:
        self._ring = ring
        self._keep = keep
        self._trace = trace
        self._trackers: dict[int, Tracker] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(ring.fileno(), self.pump)

    def watch(self, port: int, listener: PacketListener | None = None) -> Tracker:
        """Begin to follow a trial's port."""
        self.pump()  # what came before is not this trial's
        tracker = self._trackers[port] = Tracker(port, self.pump, listener)
        if self._trace is not None:
            self._ask(self._trace)
            tracker.told = []
        return tracker

    def forget(self, tracker: Tracker) -> None:
        """Stop following it; tells it first whether packets were lost meanwhile, and what the kernel has to say.

        A kernel speaks of a RST when it has been sent, so that only now, when the trial is over, all has been said.
        """
        self.pump()
        if self._trace is not None:
            self._ask(self._trace)
        if self._ring.new_drops():
            for other in self._trackers.values():
                other.dropped = True
        self._trackers.pop(tracker.port, None)

    def pump(self) -> None:
        """Hand out all packets that are there."""
        for frame in self._ring.drain():
            packet = decode(frame)
            if packet is None:
                continue
            tracker = self._tracker(packet)
            if tracker is not None:
                tracker.feed(packet)
                if self._keep is not None:
                    self._keep(frame)

    def _tracker(self, packet: Segment | IcmpError) -> Tracker | None:
        flow = packet if isinstance(packet, Segment) else packet.flow
        return self._trackers.get(flow.dport) or self._trackers.get(flow.sport)

    def _ask(self, trace: ResetTrace) -> None:
        """Hand out what the kernel has told."""
        try:
            for reset in trace.read():
                tracker = self._trackers.get(reset.sport) or self._trackers.get(reset.dport)
                if tracker is not None and tracker.told is not None:
                    tracker.told.append(reset)
        except Lost:
            for tracker in self._trackers.values():
                tracker.told = None

    def close(self) -> None:
        """Take no more packets."""
        self._loop.remove_reader(self._ring.fileno())
