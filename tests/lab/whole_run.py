"""What the lab tests share: all clients, the scenarios that do not wait, and how to skip by name."""

from __future__ import annotations

import pytest
from driving import Driven

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.store.model import Cell

MANIFESTS = load_manifests(paths.clients())
LAYERS = {name: entry.layer for manifest in MANIFESTS.values() for name, entry in manifest.clients.items()}
STREAM_CLIENTS = [name for name, layer in LAYERS.items() if layer == "stream"]
CATALOGUE = load_catalogue()
QUICK = {name: scenario for name, scenario in CATALOGUE.items() if not scenario.waits}


def require_cell(run: Driven, client: str, scenario: str) -> Cell:
    """The cell; skip the test as the run has skipped it."""
    require_client(run, client)
    for skipped in run.result.skipped:
        if skipped.what == f"{client} {scenario}":
            pytest.skip(f"{skipped.what}: {skipped.reason}")
    return run.cells[client, scenario]


def require_client(run: Driven, client: str) -> None:
    """Skip the test, by name and with the run's own reason, where the client could not be run here."""
    language = client.partition("/")[0]
    for skipped in run.result.skipped:
        if skipped.what == f"{language}/*":
            pytest.skip(f"{client}: {skipped.reason}")
