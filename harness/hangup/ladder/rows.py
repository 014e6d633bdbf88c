"""A ladder's rows: packets, the client's doings by their time, and the peer's steps beside the packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hangup.ladder.acts import Act, Placer, logged_acts
from hangup.ladder.packets import Cause, Packet, Packets
from hangup.ladder.words import given
from hangup.wire import IcmpError, host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hangup.conduct.trial import Operation, Trial
    from hangup.wire import Segment


class Moment(NamedTuple):
    """Something that the client did or was told, and when."""

    time_ns: int
    text: str


class Row(NamedTuple):
    """One line of a ladder."""

    time_ns: int
    client: str = ""
    packet: Packet | None = None
    peer: str = ""
    heading: str = ""
    """Instead of all else: what begins here."""


class Ladder(NamedTuple):
    """A trial, drawn."""

    rows: list[Row]
    packets: list[Packet]
    """Those that passed before the trial was over."""
    icmp: list[IcmpError]
    """The ICMP errors among them."""
    start_ns: int
    """When its first packet passed, from which its times are counted."""


def ladder(trial: Trial, captured: Iterable[Segment | IcmpError]) -> Ladder:
    """The ladder of a trial that is over, with its packets in the order of the capture."""
    reader = Packets(trial.port)
    packets, errors = [], []
    for one in captured:
        if isinstance(one, IcmpError):
            errors.append(one)
        else:
            packets.append(reader.feed(one))
    peer = {connection.remote: logged_acts(connection.events) for connection in trial.log}
    rows = draw(packets, moments(trial.operations, trial.closed_ns), peer, trial.over_ns, errors)
    start = packets[0].time_ns if packets else trial.started_ns
    before_over = [packet for packet in packets if packet.time_ns <= trial.over_ns]
    return Ladder(rows, before_over, [error for error in errors if error.time_ns <= trial.over_ns], start)


def begins(op: str) -> str:
    """An operation was asked for. Of the close that ends a session the answer is of no interest."""
    return op if op == "close" else f"{op} …"


def ends(operation: Operation) -> str:
    """What its API gave."""
    if operation.reply is None:
        return f"{operation.op} → nothing, to the deadline"
    return f"{operation.op} → {given(operation.reply)}"


def moments(operations: Iterable[Operation], closed_ns: int | None) -> list[Moment]:
    """What the client did, in the order of its times. A call that returned at once is one moment."""
    found = []
    for operation in operations:
        found.append(Moment(operation.begun_ns, begins(operation.op)))
        found.append(Moment(operation.ended_ns, ends(operation)))
    if closed_ns is not None:
        found.append(Moment(closed_ns, begins("close")))
    return sorted(found)


def beside(packet: Packet, acts: Iterable[Act]) -> Row:
    """A packet's row: what the peer did, or what a kernel did by itself."""
    kernel = _BY_ITSELF.get(packet.cause, "") if packet.cause else ""
    peer = "\n".join([act.text for act in acts] + [kernel] * (packet.sender == "peer" and bool(kernel)))
    return Row(packet.time_ns, kernel if packet.sender == "client" else "", packet, peer)


_BY_ITSELF: Mapping[Cause, str] = {
    Cause.REFUSED: "kernel: nothing listens",
    Cause.ANSWER: "kernel: no socket",
    Cause.FORGED: "not the peer: another TTL",
}
"""What a side's kernel, or somebody in its name, did without being told to."""


def reported(error: IcmpError) -> Row:
    """The row of an ICMP error."""
    return Row(error.time_ns, peer=f"{host(error.src)}: ICMP {error.kind}")


def opens(packet: Packet) -> Row:
    """The heading of a further connection."""
    return Row(packet.time_ns, heading=f"connection {packet.connection}, from port {packet.client_port}")


OVER = Row(0, heading="the trial is over: the harness clears away")


def draw(
    packets: Iterable[Packet], client: Iterable[Moment], peer: Mapping[int, Sequence[Act]], over_ns: int,
    errors: Iterable[IcmpError] = (),
) -> list[Row]:  # fmt: skip
    """The ladder of a trial; ``peer`` has the acts of each connection by the client's port.

    With several connections, a heading stands wherever another one goes on; another where the trial was over.
    """
    placers: dict[int, Placer] = {}
    last: dict[int, Packet] = {}
    beginning: dict[int, list[Act]] = {}
    for port, acts in peer.items():
        placers[port] = placer = Placer()
        beginning[port] = [done for act in acts for done in placer.tell(act)]
    rows = [Row(moment.time_ns, moment.text) for moment in client] + [reported(error) for error in errors]
    for packet in packets:
        port = packet.client_port
        done = beginning.pop(port, []) + (placers[port].feed(packet) if port in placers else [])
        rows.append(beside(packet, done))
        last[port] = packet
    for port, placer in placers.items():
        rows.extend(Row(last[port].time_ns, peer=act.text) for act in placer.settle() if port in last)
    rows.sort(key=lambda row: row.time_ns)
    return _with_headings(rows, over_ns, several=len(last) > 1)


def _with_headings(rows: Iterable[Row], over_ns: int, *, several: bool) -> list[Row]:
    headed: list[Row] = []
    current = 0 if several else 1
    over = False
    for row in rows:
        if row.time_ns > over_ns and not over:
            over = True
            headed.append(OVER)
        if row.packet is not None and row.packet.connection != current:
            current = row.packet.connection
            headed.append(opens(row.packet))
        headed.append(row)
    return headed
