"""Every client that comes with hangup, in every lab: its cells are valid, and all that it says is understood."""

from __future__ import annotations

import pytest
from driving import Driven
from whole_run import CATALOGUE, LAYERS, QUICK, STREAM_CLIENTS, require_cell, require_client

from hangup.judge import ActedOn, Outcome, Verdict, judge
from hangup.store.model import Cell

pytestmark = pytest.mark.lab

each_client = pytest.mark.parametrize("client", LAYERS)


def cells_of(run: Driven, client: str) -> dict[str, Cell]:
    require_client(run, client)
    return {scenario: cell for (name, scenario), cell in run.cells.items() if name == client}


def verdicts(run: Driven, client: str, scenario: str) -> list[Verdict]:
    cell = require_cell(run, client, scenario)
    return [judge(client, LAYERS[client], CATALOGUE[scenario], o) for o in cell.observations]


@each_client
def test_it_meets_every_scenario_of_its_layer_that_the_lab_can_play(whole: Driven, client: str) -> None:
    met = set(cells_of(whole, client))
    left_out = {skipped.what.removeprefix(f"{client} ") for skipped in whole.result.skipped}
    expected = {name for name, scenario in QUICK.items() if LAYERS[client] in scenario.layers}
    assert met == expected - left_out


@each_client
def test_no_cell_is_invalid_and_no_agent_failed(whole: Driven, client: str) -> None:
    failed = {
        name: cell.invalid or cell.fault for name, cell in cells_of(whole, client).items() if not cell.observations
    }
    assert failed == {}
    assert whole.result.dropped == 0


@each_client
def test_nothing_that_it_says_is_unmapped(whole: Driven, client: str) -> None:
    unmapped = {
        (scenario, link.type, link.message)
        for scenario, cell in cells_of(whole, client).items()
        for observation in cell.observations
        if judge(client, LAYERS[client], CATALOGUE[scenario], observation).outcome is Outcome.UNMAPPED
        for operation in observation.operations
        for link in operation.error
    }
    assert unmapped == set()


@pytest.mark.parametrize(
    ("client", "control"),
    [
        (client, name)
        for client, layer in LAYERS.items()
        for name, scenario in CATALOGUE.items()
        if name.endswith("normal") and layer in scenario.layers
    ],
)
def test_an_orderly_exchange_is_a_success(whole: Driven, client: str, control: str) -> None:
    proved = whole.result.proved
    for verdict in verdicts(whole, client, control):
        assert (verdict.outcome, verdict.tries) == (Outcome.SUCCESS, 1)
        wire = (verdict.lost, verdict.faithful, verdict.sent, verdict.acted_on)
        assert wire == ((0, True, {"GET": 1}, ActedOn.YES) if proved else (None, None, None, None))


@each_client
def test_nothing_there_is_a_refusal(whole: Driven, client: str) -> None:
    assert {verdict.outcome for verdict in verdicts(whole, client, "refused")} == {Outcome.REFUSED}


@each_client
def test_an_error_comes_with_what_the_language_prints_of_it(whole: Driven, client: str) -> None:
    for observation in require_cell(whole, client, "refused").observations:
        (operation,) = observation.operations
        assert operation.printed
        assert operation.error[0].message in operation.printed


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("scenario", ["rst-before-response", "rst-unread-request", "read-after-rst"])
def test_a_plain_reset_is_called_a_reset_by_every_stream_client(whole: Driven, client: str, scenario: str) -> None:
    assert {verdict.outcome for verdict in verdicts(whole, client, scenario)} == {Outcome.RESET}


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("scenario", ["fin-before-response", "server-killed-idle", "fin-mid-body"])
def test_a_fin_is_called_an_end_by_every_stream_client(whole: Driven, client: str, scenario: str) -> None:
    assert {verdict.outcome for verdict in verdicts(whole, client, scenario)} <= {Outcome.EOF, Outcome.TRUNCATED}
