"""Published ports with nobody behind them: what clients are told, what is open meanwhile, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docker_driver import RUN, ours
from driving import drive, processes_with, until

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.judge import endings
from hangup.labs.docker import DockerLab, published
from hangup.labs.docker.hosts import Host
from hangup.wire import Flags, Segment, decode, read_capture

if TYPE_CHECKING:
    import pytest
    from docker import APIClient

SCENARIO = "published-port-no-listener"
NEEDS = load_catalogue()[SCENARIO].needs
TRIALS = 40
"""More than there are ports."""


async def test_clients_are_reset_each_time_with_nothing_read(lab: DockerLab, tmp_path: Path) -> None:
    python = {"python": load_manifests(paths.clients())["python"]}
    clients = ["python/socket", "python/urllib3"]
    scenarios = {SCENARIO: load_catalogue()[SCENARIO]}
    driven = await drive(lab, python, scenarios, tmp_path, clients=clients, trials=TRIALS)
    for client, connections in (("python/socket", 1), ("python/urllib3", 4)):
        (observation,) = driven.cells[client, SCENARIO].observations
        assert endings(scenarios[SCENARIO], observation) == ("rst",) * connections
        requests = [request for connection in observation.connections for request in connection.requests]
        assert [(request.sent, request.read) for request in requests] == [("whole", "none")] * connections
        assert "ConnectionResetError" in [link.type for link in observation.operations[0].error]
    assert driven.result.repeated == 0
    handshakes = _thirds(driven.folder / "capture.pcap")
    assert len(handshakes) == TRIALS * 5
    assert all(third.length for third in handshakes), "the request completes the handshake"


def _thirds(capture: Path) -> list[Segment]:
    """What each client sent right after its SYN."""
    begun: set[tuple[int, int]] = set()
    thirds: list[Segment] = []
    with capture.open("rb") as stream:
        for frame in read_capture(stream):
            segment = decode(frame)
            assert isinstance(segment, Segment)
            ports = segment.sport, segment.dport
            if segment.flags == Flags.SYN:
                begun.add(ports)
            elif ports in begun:
                begun.discard(ports)
                thirds.append(segment)
    return thirds


async def test_ports_are_open_at_the_runs_own_address_alone_and_lead_to_a_container_without_rights(
    lab: DockerLab, api: APIClient
) -> None:
    assert await lab.furnish(NEEDS) == []
    (nobody,) = (container for name, container in ours(api).items() if name.startswith("nobody"))
    bound = [binding for ports in nobody["NetworkSettings"]["Ports"].values() for binding in ports]
    assert {binding["HostIp"] for binding in bound} == {lab.targets["published port"]}
    assert sorted(int(binding["HostPort"]) for binding in bound) == sorted(lab.published)
    assert len(set(lab.published)) == published.COUNT
    limits = nobody["HostConfig"]
    assert (limits["CapDrop"], limits["CapAdd"], limits["Binds"]) == (["ALL"], None, [])
    assert limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["ReadonlyRootfs"]


async def test_they_are_published_once_and_only_where_they_are_needed(lab: DockerLab, api: APIClient) -> None:
    assert await lab.furnish({"net", "containers"}) == []
    assert "published" not in lab.offers()
    assert "nobody" not in "".join(ours(api))
    assert await lab.furnish(NEEDS) == []
    assert await lab.furnish(NEEDS) == []
    assert "published" in lab.offers()
    assert sum(name.startswith("nobody") for name in ours(api)) == 1


async def test_an_engine_whose_proxy_does_not_accept_is_told_apart(
    lab: DockerLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Asked at a port that nobody has published, which refuses as a container does without the proxy before it."""
    connect = Host.connect
    monkeypatch.setattr(Host, "connect", lambda host, address, port: connect(host, address, 1))
    (said,) = await lab.furnish(NEEDS)
    assert "ECONNREFUSED, so the engine's userland proxy is off" in said
    assert "published" not in lab.offers()
    python = {"python": load_manifests(paths.clients())["python"]}
    driven = await drive(lab, python, {SCENARIO: load_catalogue()[SCENARIO]}, tmp_path, clients=["python/socket"])
    assert driven.notes.about("userland proxy")
    assert [skip.what for skip in driven.result.skipped] == [SCENARIO]


async def test_a_kernel_that_cannot_order_the_handshake_is_told_apart(lab: DockerLab) -> None:
    lab._hosts["client"].withholds = False
    (said,) = await lab.furnish(NEEDS)
    assert "CONFIG_NET_CLS_BPF" in said


async def test_no_proxy_outlives_the_lab(api: APIClient) -> None:
    lab = await DockerLab.start()
    address = lab.targets["published port"]
    try:
        assert await lab.furnish(NEEDS) == []
        until(lambda: len(list(processes_with(f"-host-ip\0{address}\0"))) == published.COUNT)
    finally:
        await lab.close()
    until(lambda: not list(processes_with(f"-host-ip\0{address}\0")))
    assert not api.containers(all=True, filters={"label": RUN})
