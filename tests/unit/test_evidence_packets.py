"""From packets to evidence: each line of the table is a conversation, and what it proves; and what holds of any."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import HANDSHAKE, V4, segments

from hangup.evidence import ConnectionEvidence, connection_evidence
from hangup.wire import Connection, ConnectionTable, Flow, IcmpError, Segment

PORT = 9000


def connection(packets: list[Segment]) -> Connection:
    table = ConnectionTable()
    for packet in packets:
        table.feed(packet)
    return next(iter(table))


def evidence(*steps: str) -> ConnectionEvidence:
    """Of the first connection, to a peer at PORT."""
    packets = segments(*steps, server=PORT)
    return connection_evidence(connection(packets), PORT, packets)


ASK = ("> PA 1 1 40", "< A 1 41")
ANSWER = ("< PA 1 41 100", "> A 41 101")
TABLE: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    # what happens, its packets, and what is proved by them
    ("a SYN that nobody answers", ("> S 0",), {
        "state": "S0", "request": "none", "rst": (), "first_fin": "nobody", "closed": False, "client_bytes": 0}),
    ("refused", ("> S 0", "< RA 0 1"), {"state": "REJ", "rst": ("peer",), "request": "none", "closed": True}),
    ("a refusal of another SYN", ("> S 0", "< RA 0 700"), {"rst": (), "closed": False}),
    ("an orderly exchange", (*HANDSHAKE, *ASK, *ANSWER, "< FA 101 41", "> FA 41 102", "< A 102 42"), {
        "state": "SF", "first_fin": "peer", "peer_fin": True, "rst": (), "client_bytes": 40, "peer_bytes": 100,
        "request": "acknowledged", "written_after_fin": False, "closed": True, "forged": False}),
    ("the client closes first", (*HANDSHAKE, *ASK, "> FA 41 1", "< A 1 42", "< FA 1 42", "> A 42 2"), {
        "first_fin": "client", "peer_fin": True, "closed": True}),
    ("the client alone closes", (*HANDSHAKE, "> FA 1 1"), {"first_fin": "client", "peer_fin": False, "closed": False}),
    ("the request is not acknowledged", (*HANDSHAKE, "> PA 1 1 40"), {"request": "unacknowledged", "client_bytes": 40}),
    ("half of it is", (*HANDSHAKE, "> PA 1 1 20", "> PA 21 1 20", "< A 1 21"), {"request": "partly"}),
    ("the peer resets", (*HANDSHAKE, *ASK, "< RA 1 41"), {
        "state": "RSTR", "rst": ("peer",), "rst_after_fin": False, "peer_fin": False, "closed": True}),
    ("the client resets", (*HANDSHAKE, *ASK, "> RA 41 1"), {"state": "RSTO", "rst": ("client",)}),
    ("both do", (*HANDSHAKE, *ASK, "> R 41", "< R 1"), {"rst": ("client", "peer")}),
    ("the peer does so first", (*HANDSHAKE, *ASK, "< R 1", "> R 41"), {"rst": ("peer", "client")}),
    ("one RST again and again", (*HANDSHAKE, *ASK, "< R 1", "< R 1", "< R 1"), {"rst": ("peer",)}),
    ("a RST that the client does not take", (*HANDSHAKE, *ASK, "< R 5000"), {"rst": (), "closed": False}),
    ("a RST from before", (*HANDSHAKE, *ASK, *ANSWER, "< R 7"), {"rst": (), "closed": False}),
    ("a RST of no account does not hide one that counts", (*HANDSHAKE, *ASK, "< R 5000", "< R 1"), {
        "rst": ("peer",), "rst_after_fin": False}),
    ("FIN, then RST", (*HANDSHAKE, *ASK, "< FA 1 41", "< R 2"), {
        "rst": ("peer",), "rst_after_fin": True, "first_fin": "peer", "peer_fin": True}),
    ("RST, then FIN", (*HANDSHAKE, *ASK, "< R 1", "< FA 1 41"), {
        "rst": ("peer",), "rst_after_fin": False, "first_fin": "peer", "peer_fin": True}),
    ("a RST of no account behind the FIN, and one that counts of the client's",
        (*HANDSHAKE, *ASK, "< FA 1 41", "< R 5000", "> R 41"), {"rst": ("client",), "rst_after_fin": False}),
    ("a RST drawn by what the client writes behind the FIN",
        (*HANDSHAKE, "< FA 1 1", "> A 1 2", "> PA 1 2 40", "< R 2"),
        {"written_after_fin": True, "rst": ("peer",), "rst_after_fin": True}),
    ("an ACK is nothing written", (*HANDSHAKE, "< FA 1 1", "> A 1 2"), {"written_after_fin": False}),
    ("nor is a FIN", (*HANDSHAKE, "< FA 1 1", "> FA 1 2"), {"written_after_fin": False}),
    ("what was written before the FIN", (*HANDSHAKE, "> PA 1 1 40", "< FA 1 41"), {"written_after_fin": False}),
    ("behind its own FIN", (*HANDSHAKE, "> FA 1 1", "< PA 1 2 9", "> A 2 10"), {"written_after_fin": False}),
    ("a RST of the client's behind both FINs answers a late duplicate",
        (*HANDSHAKE, "< FA 1 1", "> FA 1 2", "< A 2 2", "> R 2"), {"rst": (), "state": "SF"}),
    ("behind its own FIN alone it counts", (*HANDSHAKE, "> FA 1 1", "> R 2"), {
        "rst": ("client",), "rst_after_fin": True}),
    ("behind the peer's alone too", (*HANDSHAKE, "< FA 1 1", "> R 1"), {"rst": ("client",), "rst_after_fin": False}),
    ("behind two FINs of the peer's too", (*HANDSHAKE, "< FA 1 1", "< FA 1 1", "> R 1"), {"rst": ("client",)}),
    ("the peer's counts behind both", (*HANDSHAKE, "< FA 1 1", "> FA 1 2", "< R 2"), {"rst": ("peer",)}),
    ("a RST from another distance", (*HANDSHAKE, *ASK, "< RA 1 41 ttl=60"), {"forged": True, "rst": ("peer",)}),
    ("one of the client's", (*HANDSHAKE, *ASK, "> RA 41 1 ttl=60"), {"forged": False}),
    ("one of a TTL that another segment of the peer has", (*HANDSHAKE, *ASK, "< A 1 41 ttl=60", "< R 1 ttl=60"), {
        "forged": False}),
    ("one of a TTL that only the client's have", (*HANDSHAKE, "> A 1 1 ttl=60", "< RA 1 1 ttl=60"), {"forged": True}),
    ("one that the client does not take is forged all the same", (*HANDSHAKE, *ASK, "< R 5000 ttl=60"), {
        "forged": True, "rst": ()}),
    ("a second one, of the first one's TTL", (*HANDSHAKE, "< R 1 ttl=60", "< R 1 ttl=60"), {"forged": True}),
    ("with nothing to compare with", ("> S 0", "< RA 0 1 ttl=60"), {"forged": False, "rst": ("peer",)}),
    ("payload in front of the SYN+ACK", ("> S 0", "< PA 777 99999 10", "< SA 0 1", "> A 1 1", "< PA 1 1 20"), {
        "peer_bytes": 20, "request": "none"}),
    ("payload in a RST is not the peer's", (*HANDSHAKE, *ASK, "< RA 1 41 30"), {"peer_bytes": 0, "rst": ("peer",)}),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "proved"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_packets_prove(steps: tuple[str, ...], proved: dict[str, Any]) -> None:
    found = evidence(*steps)
    assert {name: getattr(found, name) for name in proved} == proved


def test_the_client_is_who_talks_to_the_port_whoever_opened() -> None:
    """As when the capture begins in the middle, and the client looks like the server."""
    packets = segments("> PA 1 1 40", "< PA 1 41 7", "< FA 8 41", client=443, server=PORT)
    found = connection_evidence(connection(packets), PORT, packets)
    assert (found.client_bytes, found.peer_bytes, found.first_fin, found.peer_fin) == (40, 7, "peer", True)


def test_segments_of_another_connection_prove_nothing() -> None:
    other = segments("> S 0", "< SA 0 1 ttl=60", "> PA 1 1 40", client=50_000, server=PORT)
    own = segments(*HANDSHAKE, "< FA 1 1", "< R 2 ttl=60", client=40_000, server=PORT)
    packets = [*own, *(segment._replace(number=segment.number + 100) for segment in other)]
    found = connection_evidence(connection(own), PORT, packets)
    assert (found.forged, found.written_after_fin) == (True, False)


def test_each_kind_of_icmp_error_is_told_once() -> None:
    packets = segments("> S 0", server=PORT)
    seen = connection(packets)
    for code in (3, 1, 3):
        seen.icmp.append(IcmpError(2, 0, V4[1], V4[0], 63, 3, code, Flow(V4[0], 40_000, V4[1], PORT), 0))
    assert connection_evidence(seen, PORT, packets).icmp == ("port-unreachable", "host-unreachable")


STEP = st.builds(
    "{} {} {} {} {} ttl={}".format,
    st.sampled_from("<>"), st.sampled_from(("A", "PA", "FA", "R", "RA", "S", "SA")),
    st.integers(0, 45), st.integers(0, 45), st.sampled_from((0, 0, 10)), st.sampled_from((64, 64, 60)),
)  # fmt: skip


@given(st.booleans(), st.lists(STEP, min_size=1, max_size=12))
def test_of_any_packets_the_evidence_contradicts_neither_itself_nor_them(shake: bool, steps: list[str]) -> None:
    packets = segments(*(HANDSHAKE if shake else ()), *steps, server=PORT)
    table = ConnectionTable()
    for packet in packets:
        table.feed(packet)
    for each in table:
        found = connection_evidence(each, PORT, packets)
        fins = {side for side in "><" if any(s[0] == side and "F" in s.split()[1] for s in steps)}
        resets = {side for side in "><" if any(s[0] == side and "R" in s.split()[1] for s in steps)}
        assert len(set(found.rst)) == len(found.rst)
        assert set(found.rst) <= {{">": "client", "<": "peer"}[side] for side in resets}
        assert (found.first_fin == "nobody") or {"client": ">", "peer": "<"}[found.first_fin] in fins
        assert not found.peer_fin or "<" in fins
        assert found.first_fin != "peer" or found.peer_fin
        assert not found.rst_after_fin or found.rst
        assert not found.written_after_fin or found.peer_fin
        assert (found.request == "none") is (found.client_bytes == 0)
        assert not found.forged or "<" in resets
        assert found.icmp == ()
        if "peer" in found.rst:
            assert found.closed


@given(st.lists(STEP, max_size=8), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_where_the_numbers_begin_proves_nothing(steps: list[str], client_isn: int, server_isn: int) -> None:
    plain = segments(*HANDSHAKE, *steps, server=PORT)
    moved = segments(*HANDSHAKE, *steps, server=PORT, client_isn=client_isn, server_isn=server_isn)
    found = [connection_evidence(connection(packets), PORT, packets) for packets in (plain, moved)]
    assert found[0] == found[1]
