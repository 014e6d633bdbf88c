"""The run that most lab tests look at, of every client in every scenario that does not wait; and agents alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import trustme
from driving import Driven, drive, require_lab
from sessions import Agents
from whole_run import MANIFESTS, QUICK

from hangup.labs import LabName, open_lab


@pytest.fixture(scope="session")
def whole(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Two trials of every cell that this machine can play, with their capture."""
    root = tmp_path_factory.mktemp(f"whole-{lab_name}")
    return asyncio.run(drive(lab_name, MANIFESTS, QUICK, root, trials=2))


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """The authority that the agents trust."""
    return trustme.CA()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agents(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agents]:
    """Agents in the loopback lab."""
    await asyncio.to_thread(require_lab, "loopback")  # which runs an event loop of its own
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    async with open_lab("loopback") as lab:
        agents = Agents(lab, path)
        yield agents
        await agents.stop()
