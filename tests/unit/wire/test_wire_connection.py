"""What a connection tells beside Zeek's words: bytes, acknowledgements, endings, what closes it."""

from __future__ import annotations

import pytest
from wire_packets import CLIENT_ISN, HANDSHAKE, SERVER_ISN, V4, V6, segments, talk

from hangup.wire import Connection, ConnectionTable, Ending, Endpoint, Flow, IcmpError, host

DATA = ("> PA 1 1 10", "< A 1 11", "< PA 1 11 20", "> A 11 21")
FINISH = ("> FA 11 21", "< FA 21 12", "> A 12 22")


def only(*steps: str, **ends: int) -> Connection:
    (connection,) = talk(*steps, **ends)
    return connection


def test_ends_have_names() -> None:
    connection = only("> S 0")
    assert connection.orig == Endpoint("192.0.2.1", 40000)
    assert str(connection.resp) == "198.51.100.2:9000"
    assert str(Endpoint(host(V6[0]), 80)) == "[2001:db8::1]:80"


BYTES = [
    # what happens, steps, sent by client and by server, acknowledged of each
    ("nothing sent", HANDSHAKE, (0, 0), (0, 0)),
    ("both ways", (*HANDSHAKE, *DATA), (10, 20), (10, 20)),
    ("FINs take no byte", (*HANDSHAKE, *DATA, *FINISH), (10, 20), (10, 20)),
    ("a FIN with payload", (*HANDSHAKE, "> FA 1 1 10", "< A 1 12"), (10, 0), (10, 0)),
    ("in flight", (*HANDSHAKE, "> PA 1 1 10"), (10, 0), (0, 0)),
    ("half of it confirmed", (*HANDSHAKE, "> A 1 1 10", "> A 11 1 10", "< A 1 11"), (20, 0), (10, 0)),
    ("sent twice, counted once", (*HANDSHAKE, "> A 1 1 10", "> A 1 1 10"), (10, 0), (0, 0)),
    ("out of order", (*HANDSHAKE, "> A 11 1 10", "> A 1 1 10", "< A 1 21"), (20, 0), (20, 0)),
    ("not seen, but acknowledged", (*HANDSHAKE, "< A 1 11"), (10, 0), (10, 0)),
    ("payload of a RST is a message, not data", (*HANDSHAKE, "> A 1 1 10", "< RA 1 11 30"), (10, 0), (10, 0)),
    ("a RST may confirm what was sent", (*HANDSHAKE, "> A 1 1 10", "< RA 1 6"), (10, 0), (5, 0)),
    ("but no more than that", (*HANDSHAKE, "> A 1 1 10", "< RA 1 500"), (10, 0), (0, 0)),
    ("a RST far ahead adds nothing", (*HANDSHAKE, "> A 1 1 10", "< R 70000"), (10, 0), (0, 0)),
    ("refused", ("> S 0", "< RA 0 1"), (0, 0), (0, 0)),
    ("in the SYN", ("> S 0 0 10", "< SA 0 11"), (10, 0), (10, 0)),
    ("from the middle on", ("> A 500 700 10", "< A 700 510 20"), (10, 20), (10, 0)),
    ("one side alone", ("> A 1 1 10", "> A 11 21 0"), (10, 20), (0, 20)),
    ("the SYN captured last", ("< SA 0 1", "> S 0", "> A 1 1 10", "< A 1 11"), (10, 0), (10, 0)),
    ("an answer to an earlier connection", ("> S 0", "< A 777 99999"), (0, 0), (0, 0)),
    (
        "payload in front of the SYN+ACK",
        ("> S 0", "< PA 777 99999 10", "< SA 0 1", "> A 1 1", "< PA 1 1 20"),
        (0, 20),
        (0, 0),
    ),
    ("an acknowledgement that comes late", (*HANDSHAKE, "> A 1 1 10", "< A 1 11", "< A 1 6"), (10, 0), (10, 0)),
    ("behind its FIN a side sends nothing", (*HANDSHAKE, "> FA 1 1", "> A 2 1 10"), (0, 0), (0, 0)),
    ("nor in front of a second FIN", (*HANDSHAKE, "> FA 1 1", "> FA 1 1 10"), (0, 0), (0, 0)),
    ("a keep-alive", (*HANDSHAKE, *DATA, "> A 10 21 1", "< A 21 11"), (10, 20), (10, 20)),
]


@pytest.mark.parametrize("isn", [CLIENT_ISN, 2**32 - 5])
@pytest.mark.parametrize(("steps", "sent", "acked"), [row[1:] for row in BYTES], ids=[row[0] for row in BYTES])
def test_bytes(steps: tuple[str, ...], sent: tuple[int, int], acked: tuple[int, int], isn: int) -> None:
    connection = only(*steps, client_isn=isn)
    assert (connection.orig_bytes, connection.resp_bytes) == sent
    assert (connection.orig_acked, connection.resp_acked) == acked


def test_more_than_the_sequence_space() -> None:
    rounds = [step for i in range(1, 11) for step in (f"> A {i << 30} 1 {1 << 30}", f"< A 1 {(i + 1) << 30}")]
    connection = only(*HANDSHAKE, f"> A 1 1 {(1 << 30) - 1}", *rounds)
    assert connection.orig_bytes == connection.orig_acked == (11 << 30) - 1


RETRANSMISSIONS = [
    ("none", (*HANDSHAKE, *DATA, *FINISH), (0, 0)),
    ("SYN", ("> S 0", "> S 0", "> S 0"), (2, 0)),
    ("SYN+ACK", ("> S 0", "< SA 0 1", "< SA 0 1"), (0, 1)),
    ("payload", (*HANDSHAKE, "> A 1 1 10", "> A 1 1 10", "> A 1 1 5"), (2, 0)),
    ("FIN", (*HANDSHAKE, "< FA 1 1", "< FA 1 1"), (0, 1)),
    ("ACKs and RSTs never", (*HANDSHAKE, "> A 1 1", "> A 1 1", "< R 1", "< R 1"), (0, 0)),
    ("something new in it", (*HANDSHAKE, "> A 1 1 10", "> A 1 1 20"), (0, 0)),
    ("the FIN is new", (*HANDSHAKE, "> A 1 1 10", "> FA 1 1 10"), (0, 0)),
]


@pytest.mark.parametrize(
    ("steps", "counts"), [row[1:] for row in RETRANSMISSIONS], ids=[row[0] for row in RETRANSMISSIONS]
)
def test_retransmissions(steps: tuple[str, ...], counts: tuple[int, int]) -> None:
    connection = only(*steps)
    assert (connection.orig_retransmissions, connection.resp_retransmissions) == counts


CLOSED = [
    ("open", HANDSHAKE, False),
    ("unanswered", ("> S 0",), False),
    ("refused", ("> S 0", "< RA 0 1"), True),
    ("one FIN", (*HANDSHAKE, "> FA 1 1", "< A 1 2"), False),
    ("the last FIN is not acknowledged", (*HANDSHAKE, *DATA, *FINISH[:2]), False),
    ("both are", (*HANDSHAKE, *DATA, *FINISH), True),
    ("simultaneous close", (*HANDSHAKE, "> FA 1 1", "< FA 1 1", "> A 2 2", "< A 2 2"), True),
    ("the payload in front of the FIN is missing", (*HANDSHAKE, "> FA 11 1", "< FA 1 1", "> A 12 2"), False),
    ("abort", (*HANDSHAKE, "> PA 1 1 10", "< RA 1 1"), True),
    ("abort with the last payload unseen by the client", (*HANDSHAKE, "< PA 1 1 20", "< RA 21 1"), True),
    ("abort after a FIN", (*HANDSHAKE, "< FA 1 1", "> A 1 2", "< RA 2 1"), True),
    (
        "a RST drawn by payload that crossed the FIN",
        (*HANDSHAKE, "< FA 1 1", "> A 1 1 9", "> A 10 2", "< R 1"),
        True,
    ),
    ("a RST ahead of all that was sent", (*HANDSHAKE, "< R 500"), False),
    ("a RST from long ago", (*HANDSHAKE, *DATA, "< R 5"), False),
    ("a RST that nothing can be compared with", ("< R 5",), True),
    ("the client gives up before an answer", ("> S 0", "> R 1"), True),
    ("a RST for another SYN", ("> S 0", "< RA 0 700"), False),
    ("a RST without ACK in answer to a SYN", ("> S 0", "< R 0"), False),
    ("a RST far ahead, before the SYN+ACK is acknowledged", ("> S 0", "< SA 0 1", "< R 500"), False),
    ("a RST right behind the SYN+ACK", ("> S 0", "< SA 0 1", "< R 1"), True),
]


@pytest.mark.parametrize("isn", [SERVER_ISN, 2**32 - 1])
@pytest.mark.parametrize(("steps", "closed"), [row[1:] for row in CLOSED], ids=[row[0] for row in CLOSED])
def test_closed(steps: tuple[str, ...], closed: bool, isn: int) -> None:
    assert only(*steps, server_isn=isn).closed is closed


COMPLETE = [
    ("handshake", HANDSHAKE, True),
    ("the last ACK comes with payload", (*HANDSHAKE[:2], "> PA 1 1 10"), True),
    ("no last ACK", HANDSHAKE[:2], False),
    ("a RST instead", (*HANDSHAKE[:2], "> R 1"), False),
    ("no SYN", HANDSHAKE[1:], False),
    ("no SYN+ACK", (HANDSHAKE[0], HANDSHAKE[2]), False),
    ("the middle", DATA, False),
]


@pytest.mark.parametrize(("steps", "complete"), [row[1:] for row in COMPLETE], ids=[row[0] for row in COMPLETE])
def test_complete(steps: tuple[str, ...], complete: bool) -> None:
    assert only(*steps).complete is complete


def test_endings_are_told_as_they_were_sent() -> None:
    connection = only(*HANDSHAKE, "< FA 1 1 ttl=61 ts", "> PA 1 2 10", "< R 2 ttl=60")
    assert connection.first_fin == "resp"
    (fin,) = connection.fins
    assert (fin.number, fin.by, fin.after_fin, fin.has_timestamp, fin.ttl) == (4, "resp", False, True, 61)
    assert connection.resets == (
        Ending(
            number=6,
            time_ns=6_000_000_000,
            by="resp",
            flags=4,
            seq=SERVER_ISN + 2,
            ack=0,
            window=0,
            length=0,
            ttl=60,
            ip_id=6,
            has_timestamp=False,
            after_fin=True,
            acceptable=True,
        ),
    )
    assert not connection.resets[0].has_ack


def test_endings_of_both_sides_are_in_the_order_they_were_sent() -> None:
    connection = only(*HANDSHAKE, "< RA 1 1", "> R 1", "< R 1", server=443)
    assert [(reset.number, reset.by, reset.has_ack) for reset in connection.resets] == [
        (4, "resp", True),
        (5, "orig", False),
        (6, "resp", False),
    ]


def test_a_fin_behind_a_reset_is_told_and_the_reset_did_not_follow_it() -> None:
    connection = only(*HANDSHAKE, "< R 1", "< FA 1 1")
    assert (connection.first_fin, [fin.number for fin in connection.fins]) == ("resp", [5])
    assert [reset.after_fin for reset in connection.resets] == [False]


def test_a_flood_of_resets_costs_no_memory() -> None:
    connection = only(*HANDSHAKE, *(f"< R {1 + number}" for number in range(5000)))
    assert len(connection.resets) == 64
    assert len(connection.history) == 4096


def test_a_reset_in_answer_to_a_syn_needs_the_ack_flag() -> None:
    """Its acknowledgement is no more than four bytes without it."""
    assert not only("> S 0", "< R 0", client_isn=2**32 - 1).closed
    assert only("> S 0", "< RA 0 1", client_isn=2**32 - 1).closed


def test_who_sent_what_follows_the_roles_when_they_flip() -> None:
    connection = only("< SA 0 1", "> S 0", "> A 1 1", "> PA 1 1 10", "< FA 1 11", "> RA 11 2")
    assert connection.orig.port == 40000
    assert (connection.orig_bytes, connection.orig_packets, connection.resp_packets) == (10, 4, 2)
    assert (connection.first_fin, connection.resets[0].by) == ("resp", "orig")


def test_a_segment_with_a_wrong_checksum_changes_nothing_but_the_history() -> None:
    connection = only(*HANDSHAKE, "< RA 1 1 bad")
    assert (connection.resets, connection.closed, connection.history) == ((), False, "ShAc")


def _icmp(flow: Flow) -> IcmpError:
    return IcmpError(2, 2_000_000_000, V4[1], V4[0], 63, 3, 1, flow, CLIENT_ISN)


def test_an_icmp_error_finds_its_connection() -> None:
    table = ConnectionTable()
    (syn,) = segments("> S 0")
    connection = table.feed(syn)
    assert connection is not None
    error = _icmp(syn.flow)
    assert table.feed(error) is connection
    assert connection.icmp == [error]
    assert (connection.state, connection.history) == ("S0", "S")


def test_a_stray_icmp_error_is_kept_apart() -> None:
    table = ConnectionTable()
    error = _icmp(Flow(V4[0], 1, V4[1], 2))
    assert table.feed(error) is None
    assert (table.stray_icmp, len(table)) == ([error], 0)


def test_connections_between_other_ports_are_others() -> None:
    table = ConnectionTable()
    for client in (1111, 2222, 1111):
        for segment in segments("> S 0", client=client):
            table.feed(segment)
    assert [each.orig.port for each in table] == [1111, 2222]


def test_what_is_no_tcp_is_passed_over() -> None:
    assert ConnectionTable().feed(None) is None
