"""However a run ends, nothing of it stays: no process, namespace, link or temporary file, nothing half-published."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from driving import require_capture
from hangup_process import Running, copy_of_the_sources, everybody, network_namespaces, running

from hangup.labs import LabName
from hangup.labs.certificates import sweep

pytestmark = pytest.mark.lab

INTERRUPTED = "hangup: interrupted; nothing was published"
ENDLESS = ["--client", "python/socket", "--scenario", "silence-before-response", "--trials", "3"]
"""A run whose every trial waits for its deadline."""
SHORT = ["--client", "python/socket", "--scenario", "server-killed-idle", "--trials", "3"]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(name="lab_name", scope="session")
def publishing_lab(lab_name: LabName) -> LabName:
    """Each lab that can publish here."""
    require_capture(lab_name)
    return lab_name


def published(run: Running) -> list[Path]:
    return [path for path in run.out.rglob("*") if path.is_file()]


def assert_nothing_is_left(run: Running, namespaces: set[int]) -> None:
    assert run.children() == set()
    assert network_namespaces(everybody()) & namespaces == set()
    assert not [name for _index, name in socket.if_nameindex() if name.startswith("hangup")]
    assert list(run.temporary.iterdir()) == []


def in_full_swing(run: Running, lab: LabName) -> set[int]:
    """Wait until the client is in a trial; the lab's network namespaces."""
    run.until(run.in_a_trial)
    namespaces = network_namespaces(run.children())
    assert bool(namespaces) == (lab == "netns")
    return namespaces


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal(lab_name: LabName, sources: Path, tmp_path: Path, number: signal.Signals) -> None:
    with running(sources, tmp_path, ["--lab", lab_name, *ENDLESS]) as run:
        namespaces = in_full_swing(run, lab_name)
        run.signal(number)
        status, output = run.wait()
        assert (status, output.splitlines()[-1]) == (130, INTERRUPTED)
        assert_nothing_is_left(run, namespaces)
        assert published(run) == []


def test_after_a_sigkill(lab_name: LabName, sources: Path, tmp_path: Path) -> None:
    """Nobody is there to clean up: what is left must end by itself, but for files, which the next run sweeps."""
    with running(sources, tmp_path, ["--lab", lab_name, *ENDLESS]) as run:
        namespaces = in_full_swing(run, lab_name)
        run.process.kill()
        run.process.wait()
        run.until(lambda: not run.children())
        sweep(run.temporary, seconds=0)
        assert_nothing_is_left(run, namespaces)
        assert published(run) == []


def test_after_an_error(lab_name: LabName, sources: Path, tmp_path: Path) -> None:
    """A full disk, which a run meets when it is under way."""
    with running(sources, tmp_path, ["--lab", lab_name, *SHORT], full_disk=True) as run:
        status, output = run.wait()
        assert status == 2, output
        assert "cannot be written: File too large" in output
        assert "Traceback" not in output
        assert_nothing_is_left(run, set())
        assert published(run) == []


SIGNALLED = """
import os, sys
def hook(event, arguments):
    if event == {event!r} and {words!r} in str(arguments[-1 if event == "os.rename" else 0]) + str(arguments[1]):
        os.kill(os.getpid(), {number})
sys.addaudithook(hook)
"""
"""Sends the process a signal of its own when it is about to do something to a file."""
PUBLISHING = {
    "the first results": ("open", ".hangup-new/data", False),
    "the tables": ("open", ".hangup-new/.MATRIX.md", False),
    "the moment of publication": ("os.rename", ".hangup-published", True),
    "the last table": ("os.rename", "out/matrix.csv", True),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("point", PUBLISHING)
def test_after_a_signal_while_it_publishes(sources: Path, tmp_path: Path, point: str, number: signal.Signals) -> None:
    """All is published, or nothing, and what the user is told is true."""
    require_capture("netns")
    event, words, done = PUBLISHING[point]
    site = SIGNALLED.format(event=event, words=words, number=int(number))
    with running(sources, tmp_path, ["--lab", "netns", *SHORT], site=site) as run:
        status, output = run.wait(120.0)
        told = f"hangup: interrupted; published: {run.out}" if done else INTERRUPTED
        assert (status, output.splitlines()[-1]) == (130, told)
        names = {path.name for path in published(run)}
        tables = {"README.md", "MATRIX.md", "SCENARIOS.md", "matrix.csv", "lookup.json"}
        assert tables | {"socket.json"} <= names if done else names == set()
        assert list(run.temporary.iterdir()) == []


def test_after_success(lab_name: LabName, sources: Path, tmp_path: Path) -> None:
    with running(sources, tmp_path, ["--lab", lab_name, *SHORT]) as run:
        status, output = run.wait()
        assert status == 0, output
        assert_nothing_is_left(run, set())
        assert run.out / "data" / lab_name / "python" / "socket.json" in published(run)
