"""Zeek's conn_state and history: each case is one of its rules, with what Zeek's own source makes of it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import HANDSHAKE, talk


class Case(NamedTuple):
    rule: str
    steps: tuple[str, ...]
    state: str
    history: str
    server: int = 9000


DATA = ("> PA 1 1 10", "< A 1 11", "< PA 1 11 20", "> A 11 21")

IN_FLIGHT = (*HANDSHAKE, "> A 1 1 10", "< A 1 11", "> A 11 1 10485750")

CASES = [
    # conn_state, state by state (scripts/base/protocols/conn/main.zeek)
    Case("S0: a SYN and no answer", ("> S 0",), "S0", "S"),
    Case("REJ: the SYN is answered by a RST", ("> S 0", "< RA 0 1"), "REJ", "Sr"),
    Case("REJ: both reset, and neither sent payload", ("> S 0", "< SA 0 1", "> R 1", "< R 1"), "REJ", "ShRr"),
    Case("REJ: also after a FIN", (*HANDSHAKE, "> FA 1 1", "> R 2", "< R 1"), "REJ", "ShAFRr"),
    Case("S1: established", HANDSHAKE, "S1", "ShA"),
    Case("S1: established by SYN and SYN+ACK alone", ("> S 0", "< SA 0 1"), "S1", "Sh"),
    Case("S1: payload both ways", (*HANDSHAKE, *DATA), "S1", "ShADad"),
    Case("S2: the originator closed its side", (*HANDSHAKE, "> FA 1 1", "< A 1 2"), "S2", "ShAFa"),
    Case("S3: the responder closed its side", (*HANDSHAKE, "< FA 1 1", "> A 1 2"), "S3", "ShAf"),
    Case("SF: both closed", (*HANDSHAKE, *DATA, "> FA 11 21", "< FA 21 12", "> A 12 22"), "SF", "ShADadFf"),
    Case("SF: the responder closed first", (*HANDSHAKE, "< FA 1 1", "> FA 1 2", "< A 2 2"), "SF", "ShAfFa"),
    Case("RSTO: the originator aborts", (*HANDSHAKE, "> PA 1 1 10", "> RA 11 1"), "RSTO", "ShADR"),
    Case("RSTR: the responder aborts", (*HANDSHAKE, "> PA 1 1 10", "< RA 1 11"), "RSTR", "ShADr"),
    Case("RSTO: after its own FIN", (*HANDSHAKE, "> FA 1 1", "> R 2"), "RSTO", "ShAFR"),
    Case("RSTR: in answer to a FIN", (*HANDSHAKE, "> FA 1 1", "< R 1"), "RSTR", "ShAFr"),
    Case("RSTR: both reset, with payload", (*HANDSHAKE, "> PA 1 1 10", "> R 11", "< R 1"), "RSTR", "ShADRr"),
    Case("RSTOS0: a SYN, then a RST of the same side", ("> S 0", "> R 1"), "RSTOS0", "SR"),
    Case("RSTRH: SYN+ACK and RST, the SYN not seen", ("< SA 0 1", "< R 1"), "RSTRH", "^hr", server=80),
    Case("SH: a SYN, then a FIN of the same side", ("> S 0", "> F 1"), "SH", "SF"),
    Case("SHR: SYN+ACK and FIN, the SYN not seen", ("< SA 0 1", "< FA 1 1"), "SHR", "^hf", server=80),
    Case("OTH: no SYN seen", ("> PA 1 1 10", "< A 1 11"), "OTH", "Da"),
    Case("OTH: no SYN seen, then a RST of the originator", ("> PA 1 1 9", "< A 1 10", "> R 10"), "OTH", "DaR"),
    Case("RSTRH: no SYN seen, then a RST of the responder", ("> PA 1 1 9", "< R 1"), "RSTRH", "Dr"),
    # UpdateClosedState and UpdateEstablishedState
    Case(
        "SF: a RST after both FINs changes nothing",
        (*HANDSHAKE, "> FA 1 1", "< FA 1 2", "> R 2"),
        "SF",
        "ShAFfR",
    ),
    Case("SF: FIN, RST, then the other's FIN", (*HANDSHAKE, "< FA 1 1", "< R 2", "> FA 1 2"), "SF", "ShAfrF"),
    Case("RSTR: RST, then the other's FIN", (*HANDSHAKE, "< R 1", "> FA 1 1"), "RSTR", "ShArF"),
    Case("RSTR: RST, then a FIN of the same side", (*HANDSHAKE, "< R 1", "< FA 1 1"), "RSTR", "ShArf"),
    # UpdateInactiveState
    Case("a bare ACK in front of the SYN+ACK", ("> S 0", "< A 0 1", "< SA 0 1", "> A 1 1"), "S1", "SahA"),
    Case("payload in front of the SYN+ACK", ("> S 0", "< PA 1 1 5", "< SA 0 1", "> A 1 1"), "OTH", "SdhA"),
    Case("a missed SYN, mended by the ACK", ("< SA 0 1", "> A 1 1"), "S1", "^hA", server=80),
    Case("a missed SYN on unknown ports", ("< SA 0 1", "> A 1 1"), "OTH", "Ha"),
    Case("SYN captured behind the SYN+ACK: FlipRoles", ("< SA 0 1", "> S 0", "> A 1 1"), "S1", "Hs^A"),
    Case("the same, flipped by the port before", ("< SA 0 1", "> S 0", "> A 1 1"), "OTH", "^hSA", server=80),
    Case("a SYN captured behind what it opened", ("> A 1 1", "> S 0"), "S0", "AS"),
    Case("two SYN+ACKs flip nothing", ("< SA 0 1", "> SA 0 1"), "OTH", "Hh"),
    Case("a missed SYN, not mended without an ACK", ("< SA 0 1", "> P 1 0 5"), "OTH", "^hD", server=80),
    # WantConnection
    Case("seen from its middle on, the server first", ("< PA 1 1 10", "> A 1 11"), "OTH", "^dA", server=443),
    Case("a RST alone, of a server", ("< R 1",), "RSTRH", "^r", server=443),
    # update_history
    Case("a SYN sent again", ("> S 0", "> S 0"), "S0", "S"),
    Case("a SYN+ACK sent again", ("> S 0", "< SA 0 1", "< SA 0 1", "> A 1 1"), "S1", "ShA"),
    Case("a FIN sent again", (*HANDSHAKE, "> FA 1 1", "> FA 1 1"), "S2", "ShAF"),
    Case("a FIN at another place", (*HANDSHAKE, "> FA 1 1", "> FA 1 1 10"), "S2", "ShAFF"),
    Case("a RST sent again", (*HANDSHAKE, "< R 1", "< R 1"), "RSTR", "ShAr"),
    Case("a RST at another place", (*HANDSHAKE, "< R 1", "< R 11"), "RSTR", "ShArr"),
    Case("FIN and RST in one", (*HANDSHAKE, "> FR 1"), "RSTO", "ShAI"),
    Case("SYN and FIN in one", ("> SF 0",), "SH", "Q"),
    Case("SYN and RST in one", ("> SR 0",), "OTH", "Q"),
    Case("all three in one", ("> SFR 0",), "OTH", "I"),
    # update_window
    Case("zero window", (*HANDSHAKE, "> PA 1 1 10", "< A 1 11 win=0"), "S1", "ShADaw"),
    Case("zero window after the peer's FIN", (*HANDSHAKE, "< FA 1 1", "> A 1 2 win=0"), "S3", "ShAf"),
    Case("zero window of the side that closed", (*HANDSHAKE, "< FA 1 1", "< A 2 1 win=0"), "S3", "ShAfaw"),
    Case("zero window in a RST", (*HANDSHAKE, "< RA 1 1 win=0"), "RSTR", "ShAr"),
    # update_last_seq
    Case("payload sent again", (*HANDSHAKE, "> PA 1 1 10", "> PA 1 1 10"), "S1", "ShADT"),
    Case("9 times again", (*HANDSHAKE, *["> PA 1 1 10"] * 10), "S1", "ShADT"),
    Case("10 times again", (*HANDSHAKE, *["> PA 1 1 10"] * 11), "S1", "ShADTT"),
    Case("99 and 100 times again", (*HANDSHAKE, *["> PA 1 1 10"] * 101), "S1", "ShADTTT"),
    Case("out of order", (*HANDSHAKE, "> PA 11 1 10", "> PA 1 1 10", "< A 1 21"), "S1", "ShADTa"),
    Case("more of it the second time", (*HANDSHAKE, "> PA 1 1 10", "> PA 1 1 20"), "S1", "ShAD"),
    Case("a keep-alive with an octet", (*HANDSHAKE, *DATA, "> A 10 21 1"), "S1", "ShADadT"),
    Case("a keep-alive without one", (*HANDSHAKE, *DATA, "> A 10 21"), "S1", "ShADad"),
    Case("payload in the SYN counts as sent again", ("> S 0 0 10",), "S0", "ST"),
    Case("after its RST nothing counts", (*HANDSHAKE, "> PA 1 1 9", "> R 10", "> PA 1 1 9"), "RSTO", "ShADR"),
    Case("payload in a RST does so too", (*HANDSHAKE, "> PA 1 1 10", "< RA 1 11 30"), "RSTR", "ShADrt"),
    Case("a jump of payload is believed", (*HANDSHAKE, *["> A 2000001 1 10"] * 2), "S1", "ShADT"),
    Case("a jump of a RST is payload", (*HANDSHAKE, "> R 500000", "< R 1"), "RSTR", "ShARr"),
    Case("but not a far one", (*HANDSHAKE, "> R 1500000", "< R 1"), "REJ", "ShARr"),
    Case("all payload missing, but acknowledged", (*HANDSHAKE, "< A 1 9", "> R 1", "< R 1"), "RSTR", "ShAaGRr"),
    Case("so much that it seems broken", (*HANDSHAKE, "< A 1 2000000", "> R 1", "< R 1"), "RSTR", "ShAaGRr"),
    Case("only SYN and FIN of 3 GB", ("> S 0", "< SA 0 1", *["> FA 3000000000 1"] * 2), "S2", "ShF"),
    # TCP_Reassembler::AckReceived and Gap
    Case("a gap", (*HANDSHAKE, "> PA 1 1 10", "> PA 21 1 10", "< A 1 31"), "S1", "ShADaG"),
    Case("two gaps", (*HANDSHAKE, "> A 11 1 10", "> A 31 1 10", "< A 1 41"), "S1", "ShADaG"),
    Case("ten gaps", (*HANDSHAKE, *[f"> A {i} 1 1" for i in range(2, 22, 2)], "< A 1 22"), "S1", "ShADaGG"),
    Case("a gap at the end", (*HANDSHAKE, "> PA 1 1 10", "< A 1 21"), "S1", "ShADaG"),
    Case("all payload missing", (*HANDSHAKE, "< A 1 11"), "S1", "ShAaG"),
    Case("a hole that is filled", (*HANDSHAKE, "> A 11 1 10", "> A 1 1 10", "< A 1 21"), "S1", "ShADTa"),
    Case("the FIN is no payload", (*HANDSHAKE, "> FA 1 1", "< A 1 2"), "S2", "ShAFa"),
    Case("no gap before a SYN was seen", ("> PA 1 1 9", "> PA 19 1 9", "< A 1 28"), "OTH", "Da"),
    Case("no gap by the ACK of a RST", (*HANDSHAKE, "> PA 11 1 10", "< RA 1 21"), "RSTR", "ShADr"),
    Case("a gap after a clean FIN", (*HANDSHAKE, "< FA 1 1", "> PA 11 2 9", "< A 2 20"), "S3", "ShAfDaG"),
    Case("far above a hole", (*HANDSHAKE, "> A 11 1 16374", "< A 1 16385"), "S1", "ShADaG"),
    Case("too far, as nothing is acknowledged", (*HANDSHAKE, "> A 11 1 16375", "< A 1 16386"), "S1", "ShADa"),
    Case("as far, when something is", (*HANDSHAKE, *DATA, "> A 12 21 20000", "< A 21 20012"), "S1", "ShADadG"),
    Case("10 MiB in flight", (*IN_FLIGHT, "> A 10485762 1 9", "< A 1 10485771"), "S1", "ShADaG"),
    Case("more than 10 MiB in flight", (*IN_FLIGHT, "> A 10485762 1 11", "< A 1 10485773"), "S1", "ShADa"),
    Case("10 MiB, never acknowledged", (*HANDSHAKE, "> A 1 1 20000000", "< A 1 20000011"), "S1", "ShADaG"),
    Case("a missing octet, partial", ("> S 0", "< A 0 1", "< SA 0 1", "> A 1 1", "< A 1 2"), "S1", "SahA"),
    Case("two of them", ("> S 0", "< A 0 1", "< SA 0 1", "> A 1 1", "< A 1 3"), "S1", "SahAG"),
    Case("a missing octet, not partial any more", ("< SA 0 1", "> A 1 1", "< A 1 2"), "S1", "^hAaG", server=80),
    Case("payload from before the start is not taken", (*HANDSHAKE, "> A -5 1 20", "< A 1 15"), "S1", "ShADaG"),
    # published baselines of Zeek's own tests (testing/btest/Baseline/core.tcp.*/conn.log), in their letters' order
    Case(
        "miss-end-data: the answer was not captured, its FIN was",
        (*HANDSHAKE, "> PA 1 1 538", "< A 1 539", "< FA 2903 539", "> A 539 2904", "> FA 539 2904"),
        "SF",
        "ShADafgF",
    ),
    Case(
        "missing-syn: all but the SYN",
        ("< SA 0 1", "> A 1 1", "> PA 1 1 98", "< PA 1 99 9417", "> FA 99 9418", "< A 9418 100", "< FA 9418 100"),
        "SF",
        "^hADdFaf",
        server=80,
    ),
    Case(
        "fin-rst-timeout: each side's RST behind its FIN",
        (*HANDSHAKE, *DATA, "< PA 1 11 20", "> FA 11 21", "> R 12", "< FA 21 12", "< R 22"),
        "SF",
        "ShADadtFRfr",
    ),
    # ValidateChecksum
    Case("a wrong checksum is noted, and no more", ("> S 0 bad",), "OTH", "C"),
    Case("also later", (*HANDSHAKE, "> PA 1 1 10 bad", "< RA 1 1 bad"), "S1", "ShACc"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rule(case: Case) -> None:
    (connection,) = talk(*case.steps, server=case.server)
    assert (connection.state, connection.history) == (case.state, case.history)


@pytest.mark.parametrize("isn", [0, 1, 2**31 - 5, 2**31, 2**32 - 15, 2**32 - 1])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rule_holds_wherever_sequence_numbers_start_and_wrap(case: Case, isn: int) -> None:
    (connection,) = talk(*case.steps, server=case.server, client_isn=isn, server_isn=isn ^ 0x40000000)
    assert (connection.state, connection.history) == (case.state, case.history)


def test_the_flip_shows_in_who_is_originator() -> None:
    (connection,) = talk("< PA 1 1 10", "> A 1 11", server=443)
    assert (connection.orig.port, connection.resp.port) == (40000, 443)
    assert (connection.orig_bytes, connection.resp_bytes) == (0, 10)


def test_an_opening_syn_is_believed_whatever_its_ports() -> None:
    (connection,) = talk("> S 0", client=443)
    assert (connection.history, connection.orig.port) == ("S", 443)


def test_two_likely_servers_the_higher_port_is_the_server() -> None:
    (connection,) = talk("> PA 1 1 10", client=8080, server=8888)
    assert (connection.history, connection.orig.port) == ("^d", 8888)
    (connection,) = talk("> PA 1 1 10", client=8888, server=8080)
    assert (connection.history, connection.orig.port) == ("D", 8888)
    (connection,) = talk("> SA 0 1", client=8080, server=8888)
    assert (connection.history, connection.orig.port) == ("H", 8080), "a SYN+ACK between two servers is a scan"


REUSE = [
    ("a SYN with another number, unanswered", ("> S 0", "> S 77"), ["S0", "S0"]),
    (
        "a SYN after a refusal, as Windows repeats it",
        ("> S 0", "< RA 0 1", "> S 0", "< RA 0 1"),
        ["REJ", "REJ"],
    ),
    ("a SYN after a RST", (*HANDSHAKE, "< R 1", "> S 500"), ["RSTR", "S0"]),
    ("TIME_WAIT", (*HANDSHAKE, "> FA 1 1", "< FA 1 2", "> A 2 2", "> S 9000", "< SA 7 9001"), ["SF", "S1"]),
    (
        "the other side opens the next one",
        (*HANDSHAKE, "> FA 1 1", "< FA 1 2", "> A 2 2", "< S 99"),
        ["SF", "S0"],
    ),
    ("a half-closed one is abandoned", (*HANDSHAKE, "> FA 1 1", "> S 9000"), ["S2", "S0"]),
    ("a rebooted client", (*HANDSHAKE, "> PA 1 1 10", "> S 9000", "< A 1 11"), ["S1", "S0"]),
    ("a simultaneous open", ("> S 0", "< S 0", "> SA 0 1", "< SA 0 1"), ["S0", "S1"]),
    ("a SYN behind one with a wrong checksum", ("> S 0 bad", "> S 0", "< SA 0 1"), ["OTH", "S1"]),
    ("a SYN in the middle of nowhere", ("> A 1 1", "> S 5"), ["OTH", "S0"]),
    ("the same SYN again is none", (*HANDSHAKE, "> S 0"), ["S1"]),
    ("a SYN+ACK is none", (*HANDSHAKE, "< SA 50 1"), ["S1"]),
    ("payload after the end is none", (*HANDSHAKE, "> FA 1 1", "< FA 1 2", "> A 2 2", "> PA 2 2 5"), ["SF"]),
]


@pytest.mark.parametrize(("steps", "states"), [case[1:] for case in REUSE], ids=[case[0] for case in REUSE])
def test_reuse_of_the_same_ports(steps: tuple[str, ...], states: list[str]) -> None:
    assert [connection.state for connection in talk(*steps)] == states


def test_an_acknowledgement_of_0_far_away_is_not_believed() -> None:
    steps = (*HANDSHAKE, "< A 1 2000000", "> R 1", "< R 1")
    (connection,) = talk(*steps, client_isn=2**32 - 2_000_000)
    assert connection.state == "REJ"


DURATIONS = [
    ("Process: it ends where both have closed", ("> FA 1 1", "< FA 1 2", "> A 2 2", "< A 2 2"), 4),
    ("Process: a RST alone closes its side only", ("< RA 1 1", "> A 1 1"), 4),
    ("DataPending: payload before the FIN was not captured", ("> FA 11 1", "< FA 1 12", "> A 12 2"), 4),
    (
        "EndpointEOF: the other's close takes the deferred one's place",
        ("> FA 11 1", "< FA 1 1", "< A 2 12", "> A 12 2"),
        6,
    ),
    ("HasUndeliveredData: the peer's payload", ("> PA 1 1 10", "< FA 1 1", "> FA 11 2", "< A 2 12", "> A 12 2"), 7),
    ("DataPending: not after a RST", ("> PA 1 1 10", "< R 1", "> FA 11 1", "> A 12 1"), 5),
]
"""What follows the handshake, a second each; and the duration."""


@pytest.mark.parametrize(("steps", "seconds"), [case[1:] for case in DURATIONS], ids=[case[0] for case in DURATIONS])
def test_duration(steps: tuple[str, ...], seconds: int) -> None:
    (connection,) = talk(*HANDSHAKE, *steps)
    assert connection.duration == seconds * 1_000_000_000
    assert connection.end - connection.start == (len(HANDSHAKE) + len(steps) - 1) * 1_000_000_000


def test_bytes_that_only_a_fin_and_its_acknowledgement_tell_of() -> None:
    """As in the baseline of core.tcp.miss-end-data."""
    (connection,) = talk(*HANDSHAKE, "> PA 1 1 538", "< A 1 539", "< FA 2903 539", "> A 539 2904", "> FA 539 2904")
    assert (connection.orig_bytes, connection.resp_bytes) == (538, 2902)


steps = st.builds(
    "{} {} {} {} {} win={}".format,
    st.sampled_from("<>"),
    st.sets(st.sampled_from("SFRA")).map(lambda letters: "".join(sorted(letters)) or "P"),
    st.integers(-3, 40),
    st.integers(-3, 40),
    st.integers(0, 20),
    st.sampled_from((0, 512)),
)


@given(st.lists(steps, min_size=1, max_size=30), st.sampled_from((443, 9000)))
def test_any_conversation_makes_sense(conversation: list[str], server: int) -> None:
    connections = talk(*conversation, server=server)
    assert sum(each.orig_packets + each.resp_packets for each in connections) == len(conversation)
    for each in connections:
        assert set(each.history) <= set("ShHsAaDdFfRrGgTtWwIiQq^")
        assert {each.orig.port, each.resp.port} == {40000, server}
        assert 0 <= each.orig_acked <= each.orig_bytes
        assert 0 <= each.resp_acked <= each.resp_bytes
        assert each.start <= each.start + each.duration <= each.end
        assert bool(each.fins) == (each.first_fin is not None)
