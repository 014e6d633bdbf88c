"""Each claim of a scenario's ``[wire]`` is checked: kept, it passes; contradicted, it is said in words."""

from __future__ import annotations

import pytest
from samples import evidence, scenario

from hangup.catalogue import Wire
from hangup.conduct.peer import LoggedConnection
from hangup.evidence import ConnectionEvidence, unwrapped, verify


def complaints(claims: dict[str, object], *connections: ConnectionEvidence) -> list[str]:
    """What is wrong with the connections, where these claims stand in for those of ``normal``."""
    wire = Wire.model_validate({"end": "SF", **claims})
    return verify(scenario().model_copy(update={"wire": wire}), connections)


CLAIMS = {
    # claims, evidence that keeps them, evidence that does not, the complaint
    "end": ({"end": "RSTR"}, {"state": "RSTR"}, {}, "the connection ended SF (ShADadFf), not RSTR"),
    "one of several ends": (
        {"end": ["RSTR", "S3"]}, {"state": "S3"}, {}, "the connection ended SF (ShADadFf), not RSTR or S3",
    ),
    "first FIN": (
        {"first_fin": "peer"}, {}, {"first_fin": "client"}, "the first FIN was sent by client, not by peer",
    ),
    "no FIN": (
        {"first_fin": "nobody"}, {"first_fin": "nobody"}, {}, "the first FIN was sent by peer, not by nobody",
    ),
    "no RST": ({"rst": "nobody"}, {}, {"rst": ("client",)}, "RST was sent by client, not by nobody"),
    "RST": ({"rst": "peer"}, {"rst": ("peer",)}, {}, "RST was sent by nobody, not by peer"),
    "RST by one alone": (
        {"rst": "peer"}, {"rst": ("peer",)}, {"rst": ("peer", "client")},
        "RST was sent by peer and client, not by peer",
    ),
    "RST if written to, written": (
        {"rst": "peer if written to"}, {"rst": ("peer",), "written_after_fin": True}, {"written_after_fin": True},
        "RST was sent by nobody, not by peer",
    ),
    "RST if written to, not written": (
        {"rst": "peer if written to"}, {}, {"rst": ("peer",)}, "RST was sent by peer, not by nobody",
    ),
    "forged": (
        {"forged": True}, {"forged": True}, {}, "no RST in the peer's name came from another host",
    ),
    "not forged": ({"forged": False}, {}, {"forged": True}, "a RST in the peer's name came from another host"),
    "ICMP": (
        {"icmp": "host-unreachable"}, {"icmp": ("host-unreachable",)}, {"icmp": ("host-unreachable", "type 3 code 9")},
        "ICMP errors: host-unreachable and type 3 code 9, not host-unreachable",
    ),
    "no ICMP": ({"icmp": "none"}, {}, {"icmp": ("port-unreachable",)}, "ICMP errors: port-unreachable, not none"),
    "request": (
        {"request": "acknowledged"}, {}, {"request": "partly"}, "the request was partly, not acknowledged",
    ),
    "no request": ({"request": "none"}, {"request": "none"}, {}, "the request was acknowledged, not none"),
    "bytes": (
        {"peer_sent": 1024}, {}, {"peer_bytes": scenario().announced - 1}, "the peer sent 1023 bytes, not 1024",
    ),
    "no bytes": (
        {"peer_sent": 0}, {"peer_bytes": scenario().framing}, {}, "the peer sent 1024 bytes, not 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("claims", "kept", "broken", "complaint"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim(claims: dict[str, object], kept: dict[str, object], broken: dict[str, object], complaint: str) -> None:
    assert complaints(claims, evidence(**kept)) == []
    assert complaints(claims, evidence(**broken)) == [complaint]


def test_what_is_not_claimed_is_not_checked() -> None:
    odd = evidence(first_fin="nobody", rst=("client", "peer"), request="none", peer_bytes=0)
    assert complaints({}, odd) == []


def test_the_claims_are_about_the_first_connection() -> None:
    assert complaints({"rst": "nobody"}, evidence(), evidence(rst=("peer",))) == []
    assert len(complaints({"rst": "nobody"}, evidence(rst=("peer",)), evidence())) == 1


def test_a_claim_about_further_connections_is_about_each_of_them() -> None:
    refused = evidence(state="REJ", history="Sr")
    assert complaints({"further": "REJ"}, evidence()) == []
    assert complaints({"further": "REJ"}, evidence(), refused, refused) == []
    assert complaints({"further": "REJ"}, evidence(), refused, evidence(state="S0", history="S")) == [
        "connection 3 ended S0 (S), not REJ"
    ]


def test_every_contradiction_is_told() -> None:
    claims = {"end": "RSTR", "first_fin": "nobody", "rst": "peer", "request": "none", "peer_sent": 0}
    assert len(complaints(claims, evidence())) == 5


def test_without_a_connection_nothing_is_proved() -> None:
    assert complaints({}) == ["no connection was seen on the wire"]


def test_unless_it_is_claimed_that_nothing_is_sent() -> None:
    assert complaints({"end": "nothing"}) == []
    assert complaints({"end": "nothing"}, evidence()) == ["the connection ended SF (ShADadFf), not nothing"]


def test_bytes_of_tls_are_not_counted_as_bytes_of_the_response() -> None:
    plain, secure = LoggedConnection(1, 0, 1024, (), ()), LoggedConnection(2, 0, 1024, (), (), wire=1900)
    seen = (evidence(peer_bytes=1024), evidence(peer_bytes=1900), evidence(peer_bytes=7))
    assert [c.peer_bytes for c in unwrapped(seen, (plain, secure, None))] == [1024, 1024, 7]


def test_what_never_was_on_the_wire_was_not_sent() -> None:
    secure = LoggedConnection(1, 0, 1024, (), (), wire=1900)
    assert [c.peer_bytes for c in unwrapped([evidence(peer_bytes=n) for n in (1400, 500)], [secure] * 2)] == [524, 0]
