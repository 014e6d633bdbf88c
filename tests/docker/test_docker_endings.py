"""Endings of containers, with real ones: what clients are told, and what the wire shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import RUN, ours
from driving import drive

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.conduct.peer import Peer
from hangup.errors import LabError
from hangup.judge import endings
from hangup.labs.docker import DockerLab
from hangup.store.model import Cell

if TYPE_CHECKING:
    from docker import APIClient

    from hangup.labs.base import PeerContainer

CATALOGUE = {name: scenario for name, scenario in load_catalogue().items() if scenario.container_end is not None}
TRIALS = 4
GONE, SILENT = ("fin",), ("silence",)
REFUSED = ("fin", "refused", "refused", "refused")
HANG = "nothing"
ENDINGS = {
    # how each connection of python/socket and of python/urllib3, which tries again, ended; what the latter is told
    "container-killed": (GONE, REFUSED, "urllib3.exceptions.MaxRetryError"),
    "container-paused": (SILENT, SILENT, HANG),
    "container-removed": (GONE, REFUSED, "urllib3.exceptions.MaxRetryError"),
    "container-stopped": (GONE, REFUSED, "urllib3.exceptions.MaxRetryError"),
    "network-disconnected": (SILENT, SILENT, HANG),
}


def _endings(scenario: str, cell: Cell) -> tuple[str, ...]:
    (observation,) = cell.observations
    return endings(CATALOGUE[scenario], observation)


def _told(cell: Cell) -> str:
    (observation,) = cell.observations
    operation = observation.operations[-1]
    return HANG if operation.hang else operation.error[0].type


async def test_clients_are_told_what_the_wire_shows(lab: DockerLab, tmp_path: Path) -> None:
    python = {"python": load_manifests(paths.clients())["python"]}
    clients = ["python/socket", "python/urllib3"]
    driven = await drive(lab, python, CATALOGUE, tmp_path, clients=clients, trials=TRIALS)
    assert CATALOGUE.keys() == ENDINGS.keys()
    assert {name: tuple(_endings(name, driven.cells[client, name]) for client in clients) for name in ENDINGS} == {
        name: (socket, urllib3) for name, (socket, urllib3, _) in ENDINGS.items()
    }
    assert {name: _told(driven.cells["python/urllib3", name]) for name in ENDINGS} == {
        name: told for name, (_, _, told) in ENDINGS.items()
    }
    for cell in driven.cells.values():
        for connection in cell.observations[0].connections[:1]:
            assert [request.read for request in connection.requests] == ["whole"], "the log from before the end"


async def _contained(lab: DockerLab) -> PeerContainer:
    assert lab.containers is not None
    container = await lab.containers.start()
    await Peer.greet(container.process, container.host)
    return container


async def test_an_address_is_not_given_twice(lab: DockerLab) -> None:
    """Else the kernel of the next container would answer what was meant for the last one."""
    hosts = []
    for _ in range(3):
        container = await _contained(lab)
        hosts.append(container.host)
        await container.remove()
    assert len({*hosts, lab.host, lab.client_host}) == 5


async def test_such_a_container_may_do_no_more_than_any_peer(lab: DockerLab, api: APIClient) -> None:
    container = await _contained(lab)
    (found,) = (limits for name, limits in ours(api).items() if name.startswith("peer-") and name != "peer-host")
    assert found["NetworkSettings"]["Networks"].keys() == {found["HostConfig"]["NetworkMode"]}
    limits = found["HostConfig"]
    assert (limits["CapDrop"], limits["CapAdd"]) == (["ALL"], ["NET_ADMIN"])
    assert limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["ReadonlyRootfs"]
    assert limits["Memory"] == limits["MemorySwap"] > 0
    assert limits["PidsLimit"] > 0
    assert not limits["Binds"]
    assert not limits["PortBindings"]
    await container.remove()


@pytest.mark.parametrize("how", ["kill", "stop", "remove", "pause", "disconnect"])
async def test_nothing_is_left_of_it_whatever_became_of_it(lab: DockerLab, api: APIClient, how: str) -> None:
    before = ours(api).keys()
    container = await _contained(lab)
    await container.end(how, 1)  # type: ignore[arg-type]
    await container.remove()
    assert api.containers(all=True, filters={"label": RUN, "name": "-peer-[0-9]"}) == []
    assert ours(api).keys() == before


async def test_what_cannot_be_done_to_it_is_said_in_the_engines_words(lab: DockerLab) -> None:
    container = await _contained(lab)
    await container.end("pause", 0)
    with pytest.raises(LabError, match="already paused"):
        await container.end("pause", 0)
    await container.remove()
