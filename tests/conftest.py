"""Fixtures of all tests: the labs, each skipped by name where the machine does not permit it."""

from __future__ import annotations

import asyncio

import pytest

from hangup.labs import LabName, probe

_REFUSED: dict[LabName, str | None] = {}


def require_lab(name: LabName) -> None:
    """Skip the test, by name and with the lab's own reason, where the lab cannot be opened here."""
    if name not in _REFUSED:
        _REFUSED[name] = asyncio.run(probe(name))
    if _REFUSED[name] is not None:
        pytest.skip(f"lab {name}: {_REFUSED[name]}")


@pytest.fixture(params=["netns", "loopback"], scope="session")
def lab_name(request: pytest.FixtureRequest) -> LabName:
    """Each lab in turn."""
    require_lab(request.param)
    return request.param
