"""From trials to a cell: alike trials are one observation, in coarse words, whatever the order they came in."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import evidence, scenario, trial

from hangup.agents.protocol import Link, Reply
from hangup.conduct.peer import LoggedConnection, LoggedRequest
from hangup.conduct.trial import Operation, Trial
from hangup.store.model import Observation
from hangup.store.record import CellRecorder, ending, observe, share

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
        recorder.add(each, scenario(), str)
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
    return observe(made, scenario(made.scenario), lambda text: text.upper())


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


def test_requests_are_those_that_the_peer_read() -> None:
    log = (
        LoggedConnection(50000, 40, 0, (LoggedRequest("GET", 40, True), LoggedRequest("POST", 9, False)), ()),
        LoggedConnection(50001, 0, 0, (), ()),
    )
    made = trial(evidence=(evidence(), evidence(), evidence()), log=log)
    requests = [[(r.method, r.complete) for r in c.requests] for c in observed(made).connections]
    assert requests == [[("GET", True), ("POST", False)], [], []]


def test_without_a_capture_there_is_no_state() -> None:
    made = observed(trial(evidence=()))
    assert (made.state, made.connections) == (None, ())


def test_where_no_packet_was_to_be_sent_none_is_a_state() -> None:
    made = observe(trial(evidence=()), scenario("no-route"), str)
    assert (made.state, made.connections) == ("nothing", ())
    assert observe(trial(evidence=(), proved=False), scenario("no-route"), str).state is None


WHOLE = scenario().announced
ENDINGS = {
    "refused": ({"state": "REJ", "rst": ("peer",), "first_fin": "nobody", "peer_fin": False}, "refused"),
    "a closed port, by ICMP": (
        {"state": "S0", "icmp": ("port-unreachable",), "first_fin": "nobody", "peer_fin": False}, "refused",
    ),
    "unreachable": (
        {"state": "S0", "icmp": ("host-unreachable",), "first_fin": "nobody", "peer_fin": False}, "unreachable",
    ),
    "rst": ({"state": "RSTR", "rst": ("peer",), "first_fin": "nobody", "peer_fin": False}, "rst"),
    "rst on both sides": ({"state": "RSTR", "rst": ("peer", "client"), "peer_fin": False}, "rst"),
    "fin, then rst": ({"state": "RSTR", "rst": ("peer",), "rst_after_fin": True}, "fin, rst"),
    "fin": ({}, "fin"),
    "fin after the client's": ({"first_fin": "client"}, "fin"),
    "the client's own rst": ({"state": "RSTO", "rst": ("client",), "first_fin": "nobody", "peer_fin": False}, "none"),
    "nothing at all": (
        {"state": "S0", "first_fin": "nobody", "peer_fin": False, "client_bytes": 0, "peer_bytes": 0}, "silence",
    ),
    "a part of an answer": (
        {"state": "S1", "first_fin": "nobody", "peer_fin": False, "peer_bytes": 553}, "silence",
    ),
    "an answer and nothing more": ({"state": "S1", "first_fin": "nobody", "peer_fin": False}, "none"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), ENDINGS.values(), ids=ENDINGS)
def test_an_ending_is_what_the_peer_or_the_network_did(changed: dict[str, object], expected: str) -> None:
    assert ending(evidence(**changed), whole=WHOLE, drawn=True) == expected


def test_a_rst_that_no_scenario_speaks_of_is_what_came_after() -> None:
    late = dataclasses.replace(evidence(), rst=("peer",), rst_after_fin=True)
    assert ending(late, whole=WHOLE, drawn=False) == "fin"


def test_of_two_requests_one_of_which_is_answered_the_other_met_silence() -> None:
    left = evidence(state="S1", first_fin="nobody", peer_fin=False)
    (first,) = trial().operations
    twice = (first, Operation("exchange", None, 1, 2))
    assert [c.ending for c in observed(trial(evidence=(left,))).connections] == ["none"]
    assert [c.ending for c in observed(trial(evidence=(left,), operations=twice)).connections] == ["silence"]
    retried = observed(trial(evidence=(left, left), operations=twice))
    assert [c.ending for c in retried.connections] == ["none", "none"], "the second request went by the second one"
