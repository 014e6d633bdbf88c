"""Whether a request was acted on, how often it left, and how a connection ended: from stored connections alone."""

from __future__ import annotations

from typing import Any

import pytest

from hangup.catalogue import load_catalogue
from hangup.judge.ending import Ending, ending, endings
from hangup.judge.requests import LastRequest
from hangup.outcome import ActedOn
from hangup.store.model import Connection, Observation, Operation, Request

CATALOGUE = load_catalogue()
YES, MAYBE, NO = ActedOn.YES, ActedOn.MAYBE, ActedOn.NO


def seen(*requests: Request, **changed: Any) -> Connection:
    return Connection(**{"state": "RSTR", "history": "ShDr", "rst": ("peer",), "requests": requests, **changed})


def asked(**changed: Any) -> Request:
    return Request(**{"method": "GET", **changed})


def last(
    *connections: Connection, scenario: str = "rst-before-response", exchanges: int = 1, proved: bool = True
) -> LastRequest:
    operations = tuple(Operation(op="exchange") for _ in range(exchanges))
    observation = Observation(share="always", operations=operations, proved=proved, connections=connections)
    return LastRequest(CATALOGUE[scenario], observation)


WHOLE, PARTLY, UNREAD = asked(), asked(read="partly"), asked(read="none")
ACTED_ON = [
    # what the connections show of the one request, and whether it was acted on
    ("read whole", [seen(WHOLE)], YES),
    ("read whole and refused with 413", [seen(asked(answered=413))], YES),
    ("drained behind an answer of its own", [seen(asked(answered=413, drained=True))], MAYBE),
    ("drained behind a success", [seen(asked(answered=200, drained=True))], YES),
    ("answered with success before it was read", [seen(asked(read="partly", answered=200))], YES),
    ("answered with 299", [seen(asked(read="none", answered=299))], YES),
    ("answered with 103 at most", [seen(asked(read="partly", answered=103))], MAYBE),
    ("answered with 300", [seen(asked(read="partly", answered=300))], MAYBE),
    ("read in part", [seen(PARTLY)], MAYBE),
    ("read by nobody", [seen(UNREAD)], MAYBE),
    ("left in part and read by nobody", [seen(asked(sent="partly", read="none"))], MAYBE),
    ("refused by the protocol", [seen(asked(refused=True))], NO),
    ("refused by the protocol, whatever was read", [seen(asked(refused=True, read="whole"))], NO),
    ("nothing left, refused", [seen(state="REJ", history="Sr")], NO),
    ("data in the SYN", [seen(state="REJ", history="Sr", syn_data=True)], MAYBE),
    ("accepted, then silence: it may be sent yet", [seen(state="S1", history="Sh", rst=())], MAYBE),
    ("no answer to the SYN", [seen(state="S0", history="S", rst=())], NO),
    ("no connection at all", [], NO),
    ("one attempt unread, one refused", [seen(UNREAD), seen(state="REJ", history="Sr")], MAYBE),
    ("one attempt read, one refused", [seen(WHOLE), seen(state="REJ", history="Sr")], YES),
    ("one attempt unread, one read", [seen(UNREAD), seen(WHOLE)], YES),
    ("one refused by the protocol, one in part", [seen(asked(refused=True), PARTLY)], MAYBE),
]


@pytest.mark.parametrize(("connections", "word"), [row[1:] for row in ACTED_ON], ids=[row[0] for row in ACTED_ON])
def test_acted_on(connections: list[Connection], word: ActedOn) -> None:
    assert last(*connections).acted_on is word


def test_without_evidence_nothing_is_said() -> None:
    for unknown in (last(proved=False), last(seen(WHOLE), exchanges=0)):
        assert (unknown.acted_on, unknown.sent) == (None, None)


def test_earlier_requests_are_not_the_last_one() -> None:
    """Read and answered is the first; the second left, and nobody read it."""
    again = {"scenario": "reuse-after-fin-post-once", "exchanges": 2}
    first, second = asked(answered=200), asked(method="POST", read="none")
    assert last(seen(first, second), **again).acted_on is MAYBE  # type: ignore[arg-type]
    assert last(seen(first, second), **again).sent == {"POST": 1}  # type: ignore[arg-type]
    assert last(seen(first, second), seen(second), **again).sent == {"POST": 2}  # type: ignore[arg-type]
    assert last(seen(first), **again).sent == {}  # type: ignore[arg-type]
    assert last(seen(first), **again).acted_on is NO  # type: ignore[arg-type]


TRIES = [
    ("once", [seen(WHOLE)], 1),
    ("never, and no connection", [], 1),
    ("twice on one connection", [seen(WHOLE, WHOLE)], 2),
    ("on three connections", [seen(WHOLE), seen(UNREAD), seen(PARTLY)], 3),
    ("connecting counts", [seen(WHOLE), seen(state="REJ", history="Sr")], 2),
    ("connecting twice", [seen(state="REJ", history="Sr")] * 2, 2),
]


@pytest.mark.parametrize(("connections", "tries"), [row[1:] for row in TRIES], ids=[row[0] for row in TRIES])
def test_tries(connections: list[Connection], tries: int) -> None:
    assert last(*connections).tries == tries


REFUSED = seen(state="REJ", history="Sr")


@pytest.mark.parametrize(
    ("connections", "numbers"),
    [([seen(WHOLE)], [0]), ([seen(WHOLE), seen(WHOLE)], [1]), ([seen(WHOLE), REFUSED], [0, 1]),
     ([REFUSED, seen(WHOLE)], [1]), ([seen(WHOLE), seen(UNREAD), REFUSED], [0, 1, 2]), ([REFUSED, REFUSED], [1])],
)  # fmt: skip
def test_the_connections_whose_ending_counts(connections: list[Connection], numbers: list[int]) -> None:
    assert last(*connections).connections(len(connections)) == numbers


ENDINGS: list[tuple[Connection, Ending]] = [
    (REFUSED, "refused"),
    (seen(state="S0", rst=(), icmp=("port-unreachable",)), "refused"),
    (seen(state="S0", rst=(), icmp=("host-unreachable",)), "unreachable"),
    (seen(), "rst"),
    (seen(rst=("client", "peer")), "rst"),
    (seen(rst_after_fin=True, peer_fin=True), "fin, rst"),
    (seen(peer_fin=True), "rst"),
    (seen(rst=("client",), peer_fin=True), "fin"),
    (seen(rst=("client",), sent=99), "silence"),
    (seen(rst=(), sent=100), "none"),
    (seen(rst=(), sent=101), "none"),
]


@pytest.mark.parametrize(("connection", "word"), ENDINGS)
def test_an_ending(connection: Connection, word: Ending) -> None:
    assert ending(connection, whole=100) == word


def test_only_the_first_connection_is_aborted() -> None:
    observation = Observation(share="always", operations=(), connections=(seen(), seen()))
    assert endings(CATALOGUE["local-abort"], observation) == ("aborted", "rst")
