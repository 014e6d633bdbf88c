"""The docker lab with real clients: what it measures is what the netns lab measures, and it lets nobody do more."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import RUN, ours, program
from driving import Driven, drive, require_lab

from hangup import paths
from hangup.agents.agent import Agent
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.conduct.peer import Peer
from hangup.errors import AgentFault
from hangup.labs.docker import DockerLab, spec
from hangup.store.model import Cell

if TYPE_CHECKING:
    from docker import APIClient

SCENARIOS = ("normal", "fin-before-response", "fin-on-accept", "refused", "rst-before-response", "rst-mid-body")


def _essence(cell: Cell) -> object:
    """A cell without the texts, which differ between versions of a stack."""
    assert cell.invalid is None
    assert cell.fault is None
    return {
        (
            tuple(
                (op.op, op.hang, op.phase, op.status, op.received, op.eof,
                 tuple((link.type, link.errno, link.code) for link in op.error))
                for op in form.operations
            ),
            form.connections,
        )
        for form in cell.observations
    }  # fmt: skip


@pytest.fixture
def netns() -> None:
    """The netns lab has to be there, too."""
    require_lab("netns")


@pytest.mark.usefixtures("api", "netns")
async def test_all_languages_report_what_they_report_in_the_netns_lab(tmp_path: Path) -> None:
    manifests, catalogue = load_manifests(paths.clients()), load_catalogue()
    scenarios = {name: catalogue[name] for name in SCENARIOS}
    here = await drive("docker", manifests, scenarios, tmp_path / "docker", trials=2)
    there = await drive("netns", manifests, scenarios, tmp_path / "netns", trials=2)
    assert {client.partition("/")[0] for client, _ in here.cells} == set(manifests), here.notes.lines
    assert here.result.proved
    assert {key: _essence(cell) for key, cell in here.cells.items()} == {
        key: _essence(cell) for key, cell in there.cells.items()
    }


async def _one(lab: DockerLab, scenario: str, tmp_path: Path, client: str = "python/socket") -> Driven:
    manifest = load_manifests(paths.clients())["python"]
    return await drive(lab, {"python": manifest}, {scenario: load_catalogue()[scenario]}, tmp_path, clients=[client])


async def test_what_is_sent_to_the_black_hole_is_never_answered(lab: DockerLab, tmp_path: Path) -> None:
    driven = await _one(lab, "connect-timeout", tmp_path)
    (observation,) = driven.cells["python/socket", "connect-timeout"].observations
    assert [connection.state for connection in observation.connections] == ["S0"]
    assert observation.operations[0].error[0].code in (None, "ETIMEDOUT")


async def test_the_wire_is_plain(lab: DockerLab, tmp_path: Path) -> None:
    """Segments in the capture are as a wire carries them: their checksums are filled in."""
    from hangup.wire import decode, read_capture

    driven = await _one(lab, "normal", tmp_path)
    with (driven.folder / "capture.pcap").open("rb") as stream:
        segments = [decode(frame, checksums=True) for frame in read_capture(stream)]
    assert segments
    assert all(segment is not None and segment.checksum_ok is not False for segment in segments)  # type: ignore[union-attr]


async def test_containers_may_do_what_their_part_asks_for_and_no_more(lab: DockerLab, api: APIClient) -> None:
    manifests = load_manifests(paths.clients())
    agents = [await Agent.start(lab, await lab.prepare(manifests[name], str)) for name in ("python", "go")]
    peer = await Peer.start(lab)
    containers = ours(api)
    assert {name.rpartition("-")[0] for name in containers} == {"python", "go", "peer", "client"}
    for name, container in containers.items():
        limits = container["HostConfig"]
        assert limits["CapDrop"] == ["ALL"]
        assert limits["SecurityOpt"] == ["no-new-privileges"]
        assert limits["ReadonlyRootfs"]
        assert limits["Memory"] == limits["MemorySwap"] > 0
        assert limits["PidsLimit"] > 0
        assert limits["NanoCpus"] > 0
        assert not limits["Privileged"]
        assert not limits["PortBindings"]
        assert not [bind for bind in limits["Binds"] or () if "docker.sock" in bind or not bind.endswith(":ro")]
        if name.startswith(("python", "go")):
            assert not limits["CapAdd"]
            assert [bind.partition(":")[2] for bind in limits["Binds"]] == ["/hangup.pem:ro"], "the CA that it trusts"
            assert container["Config"]["User"] == spec.NOBODY
            assert _rights(container["State"]["Pid"]) == 0
        if name.endswith("-host"):
            assert _rights(container["State"]["Pid"]) == 0, "a host keeps none of the rights that it began with"
    for agent in agents:
        await agent.stop()
    await peer.stop()


def _rights(pid: int) -> int:
    """All capabilities that a process has or could get."""
    sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    return sum(int(status[name], 16) for name in sets)


WAY_OUT = """
import socket, sys
def told(call, *given):
    try:
        call(*given)
    except OSError as error:
        return type(error).__name__ + " " + str(error.errno)
    return "nothing"
ways = [told(socket.socket(socket.AF_INET, kind).connect, ("192.0.2.1", 9)) for kind in (1, 2)]
ways.append(told(socket.getaddrinfo, "example.invalid", 80))
ways += [line.split()[1] for line in open("/proc/net/route") if line.split()[1] == "00000000"]
sys.exit("; ".join(ways))
"""
UNREACHABLE = f"OSError {errno.ENETUNREACH}"


async def test_the_network_leads_nowhere_else(lab: DockerLab, api: APIClient) -> None:
    (network,) = api.networks(filters={"label": RUN})
    assert network["Name"].startswith("hangup-")
    assert network["Options"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    image = (await lab.prepare(load_manifests(paths.clients())["python"], str)).runtime
    with pytest.raises(AgentFault, match=f"last words: {UNREACHABLE}; {UNREACHABLE}; gaierror -[0-9]+$"):
        await Agent.start(lab, program(image, WAY_OUT))


async def test_nobody_is_asked_for_names(lab: DockerLab, api: APIClient) -> None:
    """Not even by the engine, which would ask on behalf of its containers."""
    assert lab.containers is not None
    container = await lab.containers.start()
    for name, found in ours(api).items():
        assert found["HostConfig"]["Dns"] == ["127.0.0.1"], name
    await container.remove()


async def test_an_agent_whose_container_is_killed_is_at_fault(lab: DockerLab, api: APIClient) -> None:
    agent = await Agent.start(lab, await lab.prepare(load_manifests(paths.clients())["python"], str))
    api.kill(ours(api)["python-1"]["Id"])
    assert not await agent.alive()
    assert agent.fault == "the python agent was killed by signal 9"
    await agent.stop()


async def test_an_agent_whose_container_is_paused_does_not_answer(
    lab: DockerLab, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangup.agents.agent.PING_SECONDS", 0.5)
    agent = await Agent.start(lab, await lab.prepare(load_manifests(paths.clients())["python"], str))
    api.pause(ours(api)["python-1"]["Id"])
    assert not await agent.alive()
    assert agent.fault == "the python agent did not answer a ping within 0 s"
    await agent.stop()


async def test_an_agent_that_runs_out_of_memory_says_so(lab: DockerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "_MEMORY", "48m")
    peer_image = (await lab.prepare(load_manifests(paths.clients())["python"], str)).runtime
    with pytest.raises(AgentFault, match="ran out of its container's memory"):
        await Agent.start(lab, program(peer_image, "b = bytearray(512 << 20); b[::4096] = b'x' * len(b[::4096])"))


async def test_the_last_words_of_an_agent_that_ends_are_told(lab: DockerLab) -> None:
    image = (await lab.prepare(load_manifests(paths.clients())["python"], str)).runtime
    with pytest.raises(AgentFault, match=r"ended with status 3; its last words: alas"):
        await Agent.start(lab, program(image, "import sys; print('alas', file=sys.stderr); sys.exit(3)"))


async def test_the_container_of_an_agent_that_ended_is_removed(lab: DockerLab, api: APIClient) -> None:
    agent = await Agent.start(lab, await lab.prepare(load_manifests(paths.clients())["python"], str))
    await agent.stop()
    assert "python-1" not in {c["Names"][0].split("-", 2)[2] for c in api.containers(all=True, filters={"label": RUN})}
