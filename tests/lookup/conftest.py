"""The published results, and their index."""

from __future__ import annotations

import pytest

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.lookup import Index, load
from hangup.lookup.build import build
from hangup.lookup.index import FILE, dump
from hangup.store import ClientResults, load_results


@pytest.fixture(scope="session")
def results() -> list[ClientResults]:
    """All that is published."""
    return list(load_results(paths.published_results()).values())


@pytest.fixture(scope="session")
def index(results: list[ClientResults], tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Made from the results as they are, and read back, so that no test depends on a file that is stale."""
    path = tmp_path_factory.mktemp("index") / FILE
    path.write_text(dump(build(results, load_catalogue())), encoding="utf-8")
    return load(path)
