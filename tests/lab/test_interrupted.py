"""SIGINT and SIGTERM end a run for certain: on a busy machine, when parts of the lab answer no more, and when they come
again and again. How long that takes is not measured: only what never ends is told from what does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from driving import require_capture
from hangup_process import Running, copy_of_the_sources, everybody, network_namespaces, running

pytestmark = pytest.mark.lab

NEVER = 120.0
"""Seconds after which a run that does not end never will."""
INTERRUPTED = "hangup: interrupted; nothing was published"
PINGED = ["--lab", "netns", "--client", "python/*", "--scenario", "reuse-after-*", "--trials", "1000", "--jobs", "64"]
"""A run of hours, in whose trials an agent is pinged nearly all the time."""
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_capture("netns")
    return copy_of_the_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def run(sources: Path, tmp_path: Path) -> Iterator[Running]:
    """One that plays trials, and later has left nothing."""
    with running(sources, tmp_path, PINGED) as run:
        run.until(run.in_a_trial)
        namespaces = network_namespaces(run.children())
        assert namespaces
        yield run
        assert run.children() == set()
        assert network_namespaces(everybody()) & namespaces == set()
        assert list(run.temporary.iterdir()) == []
        assert [path for path in run.out.rglob("*") if path.is_file()] == []


@contextmanager
def load() -> Iterator[None]:
    """A machine that has ten times as much to do as it can."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(10 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def assert_interrupted(run: Running) -> None:
    status, output = run.wait(NEVER)
    assert (status, output.splitlines()[-1]) == (130, INTERRUPTED)
    assert "Traceback" not in output


def peer(run: Running) -> int:
    """The first of the peer's processes: it has others made."""
    return min(run.processes("-m hangup_server"))


def keeper(run: Running) -> int:
    """It stands behind ``unshare``, whose command line holds its own."""
    return max(run.processes("-m hangup.labs.keeper"))


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("attempt", range(3))
def test_of_a_harness_that_was_not_scheduled(run: Running, number: signal.Signals, attempt: int) -> None:
    """Answers and the signal are all there when it goes on: a cancellation comes beside what was waited for."""
    os.kill(run.process.pid, signal.SIGSTOP)
    time.sleep(0.3 + attempt / 10)  # the agents answer meanwhile
    os.kill(run.process.pid, number)
    os.kill(run.process.pid, signal.SIGCONT)
    assert_interrupted(run)


@pytest.mark.parametrize("number", SIGNALS)
def test_on_a_busy_machine(run: Running, number: signal.Signals) -> None:
    with load():
        time.sleep(1.0)
        run.signal(number)
        assert_interrupted(run)


@pytest.mark.parametrize("part", [peer, keeper])
def test_where_a_part_of_the_lab_answers_no_more(run: Running, part: Callable[[Running], int]) -> None:
    os.kill(part(run), signal.SIGSTOP)
    run.signal(signal.SIGTERM)
    assert_interrupted(run)


def test_which_come_again_during_the_clean_up(run: Running) -> None:
    """Also where that takes its time, because the peer answers no more."""
    os.kill(peer(run), signal.SIGSTOP)
    for number in SIGNALS * 20:
        if run.process.poll() is None:
            run.signal(number)
            time.sleep(0.02)
    assert_interrupted(run)


def test_a_named_pipe_that_was_planted_holds_nobody_up(sources: Path, tmp_path: Path) -> None:
    arguments = ["--lab", "netns", "--client", "python/socket", "--scenario", "normal", "--trials", "1"]
    (tmp_path / "tmp").mkdir()
    os.mkfifo(tmp_path / "tmp" / "hangup-certificates-planted")
    with running(sources, tmp_path, arguments) as run:
        status, output = run.wait(NEVER)
        assert status == 0, output
        assert [path.name for path in run.temporary.iterdir()] == ["hangup-certificates-planted"]
