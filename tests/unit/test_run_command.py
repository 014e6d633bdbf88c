"""What ``hangup run`` and ``hangup clean`` do without a trial: refuse, say why, and remove what is old."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hangup.conduct.run import RunResult
from hangup.conduct.rundir import RunFolder


def hangup(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command whose caches, temporary files and (in ``clean_elsewhere``) runs lie below ``folder``."""
    path = os.pathsep.join([str(folder), *(p for p in sys.path if p)])
    return subprocess.run(
        [sys.executable, "-m", "hangup", *arguments], capture_output=True, text=True, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(folder / "cache")} | environment,
    )  # fmt: skip


NOTHING = {
    "another layer": (
        ["--client", "python/requests", "--client", "go/net-http", "--scenario", "write-after-fin"],
        "go/net-http, python/requests: of the layer http, and what is to be played is for stream clients only",
    ),
    "another lab": (
        ["--lab", "loopback", "--client", "python/*", "--scenario", "connect-timeout"],
        "connect-timeout: the loopback lab has no network of its own",
    ),
    "an engine": (
        ["--client", "python/*", "--scenario", "container-killed"],
        "container-killed: the netns lab has no engine of containers",
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_run_with_nothing_to_run_says_why_and_builds_nothing(tmp_path: Path, name: str) -> None:
    arguments, reason = NOTHING[name]
    done = hangup(tmp_path, "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hangup: error: nothing can be run:\n  {reason}\n"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("lab", ["netns", "loopback"])
def test_no_folder_for_temporary_files(tmp_path: Path, lab: str) -> None:
    (tmp_path / "sitecustomize.py").write_text("import tempfile\ntempfile.tempdir = '/none'\n")
    done = hangup(tmp_path, "run", "--lab", lab, "--client", "python/socket", "--scenario", "normal")
    assert done.returncode == 2
    words = "no temporary folder can be made: No such file or directory; set TMPDIR to a folder that can be written"
    assert done.stderr == f"hangup: error: {words}\n"


@pytest.mark.parametrize("given", ["0", "-1", "few", "9" * 5000])
def test_a_number_of_runs_that_is_none(tmp_path: Path, given: str) -> None:
    done = hangup(tmp_path, "run", "--keep-runs", given)
    assert done.returncode == 2
    assert "neither `all` nor a number from 1 on" in done.stderr.replace("\n", " ")


def test_reasons_of_repeats_are_counted_by_kind() -> None:
    result = RunResult(lab="netns", proved=True, cells={}, hellos={}, skipped=[])
    for reason in (
        "the peer sent 512 bytes, not 1024",
        "the peer sent 511 bytes, not 1024; RST was sent by nobody, not by peer",
        "the connection ended SF (ShADadFf), not RSTR",
        "the connection ended SF (ShADaFf), not RSTR",
        "the connection ended S1 (ShADa), not RSTR",
    ):
        result.repeat(reason)
    assert result.repeats == {
        "the peer sent … bytes, not …": 2,
        "the connection ended SF (…), not RSTR": 2,
        "the connection ended S… (…), not RSTR": 1,
    }
    assert result.repeated == 5


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A place where runs lie in the working directory, and the docker lab's SDK is not installed."""
    (tmp_path / "docker.py").write_text("raise ImportError")
    (tmp_path / "sitecustomize.py").write_text("from hangup import paths\npaths.checkout = lambda: None\n")
    for _ in range(8):
        RunFolder.create(tmp_path / "runs").close()
    return tmp_path


def test_clean_without_docker_removes_old_runs(installed: Path) -> None:
    done = hangup(installed, "clean")
    assert done.returncode == 0, done.stderr
    first, *more = done.stdout.splitlines()
    assert first == f"{installed / 'runs'}: removed 3 older runs (0 MB); the last 5 are kept (--keep-runs)"
    assert more[-1].startswith("the docker lab was not looked at: the docker lab needs Docker's SDK for Python")
    assert len(list((installed / "runs").iterdir())) == 5


def test_clean_for_programs(installed: Path) -> None:
    told = json.loads(hangup(installed, "clean", "--keep-runs", "all", "--json").stdout)
    assert told["runs"] == []
    assert "pip install" in told["docker"]
    told = json.loads(hangup(installed, "clean", "--keep-runs", "0", "--json").stdout)
    assert len(told["runs"]) == 8
    assert list((installed / "runs").iterdir()) == []
