"""Fixtures of the docker lab's tests: all are skipped, with the lab's own reason, where no engine can be used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
from docker_driver import Belongings, belongings
from driving import require_lab

from hangup.labs.docker import DockerLab

if TYPE_CHECKING:
    from docker import APIClient


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "docker" and "refused" not in item.path.name:
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def api() -> Iterator[APIClient]:
    """The SDK's own client, to look at the engine past hangup's code."""
    require_lab("docker")
    import docker

    client = docker.from_env(version="auto").api
    yield client
    client.close()


@pytest.fixture
def before(api: APIClient) -> Belongings:
    """What the engine held before the test."""
    return belongings(api)


@pytest.fixture
async def lab(api: APIClient) -> AsyncIterator[DockerLab]:  # noqa: ARG001  (an engine has to be there)
    """An open lab."""
    lab = await DockerLab.start()
    yield lab
    await lab.close()
