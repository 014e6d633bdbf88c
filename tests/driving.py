"""What tests need to drive the real harness: a whole run in one call, and the processes that a run may leave behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hangup import paths
from hangup.agents.manifest import Manifest
from hangup.catalogue import Scenario
from hangup.conduct.run import Progress, RunResult, build_agents, furnish, run_matrix
from hangup.conduct.rundir import RunFolder
from hangup.labs import Lab, LabName, open_lab, probe
from hangup.store.model import Cell

NOBODY = 65534
"""An ordinary user, and its group."""
LABS: tuple[LabName, ...] = ("netns", "loopback")
"""Those that need nothing but this machine."""


@cache
def refused(name: LabName) -> str | None:
    """Why the lab cannot be opened here."""
    return asyncio.run(probe(name))


def require_lab(name: LabName) -> None:
    """Skip the test, by name and with the lab's own reason, where the lab cannot be opened here."""
    if refused(name) is not None:
        pytest.skip(f"lab {name}: {refused(name)}")


def require_ordinary_user() -> None:
    """Skip the test, by name, where root runs it and an ordinary user may not start the interpreter that root has."""
    command = [sys.executable, "-c", "import pydantic"]
    try:
        tried = subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False)
    except PermissionError:
        tried = None
    if tried is None or tried.returncode != 0:
        pytest.skip(f"an ordinary user: cannot use the interpreter {sys.executable}")


def first_lab() -> LabName:
    """The first that can be opened here; or any, which then says why it cannot."""
    return next((name for name in LABS if refused(name) is None), LABS[0])


def require_capture(name: LabName) -> None:
    """Skip the test where the lab cannot capture here, and so publishes nothing."""

    async def captures() -> bool:
        async with open_lab(name) as lab:
            return lab.capture is not None

    require_lab(name)
    if not asyncio.run(captures()):
        pytest.skip(f"lab {name}: cannot capture here")


class Notes(Progress):
    """A run's progress: what it had to say, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def about(self, word: str) -> list[str]:
        """The notes in which the word occurs."""
        return [line for line in self.lines if word in line]


@dataclass
class Driven:
    """A run that is over."""

    result: RunResult
    notes: Notes
    cells: dict[tuple[str, str], Cell]
    """By client and scenario."""
    folder: Path
    """Its capture and raw trials."""


async def drive(
    lab: LabName | Lab,
    manifests: Mapping[str, Manifest],
    scenarios: Mapping[str, Scenario],
    root: Path,
    *,
    clients: Sequence[str] | None = None,
    trials: int = 1,
    jobs: int = 16,
) -> Driven:
    """Build, run, and close the run's folder below ``root``. ``clients``: all of the manifests' where absent."""
    if isinstance(lab, str):
        async with open_lab(lab) as opened:
            return await drive(opened, manifests, scenarios, root, clients=clients, trials=trials, jobs=jobs)
    notes = Notes()
    await furnish(lab, scenarios, notes)
    builds, _skipped = await build_agents(lab, manifests, notes)
    chosen = clients or [name for manifest in manifests.values() for name in manifest.clients]
    folder = RunFolder.create(root)
    try:
        result = await run_matrix(
            lab, builds, chosen, scenarios, trials=trials, jobs=jobs, folder=folder, progress=notes
        )
    finally:
        folder.close()
    cells = {(cell.client, cell.scenario): recorder.cell() for cell, recorder in result.cells.items()}
    return Driven(result, notes, cells, folder.path)


def copy_checkout(folder: Path) -> None:
    """Copy what a checkout needs to run."""
    root = paths.checkout()
    assert root is not None
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", "target", ".*_cache")
    for name in ("harness", "server", "clients"):
        shutil.copytree(root / name, folder / name, ignore=ignore)
    shutil.copy(root / "pyproject.toml", folder)


def until(condition: Callable[[], object], patience: float = 30.0) -> None:
    """Wait for something that can be observed."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def processes_with(marker: str) -> Iterator[int]:
    """The processes, of whatever namespace, in whose command line or environment the marker stands; not this one."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            known = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
        if marker.encode() in known:
            yield int(entry.name)
