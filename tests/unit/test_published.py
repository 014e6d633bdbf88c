"""What is published: complete, valid, every error known to a rule, and every file as the tool would write it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.judge import ActedOn, Outcome
from hangup.labs.base import MAY_OFFER
from hangup.matrix import judged
from hangup.store import load_results
from hangup.store.files import data_file, dump
from hangup.tables.labs import cause_of, differing, platforms

ROOT = paths.published_results()
RESULTS = load_results(ROOT)
CATALOGUE = load_catalogue()
LAYERS = {name: entry.layer for m in load_manifests(paths.clients()).values() for name, entry in m.clients.items()}


@pytest.mark.parametrize("platform", sorted({platform for platform, _ in RESULTS}))
def test_every_client_is_published(platform: str) -> None:
    assert {client for where, client in RESULTS if where == platform} == set(LAYERS)


@pytest.mark.parametrize(("platform", "client"), sorted(RESULTS))
class TestFile:
    def test_is_as_the_tool_writes_it(self, platform: str, client: str) -> None:
        path = data_file(ROOT, platform, client)
        assert path.read_text(encoding="utf-8") == dump(RESULTS[platform, client])

    def test_covers_every_scenario_of_its_layer_that_its_lab_offers(self, platform: str, client: str) -> None:
        cells = set(RESULTS[platform, client].cells)
        offers = MAY_OFFER[RESULTS[platform, client].platform]
        spoken = [CATALOGUE[name].features for name in cells]
        offered, required = set[str]().union(*spoken), set.intersection(*map(set, spoken))
        possible = {
            name: scenario
            for name, scenario in CATALOGUE.items()
            if LAYERS[client] in scenario.layers and offers.issuperset(scenario.needs) and client not in scenario.races
        }
        assert cells == {name for name, scenario in possible.items() if required <= scenario.features <= offered}

    def test_has_no_invalid_and_no_unmapped_cell(self, platform: str, client: str) -> None:
        for cell in judged(RESULTS[platform, client], CATALOGUE):
            assert cell.cell.invalid is None, cell.scenario.id
            assert cell.cell.fault is None, cell.scenario.id
            assert Outcome.UNMAPPED not in {verdict.outcome for verdict in cell.verdicts}, cell.scenario.id

    def test_calls_the_controls_a_success(self, platform: str, client: str) -> None:
        controls = [c for c in judged(RESULTS[platform, client], CATALOGUE) if c.scenario.id.endswith("normal")]
        assert controls
        for control in controls:
            (verdict,) = control.verdicts
            assert verdict.outcome is Outcome.SUCCESS
            assert (verdict.lost, verdict.tries, verdict.acted_on) == (0, 1, ActedOn.YES)
            assert sum((verdict.sent or {}).values()) == 1


def test_every_difference_between_platforms_has_its_cause() -> None:
    results = list(RESULTS.values())
    cells = [cell for pair in combinations(platforms(results), 2) for cell in differing(results, CATALOGUE, *pair)]
    unexplained = [(cell.client, cell.scenario, cell.changes) for cell in cells if cause_of(cell) is None]
    assert unexplained == []


def test_texts_hold_no_address() -> None:
    """So that the labs can be compared."""
    words = Counter(
        word for r in RESULTS.values() for word in ("192.0.2.", "198.51.100.", "127.0.0.1") if word in dump(r)
    )
    assert not words
