"""The same stacks give the same bytes: however many trials run side by side, and whoever the user is."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import NOBODY, Driven, drive, require_lab, require_ordinary_user
from hangup_process import copy_of_the_sources, running
from whole_run import MANIFESTS, QUICK

from hangup.agents.build import ensure_built

pytestmark = pytest.mark.lab

CLIENTS = ["python/socket", "python/requests"]


def as_text(run: Driven) -> dict[tuple[str, str], str]:
    return {cell: content.model_dump_json(indent=1, exclude_defaults=True) for cell, content in run.cells.items()}


@pytest.mark.parametrize("lab_name", ["netns"], indirect=True, scope="session")
def test_one_trial_at_a_time_gives_the_same_cells_as_sixteen(whole: Driven, tmp_path: Path) -> None:
    python = {"python": MANIFESTS["python"]}
    alone = as_text(asyncio.run(drive("netns", python, QUICK, tmp_path, clients=CLIENTS, jobs=1)))
    crowd = {cell: text for cell, text in as_text(whole).items() if cell[0] in CLIENTS}
    assert {cell for cell in alone if alone[cell] != crowd[cell]} == set()
    assert len(alone) == len(crowd) > len(QUICK)


@pytest.fixture
def somebody() -> Iterator[Path]:
    """A folder that belongs to an ordinary user, with a home and the agent's build in its cache."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user: not root, so this whole run is one already")
    require_ordinary_user()
    built = asyncio.run(ensure_built(MANIFESTS["python"])).folder
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_of_the_sources(folder)
        cache = folder / "home" / ".cache" / "hangup" / "agents"
        shutil.copytree(built, cache / built.name)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        probe = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--net", "true"], user=NOBODY, group=NOBODY, extra_groups=[],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if probe.returncode != 0:
            pytest.skip(f"an ordinary user: no user namespaces here: {probe.stderr.strip()}")
        yield folder


def test_an_ordinary_user_gets_the_same_file_as_root(somebody: Path, tmp_path: Path) -> None:
    require_lab("netns")
    arguments = ["--lab", "netns", "--client", "python/socket", "--scenario", "rst-*", "--scenario", "normal"]
    files = []
    for scratch, user, home in ((tmp_path, None, None), (somebody / "scratch", NOBODY, somebody / "home")):
        sources = somebody if user else copy_of_the_sources(tmp_path / "sources")
        with running(sources, scratch, [*arguments, "--trials", "2"], user=user, home=home) as run:
            status, output = run.wait()
            assert status == 0, output
            files.append((run.out / "data" / "netns" / "python" / "socket.json").read_bytes())
    assert files[0] == files[1]
