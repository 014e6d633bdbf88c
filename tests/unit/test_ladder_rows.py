"""A ladder's rows: of a trial that is over, and of one that goes on; both tell the same."""

from __future__ import annotations

from ladder_samples import (
    CLIENT_PORT,
    HANDSHAKE,
    INTERRUPTED,
    PORT,
    REQUEST,
    at,
    operation,
    segment,
)

from hangup.catalogue import Step
from hangup.conduct.peer import LoggedConnection
from hangup.conduct.trial import Operation, Trial
from hangup.ladder import LiveLadder, Row, ladder

LOG = ("accept", "recv request 41", "send 1065", "interrupt")


def trial(*operations: Operation, log: dict[int, tuple[str, ...]], closed_ms: float | None, over_ms: float) -> Trial:
    """A trial that is over."""
    return Trial(
        client="python/socket", scenario="server-interrupted", name="t", port=PORT,
        host="192.0.2.2", client_host="192.0.2.1",
        operations=operations, evidence=(), started_ns=at(-1), ended_ns=at(1000), over_ns=at(over_ms),
        closed_ns=None if closed_ms is None else at(closed_ms),
        log=tuple(LoggedConnection(port, 0, 0, (), events) for port, events in log.items()),
    )  # fmt: skip


def text(row: Row) -> str:
    """A row in one line."""
    words = row.packet.words if row.packet else ""
    peer = row.peer.replace("\n", ", ")
    return row.heading or f"{row.client} | {words} | {peer}".strip()


def test_both_sides_stand_beside_the_packets() -> None:
    drawn = ladder(
        trial(
            operation("exchange", -0.5, 2.5, received=1065),
            operation("exchange", 104, 106, received=0, eof=True),
            log={CLIENT_PORT: LOG}, closed_ms=107, over_ms=110,
        ),
        map(segment, INTERRUPTED),
    )  # fmt: skip
    assert [text(row) for row in drawn.rows] == [
        "exchange … |  |",
        "| SYN |",
        "| SYN ACK |",
        "| ACK | accept",
        "| PSH ACK 41 bytes | recv request 41",
        "| ACK |",
        "| PSH ACK 1065 bytes | send 1065",
        "| ACK |",
        "exchange → 1065 bytes |  |",
        "| FIN ACK | interrupt",
        "| ACK |",
        "exchange … |  |",
        "| PSH ACK 41 bytes |",
        "| RST | kernel: no socket",
        "exchange → end of stream |  |",
        "close |  |",
    ]
    assert drawn.start_ns == at(0)


def test_connections_are_told_apart_where_there_are_several() -> None:
    segments = [segment(text) for text in (*REQUEST, "1 < FA 1 42")]
    segments += [segment("2 > S 0", client_port=40001), segment("2.1 < RA 0 1", client_port=40001)]
    segments += [segment("3 > A 42 2")]
    events = ("accept", "recv request 41", "close")
    drawn = ladder(trial(log={CLIENT_PORT: events}, closed_ms=None, over_ms=9), segments)
    assert [row.heading for row in drawn.rows if row.heading] == [
        "connection 1, from port 40000", "connection 2, from port 40001", "connection 1, from port 40000",
    ]  # fmt: skip
    assert "| RST ACK | kernel: nothing listens" in [text(row) for row in drawn.rows]


def test_what_clears_away_is_told_apart() -> None:
    packets = (*REQUEST, "8000 < FA 1 42", "8001 > FA 42 2")
    drawn = ladder(
        trial(operation("exchange", 0, 7990, hang=True), log={CLIENT_PORT: LOG[:2]}, closed_ms=None, over_ms=7995),
        map(segment, packets),
    )
    assert [text(row) for row in drawn.rows][-4:] == [
        "exchange → nothing, to the deadline |  |", "the trial is over: the harness clears away", "| FIN ACK |",
        "| FIN ACK |",
    ]  # fmt: skip
    assert [packet.words for packet in drawn.packets][-1] == "ACK"  # the explanation is of the trial alone


def test_steps_that_left_no_trace_are_shown_all_the_same() -> None:
    drawn = ladder(
        trial(log={CLIENT_PORT: ("accept", "shutdown", "close")}, closed_ms=None, over_ms=9),
        map(segment, (*HANDSHAKE, "1 < FA 1 1")),
    )
    assert text(drawn.rows[-1]) == "|  | close"


def live(pump_first: bool) -> list[str]:
    """``server-interrupted`` as it goes on. The packets come by themselves, or only when they are asked for."""
    rows: list[Row] = []
    waiting = [segment(text) for text in INTERRUPTED]

    def pump(until_ms: float = 1e9) -> None:
        while waiting and waiting[0].time_ns <= at(until_ms):
            spectator.packet(waiting.pop(0))

    now = 0.0
    spectator = LiveLadder((), rows.append, lambda: pump(now))

    def told(when: float, actor: str, act: str, **params: object) -> None:
        nonlocal now
        now = when
        if pump_first:
            pump(when)
        spectator.step(Step.model_validate({"actor": actor, "act": act, "params": params}))

    def observed(ms: float, **reply: object) -> None:
        nonlocal now
        now = ms
        if pump_first:
            pump(ms)
        spectator.observed(operation("exchange", 0, ms, **reply))

    told(-0.5, "client", "begin exchange")
    told(-0.4, "peer", "accept")
    told(-0.4, "peer", "recv request")
    told(-0.4, "peer", "send body", bytes=1065)
    observed(2.5, received=1065)
    told(3, "client", "finish")
    told(4, "peer", "stop listening")
    told(4, "peer", "interrupt")
    told(6, "wait", "fin at client")
    told(7, "client", "idle", ms=100)
    told(104, "client", "exchange")
    observed(106, received=0, eof=True)
    told(107, "client", "close")
    now = 110
    spectator.over()
    return [text(row) for row in rows]


def test_a_trial_that_goes_on_tells_the_same_in_the_same_order() -> None:
    expected = [
        "exchange … |  |",
        "| SYN |",
        "| SYN ACK |",
        "| ACK | accept",
        "| PSH ACK 41 bytes | recv request",
        "| ACK |",
        "| PSH ACK 1065 bytes | send body 1065",
        "| ACK |",
        "exchange → 1065 bytes |  |",
        "|  | stop listening",
        "| FIN ACK | interrupt",
        "idle 100 ms |  |",
        "| ACK |",
        "exchange … |  |",
        "| PSH ACK 41 bytes |",
        "| RST | kernel: no socket",
        "exchange → end of stream |  |",
        "close |  |",
    ]
    assert live(pump_first=True) == expected
    assert live(pump_first=False) == expected


def test_the_peer_s_part_on_further_connections_is_shown_where_the_packets_show_it() -> None:
    rows: list[Row] = []
    further = (Step(actor="peer", act="recv request"), Step(actor="peer", act="close"))
    spectator = LiveLadder(further, rows.append, lambda: None)
    for text_ in (*HANDSHAKE, "1 < FA 1 1"):
        spectator.packet(segment(text_))
    for text_ in (*HANDSHAKE, "2 > R 1"):  # the second one goes away before it has sent anything
        spectator.packet(segment(text_, client_port=40001))
    spectator.over()
    spectator.packet(segment("9 < RA 1 1"))
    assert [text(row) for row in rows] == [
        "| SYN |", "| SYN ACK |", "| ACK |", "| FIN ACK |",
        "connection 2, from port 40001", "| SYN |", "| SYN ACK |", "| ACK | accept", "kernel: no socket | RST |",
        "the trial is over: the harness clears away", "connection 1, from port 40000", "| RST ACK |",
    ]  # fmt: skip
    assert len(spectator.packets) == 8


def test_an_answer_that_is_none_is_an_observation_too() -> None:
    rows: list[Row] = []
    LiveLadder((), rows.append, lambda: None).observed(operation("recv", 0, 8000, hang=True))
    assert rows == [Row(at(8000), "recv → nothing, to the deadline")]


def test_a_reply_is_told_in_words() -> None:
    rows: list[Row] = []
    error = [{"type": "a.b.C", "message": "m"}, {"type": "E", "message": "m", "errno": 104, "code": "ECONNRESET"}]
    LiveLadder((), rows.append, lambda: None).observed(operation("recv", 0, 1, error=error))
    assert rows[0].client == "recv → C [Errno 104]"
