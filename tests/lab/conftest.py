"""The run that most lab tests look at: every client in every scenario that does not wait, in each lab."""

from __future__ import annotations

import asyncio

import pytest
from driving import Driven, drive
from whole_run import MANIFESTS, QUICK

from hangup.labs import LabName


@pytest.fixture(scope="session")
def whole(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Two trials of every cell that this machine can play, with their capture."""
    root = tmp_path_factory.mktemp(f"whole-{lab_name}")
    return asyncio.run(drive(lab_name, MANIFESTS, QUICK, root, trials=2))
