"""From trials to a cell: alike trials are one observation, in coarse words, whatever the order they came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import evidence, trial

from hangup.agents.protocol import Event, Link, Reply
from hangup.conduct.peer import LoggedConnection, LoggedRequest
from hangup.conduct.trial import Operation, Trial
from hangup.evidence import ConnectionEvidence, SeenConnection, SentRequest
from hangup.store.model import Connection, Observation, Request
from hangup.store.record import CellRecorder, observe, share

SHARES = {
    (1, 1): "always", (10, 10): "always", (9, 10): "mostly", (6, 10): "mostly", (5, 10): "sometimes",
    (2, 10): "sometimes", (1, 10): "rarely", (1, 2): "sometimes", (2, 3): "mostly", (1, 3): "sometimes",
    (1, 5): "sometimes", (1, 6): "rarely", (1, 1000): "rarely", (999, 1000): "mostly",
}  # fmt: skip


@pytest.mark.parametrize(("counts", "word"), SHARES.items(), ids=str)
def test_a_share_in_a_coarse_word(counts: tuple[int, int], word: str) -> None:
    assert share(*counts) == word


def answered(received: int, id: int = 1) -> Trial:
    reply = Reply(type="reply", id=id, result="observed", phase="recv", received=received, eof=True, ms=id)
    return trial(operations=(Operation("exchange", reply, id, 2 * id),), started_ns=id, ended_ns=3 * id)


def record(trials: list[Trial]) -> CellRecorder:
    recorder = CellRecorder()
    for each in trials:
        recorder.add(each, str)
    return recorder


def test_what_differs_only_in_ids_and_times_is_alike() -> None:
    recorder = record([answered(512, id) for id in (1, 2, 3)])
    (observation,) = recorder.cell().observations
    assert (observation.share, recorder.trials) == ("always", 3)


@given(st.permutations([100] * 7 + [200] * 2 + [300] * 2 + [400]))
def test_the_order_of_arrival_does_not_matter(received: list[int]) -> None:
    cell = record([answered(number, id) for id, number in enumerate(received, 1)]).cell()
    assert [o.operations[0].received for o in cell.observations] == [100, 200, 300, 400]
    assert [o.share for o in cell.observations] == ["mostly", "rarely", "rarely", "rarely"]


def test_memory_does_not_grow_with_the_trials() -> None:
    recorder = record([answered(512, id) for id in range(1, 500)])
    assert len(recorder._forms) == 1


def test_a_cell_without_a_result_says_why() -> None:
    recorder = CellRecorder()
    recorder.invalid, recorder.fault = "no RST", "it died"
    cell = recorder.cell()
    assert (cell.observations, cell.invalid, cell.fault) == ((), "no RST", "it died")


def observed(made: Trial) -> Observation:
    return observe(made, str.upper)


def test_an_error_is_kept_in_the_clients_words_without_what_changes() -> None:
    link = Link(type="E", message="no", errno=104, code="ECONNRESET")
    reply = Reply(type="reply", id=1, result="observed", phase="recv", received=0, error=[link], printed="trace")
    (operation,) = observed(trial(operations=(Operation("exchange", reply, 0, 1),))).operations
    assert [(e.type, e.message, e.errno, e.code) for e in operation.error] == [("E", "NO", 104, "ECONNRESET")]
    assert (operation.printed, operation.phase, operation.hang) == ("TRACE", "recv", False)


def test_a_phase_is_of_interest_only_where_something_failed() -> None:
    assert observed(trial()).operations[0].phase is None


def test_an_operation_without_an_answer_is_a_hang() -> None:
    (operation,) = observed(trial(operations=(Operation("exchange", None, 0, 1),))).operations
    assert operation.model_dump(exclude_defaults=True) == {"op": "exchange", "hang": True}


def test_what_an_event_told_is_kept_beside_the_answer() -> None:
    told = Event(name="session error", error=[Link(type="E", message="gone")])
    reply = Reply(type="reply", id=1, result="observed", phase="recv", received=0, status=200, events=[told])
    (operation,) = observed(trial(operations=(Operation("exchange", reply, 0, 1),))).operations
    assert [(event.name, event.error[0].message) for event in operation.events] == [("session error", "GONE")]
    assert (operation.status, operation.error) == (200, ())


def test_what_was_received_is_kept_by_its_digest() -> None:
    reply = Reply(type="reply", id=1, result="observed", phase="recv", received=3, eof=True, sha256="ab" * 32)
    (operation,) = observed(trial(operations=(Operation("recv", reply, 0, 1),))).operations
    assert (operation.received, operation.eof, operation.sha256) == (3, True, "ab" * 32)


PLAIN = evidence()


def seen(
    port: int, *requests: SentRequest, evidence: ConnectionEvidence = PLAIN, syn_data: bool = False
) -> SeenConnection:
    return SeenConnection(port=port, evidence=evidence, syn_data=syn_data, requests=requests)


def entry(port: int, *requests: LoggedRequest) -> LoggedConnection:
    return LoggedConnection(port, 0, 0, requests, ())


def connections(shown: list[SeenConnection], log: list[LoggedConnection]) -> list[Connection]:
    return list(observed(trial(seen=tuple(shown), log=tuple(log))).connections)


GET, CUT, HIDDEN = SentRequest("GET", True), SentRequest("GET", False), SentRequest("GET", None)
REQUESTS: dict[str, tuple[list[SentRequest], list[LoggedRequest], list[Request]]] = {
    # what left the client, what the peer read, what is stored
    "read whole": ([GET], [LoggedRequest("GET", 40, True)], [Request(method="GET")]),
    "read by nobody": ([GET], [], [Request(method="GET", read="none")]),
    "no byte of it read": ([GET], [LoggedRequest("GET", 0, False)], [Request(method="GET", read="none")]),
    "read in part": ([GET], [LoggedRequest("GET", 9, False)], [Request(method="GET", read="partly")]),
    "cut": ([CUT], [LoggedRequest("GET", 9, False)], [Request(method="GET", sent="partly", read="partly")]),
    "cut and unread": ([CUT], [], [Request(method="GET", sent="partly", read="none")]),
    "hidden by TLS": ([HIDDEN], [], [Request(method="GET", sent="unknown", read="none")]),
    "hidden by TLS and read": ([HIDDEN], [LoggedRequest("GET", 40, True)], [Request(method="GET")]),
    "hidden by TLS and read in part": (
        [HIDDEN], [LoggedRequest("GET", 9, False)], [Request(method="GET", sent="unknown", read="partly")]),
    "answered": (
        [GET], [LoggedRequest("GET", 40, True, answered=200)], [Request(method="GET", answered=200)]),
    "answered, then read": (
        [GET], [LoggedRequest("GET", 40, True, answered=413, drained=True)],
        [Request(method="GET", answered=413, drained=True)]),
    "refused": (
        [GET], [LoggedRequest("GET", 0, False, refused=True)], [Request(method="GET", read="none", refused=True)]),
    "several, in their order": (
        [GET, SentRequest("POST", False)], [LoggedRequest("GET", 40, True), LoggedRequest("POST", 9, False)],
        [Request(method="GET"), Request(method="POST", sent="partly", read="partly")]),
    "the method is the one that left": (
        [SentRequest("POST", False)], [LoggedRequest("", 3, False)],
        [Request(method="POST", sent="partly", read="partly")]),
    "more than left by the capture: HTTP/2 hides them": (
        [], [LoggedRequest("GET", 0, True)], [Request(method="GET")]),
    "bytes that are no request": ([], [LoggedRequest("", 12, False)], []),
    "none": ([], [], []),
}  # fmt: skip


@pytest.mark.parametrize(("left", "read", "stored"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_as_it_left_and_as_it_was_read(
    left: list[SentRequest], read: list[LoggedRequest], stored: list[Request]
) -> None:
    (connection,) = connections([seen(50000, *left)], [entry(50000, *read)])
    assert list(connection.requests) == stored


def test_a_connection_that_the_peer_never_saw_has_what_left() -> None:
    stored = connections([seen(1, GET), seen(2, GET)], [entry(2, LoggedRequest("GET", 40, True))])
    assert [[request.read for request in connection.requests] for connection in stored] == [["none"], ["whole"]]


def test_the_log_belongs_to_the_connection_of_its_port_in_whatever_order() -> None:
    log = [entry(2, LoggedRequest("GET", 9, False)), entry(1, LoggedRequest("GET", 40, True))]
    stored = connections([seen(1, GET), seen(2, GET)], log)
    assert [connection.requests[0].read for connection in stored] == ["whole", "partly"]


def test_the_evidence_is_stored_as_it_was_seen() -> None:
    odd = evidence(
        state="RSTR",
        history="ShDfr",
        first_fin="peer",
        peer_fin=True,
        rst=("peer", "client"),
        rst_after_fin=True,
        forged=True,
        icmp=("host-unreachable",),
        peer_bytes=77,
    )
    (stored,) = connections([seen(1, evidence=odd, syn_data=True)], [])
    assert stored == Connection(
        state="RSTR",
        history="ShDfr",
        first_fin="peer",
        peer_fin=True,
        rst=("peer", "client"),
        rst_after_fin=True,
        forged=True,
        icmp=("host-unreachable",),
        syn_data=True,
        sent=77,
    )
    (plain,) = connections([seen(1)], [])
    assert (plain.syn_data, plain.forged, plain.rst_after_fin, plain.rst, plain.icmp) == (False, False, False, (), ())
    client = evidence(first_fin="client", peer_fin=False)
    assert [c.first_fin for c in connections([seen(1, evidence=client)], [])] == ["client"]


def test_what_is_published_is_what_was_seen_without_the_clean_up() -> None:
    made = observed(trial(evidence=(evidence(rst=("client",)),) * 2, seen=(seen(1),)))
    assert [connection.rst for connection in made.connections] == [()]


def test_without_a_capture_nothing_is_proved() -> None:
    made = observed(trial(evidence=(), proved=False))
    assert (made.proved, made.connections) == (False, ())
    assert observed(trial(evidence=())).proved
