"""Whatever ends a run in the docker lab, nothing of it stays; and nothing else is ever touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import RUN, Belongings, belongings, ours, start_run
from driving import processes_with, until

from hangup.labs.docker import DockerLab
from hangup.labs.docker.leftovers import Owner, sweep

if TYPE_CHECKING:
    from docker import APIClient

PATIENCE = 60.0


@contextmanager
def _running(
    api: APIClient, scenario: str, trials: int, ready: Callable[[], object]
) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on for long, once it has come so far."""
    process = start_run("--client", "python/socket", "--scenario", scenario, "--trials", str(trials))
    try:
        until(lambda: ready() or process.poll() is not None, PATIENCE)
        assert process.poll() is None, process.communicate()[0]
        yield process
    finally:
        process.kill()
        process.communicate()
        sweep(api)


@pytest.fixture
def run(api: APIClient) -> Iterator[subprocess.Popen[str]]:
    """A long run that is at its trials."""

    def begun() -> bool:
        return any(name.startswith("peer-") and name != "peer-host" for name in ours(api))

    with _running(api, "rst-*", 5000, begun) as process:
        yield process


def test_nothing_is_left_after_success(api: APIClient, before: Belongings) -> None:
    process = start_run("--client", "python/socket", "--scenario", "normal", "--trials", "1")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert belongings(api) == before


async def test_nothing_is_left_after_an_exception(
    api: APIClient, before: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second host fails when all but it stands."""
    monkeypatch.setattr("hangup.labs.docker.lab.BLACKHOLE_HOST", "0.0.0.0/no")
    with pytest.raises(Exception, match=r"did not reach the harness|cannot be set up"):
        await DockerLab.start()
    assert belongings(api) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_a_signal(
    api: APIClient, before: Belongings, run: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert belongings(api) != before
    run.send_signal(number)
    run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    assert belongings(api) == before


@pytest.fixture
def paused(api: APIClient) -> Iterator[subprocess.Popen[str]]:
    """A run that has paused a container, whose processes notice nothing any more."""
    paused = {"label": RUN, "status": "paused"}
    with _running(api, "container-paused", 50, lambda: api.containers(filters=paused)) as process:
        yield process


def test_nothing_is_left_of_what_is_paused_after_a_signal(
    api: APIClient, before: Belongings, paused: subprocess.Popen[str]
) -> None:
    paused.send_signal(signal.SIGTERM)
    paused.communicate(timeout=PATIENCE)
    assert paused.returncode == 130
    assert belongings(api) == before


def test_clean_removes_what_is_paused_and_sigkill_left(
    api: APIClient, before: Belongings, paused: subprocess.Popen[str]
) -> None:
    paused.kill()
    paused.communicate(timeout=PATIENCE)
    assert _clean()["containers"]
    assert belongings(api) == before


@pytest.fixture
def publishing(api: APIClient) -> Iterator[subprocess.Popen[str]]:
    """A run that has ports of this machine published."""

    def open_ports() -> bool:
        return any(container["NetworkSettings"]["Ports"] for container in ours(api).values())

    with _running(api, "published-port-no-listener", 5000, open_ports) as process:
        yield process


def _proxies(api: APIClient) -> list[int]:
    """The engine's processes that accept for the containers of runs."""
    return [
        pid
        for network in api.networks(filters={"label": RUN})
        for pid in processes_with(f"-host-ip\0{network['IPAM']['Config'][0]['Gateway']}\0")
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_port_is_left_published_after_a_signal(
    api: APIClient, before: Belongings, publishing: subprocess.Popen[str], number: signal.Signals
) -> None:
    proxies = _proxies(api)
    assert proxies
    publishing.send_signal(number)
    publishing.communicate(timeout=PATIENCE)
    assert publishing.returncode == 130
    assert belongings(api) == before
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in proxies))


def test_clean_removes_what_was_published_and_sigkill_left(
    api: APIClient, before: Belongings, publishing: subprocess.Popen[str]
) -> None:
    proxies = _proxies(api)
    assert proxies
    publishing.kill()
    publishing.communicate(timeout=PATIENCE)
    _clean()
    assert belongings(api) == before
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in proxies))


def test_clean_removes_what_sigkill_left(api: APIClient, before: Belongings, run: subprocess.Popen[str]) -> None:
    run.kill()
    run.communicate(timeout=PATIENCE)
    assert belongings(api) != before
    swept = _clean()
    assert len(swept["containers"]) == 4  # two hosts, the peer, one agent
    assert len(swept["networks"]) == len(swept["folders"]) == 1
    assert belongings(api) == before
    assert not any(_clean().values())


def test_what_sigkill_left_ends_by_itself(api: APIClient, run: subprocess.Popen[str]) -> None:
    run.kill()
    run.communicate(timeout=PATIENCE)
    until(lambda: not ours(api), PATIENCE)


def test_clean_leaves_a_run_alone_that_still_goes_on(api: APIClient, run: subprocess.Popen[str]) -> None:
    mine = ours(api)
    assert not any(_clean().values())
    assert ours(api).keys() == mine.keys()
    assert run.poll() is None


def test_clean_leaves_alone_what_hangup_did_not_make(api: APIClient) -> None:
    network = api.create_network("hangup-in-name-only", labels={"hangup": "1"})["Id"]
    try:
        _clean()
        assert network in belongings(api).networks
    finally:
        api.remove_network(network)


def test_a_run_whose_owner_is_gone_is_swept_whichever_process_it_was(api: APIClient) -> None:
    owner = Owner()
    network = api.create_network(f"hangup-{owner.run}", labels=owner.labels)["Id"]
    assert not sweep(api).networks
    owner.release()
    assert sweep(api).networks == [f"hangup-{owner.run}"]
    assert network not in belongings(api).networks
    assert not api.networks(filters={"label": RUN})


def _clean() -> dict[str, list[str]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "hangup", "clean", "--keep-runs", "all", "--json"]
    swept: dict[str, list[str]] = json.loads(subprocess.run(command, env=environment, stdout=-1, check=True).stdout)
    return swept
