"""The kernel's own reason for each RST, from real trials; skipped, by name, where the kernel cannot be asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from driving import Driven, require_lab
from hangup_process import copy_of_the_sources, running
from whole_run import CATALOGUE, require_client

from hangup import paths
from hangup.cli import play, run, show
from hangup.cli.report import KERNEL
from hangup.conduct.rundir import raw_trials
from hangup.kernel import KernelUnreadable, ResetTrace, trace
from hangup.reasons import unsent
from hangup.store import load_kernel

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True, scope="session")  # so that it comes before the run that most tests look at
def _readable() -> None:
    try:
        ResetTrace().close()
    except KernelUnreadable as why:
        pytest.skip(f"the kernel's reasons: {why}")


EXPECTED = {
    # of the peer's kernel, on the trial's connections in their order
    "rst-before-response": ["TCP_STATE"],
    "rst-unread-request": ["TCP_ABORT_ON_CLOSE"],
    "rst-partly-read-request": ["TCP_ABORT_ON_CLOSE"],
    "server-killed-unread": ["TCP_ABORT_ON_CLOSE"],
    "write-after-fin": ["TCP_TIMEWAIT_SOCKET"],
    "refused": ["NO_SOCKET"],
    "server-killed-idle": [],
    "normal": [],
}


@pytest.mark.parametrize("scenario", EXPECTED)
def test_why_the_peer_s_kernel_sent_rst(whole: Driven, scenario: str) -> None:
    require_client(whole, "python/socket")
    if not whole.result.proved:
        pytest.skip(f"lab {whole.result.lab}: cannot capture here")
    trials = [t for t in raw_trials(whole.folder) if (t.client, t.scenario) == ("python/socket", scenario)]
    assert trials
    for trial in trials:
        assert trial.kernel is not None
        assert [told.reason for told in trial.kernel if told.by == "peer"] == EXPECTED[scenario]


def test_every_rst_is_told_of_where_the_network_sends_none_itself(whole: Driven) -> None:
    """A firewall's and a forged one are no kernel's, so that there the kernel's silence is right."""
    forged = {name for name, scenario in CATALOGUE.items() if any(step.actor == "network" for step in scenario.flat)}
    for trial in raw_trials(whole.folder):
        if trial.kernel is not None and trial.scenario not in forged:
            assert unsent(trial.kernel, trial.evidence) == [], trial.name


def test_play_tells_of_it() -> None:
    require_lab("netns")
    command = ["rst-unread-request", "--client", "python/socket", "--lab", "netns"]
    played = CliRunner().invoke(play.command, command, standalone_mode=False)
    assert "the peer's RST: TCP_ABORT_ON_CLOSE, the socket was closed with received data unread" in " ".join(
        played.stdout.partition(KERNEL)[2].split()
    )
    told = json.loads(CliRunner().invoke(play.command, [*command, "--json"], standalone_mode=False).stdout)["kernel"]
    assert [(reset["by"], reset["connection"], reset["reason"]) for reset in told] == [
        ("peer", 1, "TCP_ABORT_ON_CLOSE")
    ]


def test_a_run_publishes_what_it_learnt_and_show_tells_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_lab("netns")
    monkeypatch.setattr(paths, "runs", lambda: tmp_path / "runs")
    out = str(tmp_path / "results")
    chosen = ["--client", "python/socket", "--scenario", "refused", "--scenario", "normal", "--trials", "2"]
    made = CliRunner().invoke(run.command, ["--lab", "netns", *chosen, "--out", out])
    assert made.exit_code == 0, made.output
    (file,) = load_kernel(Path(out)).values()
    assert {name: (reset.by, reset.reasons) for name, reset in file.scenarios.items()} == {
        "refused": ("peer", ("NO_SOCKET",))
    }
    for arguments in (["refused"], ["python/socket", "refused"]):
        shown = CliRunner().invoke(show.command, [*arguments, "--results", out], standalone_mode=False)
        assert "NO_SOCKET, no socket was there for the segment" in " ".join(shown.stdout.split())


@pytest.fixture
def instances() -> Path:
    return next(mount for mount in trace.MOUNTS if (mount / "instances").is_dir()) / "instances"


@pytest.fixture
def foreign(instances: Path) -> Iterator[Path]:
    """Somebody else's instance."""
    path = instances / f"not-hangup-{os.getpid()}-1"
    path.mkdir()
    yield path
    path.rmdir()


def test_what_a_killed_run_left_is_removed_by_the_next_one_and_nothing_else(instances: Path, foreign: Path) -> None:
    begin = (
        "import os, signal; from hangup.kernel import ResetTrace; ResetTrace(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.Popen([sys.executable, "-c", begin], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    killed.wait()
    left = instances / f"hangup-{killed.pid}-1"
    assert left.is_dir()
    alive = ResetTrace()
    try:
        assert not left.exists()
        another = ResetTrace()
        assert len(list(instances.glob(f"hangup-{os.getpid()}-*"))) == 2
        another.close()
        assert foreign.is_dir()
    finally:
        alive.close()
    assert list(instances.glob(f"hangup-{os.getpid()}-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_no_instance(instances: Path, tmp_path: Path, number: signal.Signals) -> None:
    endless = ["--lab", "loopback", "--client", "python/socket", "--scenario", "silence-before-response"]
    with running(copy_of_the_sources(tmp_path / "sources"), tmp_path, endless) as ended:
        ours = f"hangup-{ended.process.pid}-*"
        ended.until(lambda: ended.in_a_trial() and list(instances.glob(ours)))
        ended.signal(number)
        status, _output = ended.wait()
        assert (status, list(instances.glob(ours))) == (130, [])
