"""What is to be run, and what is left out, by name and with the reason."""

from __future__ import annotations

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.agents.protocol import ClientInfo
from hangup.catalogue import load_catalogue
from hangup.conduct.plan import CellId, Skipped, plan, possible
from hangup.labs.base import MAY_OFFER

CATALOGUE = load_catalogue()
OPS = ["exchange", "connect", "send", "recv", "shutdown", "close"]
STREAM = ClientInfo(layer="stream", ops=OPS, features=["tls", "keepalive"])
HTTP = ClientInfo(layer="http", ops=["exchange", "close"], features=["tls", "h2"])
ALL = frozenset({"net", "hold", "router", "firewall", "translation", "abort", "containers", "published"})


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


def test_a_lab_without_a_firewall() -> None:
    _cells, skipped = plan({"a/tcp": STREAM}, chosen("host-unreachable"), ALL - {"firewall"}, "netns")
    assert [skip.what for skip in skipped] == ["host-unreachable"]
    assert "install nftables" in skipped[0].reason


def test_what_a_lab_without_an_engine_lacks() -> None:
    _cells, skipped = plan({"a/tcp": STREAM}, chosen("container-killed"), frozenset({"net", "hold"}), "netns")
    assert skipped == [Skipped("container-killed", "the netns lab has no engine of containers")]


def test_what_an_engine_without_its_proxy_lacks() -> None:
    offers = frozenset({"net", "hold", "containers"})
    cells, skipped = plan({"a/tcp": STREAM}, chosen("published-port-no-listener", "container-killed"), offers, "docker")
    assert cells == [CellId("a/tcp", "container-killed")]
    assert [skip.what for skip in skipped] == ["published-port-no-listener"]
    assert "userland proxy" in skipped[0].reason


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


def test_a_client_that_races_with_itself_is_left_out_with_the_reason() -> None:
    racing = CATALOGUE["normal"].model_copy(update={"races": {"a/web": "two threads"}})
    cells, skipped = plan({"a/web": HTTP, "b/web": HTTP}, {"normal": racing}, ALL, "netns")
    assert cells == [CellId("b/web", "normal")]
    assert skipped == [Skipped("a/web normal", "two threads")]


def test_cells_come_client_by_client_in_the_order_of_the_scenarios() -> None:
    names = ("rst-mid-body", "normal", "fin-mid-body")
    cells, _skipped = plan({"b/x": HTTP, "a/x": HTTP}, chosen(*names), ALL, "netns")
    assert [(c.client, c.scenario) for c in cells] == [(c, s) for c in ("b/x", "a/x") for s in names]


def test_a_client_that_uses_no_connection_twice() -> None:
    cells, skipped = plan({"a/web": HTTP}, chosen("normal", "reuse-after-fin-get-once"), ALL, "netns", {"a/web"})
    assert cells == [CellId("a/web", "normal")]
    assert skipped == [Skipped("a/web reuse-after-fin-get-once", "the client uses no connection twice")]


MANIFESTS = load_manifests(paths.clients())


def without_a_build(client: str, scenario: str, lab: str = "netns") -> tuple[list[CellId], list[Skipped]]:
    return possible(MANIFESTS.values(), [client], chosen(scenario), MAY_OFFER[lab], lab)


def test_what_can_be_played_is_known_before_anything_is_built() -> None:
    assert without_a_build("python/socket", "write-after-fin") == ([CellId("python/socket", "write-after-fin")], [])


def test_why_nothing_can_be_played_too() -> None:
    assert without_a_build("python/requests", "write-after-fin") == (
        [], [Skipped("python/requests", "of the layer http, and what is to be played is for stream clients only")],
    )  # fmt: skip
    cells, skipped = without_a_build("python/socket", "container-killed")
    assert (cells, skipped) == ([], [Skipped("container-killed", "the netns lab has no engine of containers")])


def test_before_a_build_no_cell_is_missing() -> None:
    """Whatever a client may turn out to do, it was thought possible."""
    clients = [name for manifest in MANIFESTS.values() for name in manifest.clients]
    cells, _ = possible(MANIFESTS.values(), clients, CATALOGUE, ALL, "netns")
    layers = {name: entry.layer for manifest in MANIFESTS.values() for name, entry in manifest.clients.items()}
    infos = {name: STREAM if layer == "stream" else HTTP for name, layer in layers.items()}
    single = {name for manifest in MANIFESTS.values() for name in manifest.single}
    assert set(plan(infos, CATALOGUE, ALL, "netns", single)[0]) <= set(cells)
