"""Ctrl+C while an image is made: hangup ends at once, and the engine gives the build up with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import Belongings, belongings, python_base
from driving import copy_checkout, until

if TYPE_CHECKING:
    from docker import APIClient

PATIENCE = 60.0
SLEEP = "sleep 4321"
"""A step that says nothing for longer than any test has patience."""
COMMANDS = {
    "images build": ("images", "build", "python"),
    "run": ("run", "--lab", "docker", "--client", "python/socket", "--scenario", "normal"),
    "play": ("play", "normal", "--lab", "docker", "--client", "python/socket"),
}


@pytest.fixture
def sleepy(tmp_path: Path, api: APIClient) -> Path:
    """A copy of hangup whose image for Python takes its time."""
    copy_checkout(tmp_path)
    recipe = f"ARG BASE_IMAGE={python_base(api)}\nFROM ${{BASE_IMAGE}}\nLABEL hangup.stage=build\nRUN {SLEEP}\n"
    (tmp_path / "clients" / "python" / "Dockerfile").write_text(recipe)
    return tmp_path


def _builds(api: APIClient) -> list[str]:
    """The containers in which the step runs."""
    return [found["Id"] for found in api.containers() if SLEEP in found["Command"]]


@pytest.fixture
def building(request: pytest.FixtureRequest, sleepy: Path, api: APIClient) -> Iterator[subprocess.Popen[str]]:
    """A command that is at that step."""
    packages = [str(sleepy / name) for name in ("harness", "server")] + [
        path for path in sys.path if "site-packages" in path
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "hangup", *COMMANDS[request.param]],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(packages)}, text=True, cwd=sleepy,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        until(lambda: _builds(api) or process.poll() is not None, PATIENCE)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("building", "words"),
    [
        ("images build", "hangup: interrupted"),
        ("run", "hangup: interrupted; nothing was published"),
        ("play", "hangup: interrupted; no trial was played"),
    ],
    indirect=["building"],
)
def test_nothing_is_waited_for_and_nothing_is_left(
    api: APIClient, before: Belongings, building: subprocess.Popen[str], words: str
) -> None:
    assert _builds(api), building.communicate()[0]
    building.send_signal(signal.SIGINT)
    output, _ = building.communicate(timeout=PATIENCE)
    assert building.returncode == 130, output
    assert output.splitlines()[-1] == words
    until(lambda: belongings(api) == before, PATIENCE)  # the engine hears of it when the process is gone
