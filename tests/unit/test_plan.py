"""What is to be run, and what is left out, by name and with the reason."""

from __future__ import annotations

from hangup.agents.protocol import ClientInfo
from hangup.catalogue import load_catalogue
from hangup.conduct.plan import CellId, Skipped, plan

CATALOGUE = load_catalogue()
STREAM = ClientInfo(layer="stream", ops=["exchange", "connect", "send", "recv", "shutdown", "close"])
HTTP = ClientInfo(layer="http", ops=["exchange", "close"])
ALL = frozenset({"net", "hold"})


def chosen(*names: str) -> dict[str, object]:
    return {name: CATALOGUE[name] for name in names}


def test_each_client_meets_the_scenarios_of_its_layer() -> None:
    cells, skipped = plan({"a/tcp": STREAM, "a/web": HTTP}, chosen("normal", "write-after-fin"), ALL, "netns")
    assert cells == [CellId("a/tcp", "normal"), CellId("a/tcp", "write-after-fin"), CellId("a/web", "normal")]
    assert skipped == [], "a scenario of the other layer is not for it, and so is not missing"


def test_every_scenario_is_for_some_client() -> None:
    cells, skipped = plan({"a/tcp": STREAM, "a/web": HTTP}, CATALOGUE, ALL, "netns")
    assert {cell.scenario for cell in cells} == set(CATALOGUE)
    assert skipped == []


def test_what_the_lab_lacks_is_told_once_for_each_scenario() -> None:
    cells, skipped = plan(
        {"a/tcp": STREAM, "a/web": HTTP}, chosen("normal", "connect-timeout"), frozenset({"hold"}), "loopback"
    )
    assert {cell.scenario for cell in cells} == {"normal"}
    assert skipped == [Skipped("connect-timeout", "the loopback lab has no network of its own")]


def test_what_the_platform_lacks() -> None:
    _cells, skipped = plan({"a/tcp": STREAM}, chosen("rst-on-accept"), frozenset(), "loopback")
    assert skipped == [Skipped("rst-on-accept", "the loopback lab has no right to hold segments back at the peer")]


def test_what_a_client_lacks() -> None:
    halfless = STREAM.model_copy(update={"ops": ["exchange", "connect", "send", "close"]})
    cells, skipped = plan({"a/tcp": halfless}, chosen("normal", "half-close-by-client"), ALL, "netns")
    assert cells == [CellId("a/tcp", "normal")]
    assert skipped == [Skipped("a/tcp half-close-by-client", "the client has no recv, shutdown")]


def test_a_client_meets_only_what_speaks_as_it_does() -> None:
    modern = HTTP.model_copy(update={"features": ["tls", "h2"], "requires": ["h2"]})
    cells, skipped = plan({"a/h2": modern, "a/web": HTTP}, chosen("normal"), ALL, "netns")
    assert cells == [CellId("a/web", "normal")]
    assert skipped == [Skipped("a/h2 normal", "the client is for h2")]


def test_cells_come_client_by_client_in_the_order_of_the_scenarios() -> None:
    names = ("rst-mid-body", "normal", "fin-mid-body")
    cells, _skipped = plan({"b/x": HTTP, "a/x": HTTP}, chosen(*names), ALL, "netns")
    assert [(c.client, c.scenario) for c in cells] == [(c, s) for c in ("b/x", "a/x") for s in names]


def test_a_client_that_uses_no_connection_twice() -> None:
    cells, skipped = plan({"a/web": HTTP}, chosen("normal", "reuse-after-fin-get-once"), ALL, "netns", {"a/web"})
    assert cells == [CellId("a/web", "normal")]
    assert skipped == [Skipped("a/web reuse-after-fin-get-once", "the client uses no connection twice")]
