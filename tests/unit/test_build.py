"""Building agents: once for each content and runtime, whole or not at all, and a failure that says what failed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from driving import processes_with, until

from hangup.agents.build import ensure_built
from hangup.agents.manifest import Manifest, load_manifest
from hangup.errors import BuildError

COUNT = "from pathlib import Path; Path('made').write_text('whole')"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own: the folder that builds end up in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hangup" / "agents"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "clients" / "basic"
    folder.mkdir(parents=True)
    (folder / "agent.bas").write_text("10 END\n")
    return folder


def manifest(folder: Path, **changed: Any) -> Manifest:
    keys = {
        "language": "basic", "title": "BASIC", "version": ["{python}", "-c", "print('BASIC 2.0')"], "minimum": "2.0",
        "remedy": "install BASIC from example.org", "build": [["{python}", "-c", COUNT]], "run": ["./run", "agent.bas"],
    } | changed  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    client = '[clients."basic/socket"]\nlayer = "stream"\nfile = "agent.bas"\ndocs = "https://example.org/"\n'
    (folder / "client.toml").write_text("\n".join([*lines, client]))
    return load_manifest(folder)


def test_a_build_holds_the_sources_and_what_was_made_of_them(folder: Path, cache: Path) -> None:
    build = asyncio.run(ensure_built(manifest(folder)))
    assert build.folder.parent == cache
    assert (build.folder / "agent.bas").read_text() == "10 END\n"
    assert (build.folder / "made").read_text() == "whole"
    assert build.runtime == "BASIC 2.0"
    assert build.argv == [str(build.folder / "run"), "agent.bas"]
    assert not (folder / "made").exists(), "nothing is made among the sources"


def test_the_interpreter_that_runs_hangup_stands_for_python(folder: Path) -> None:
    build = asyncio.run(ensure_built(manifest(folder, run=["{python}", "agent.bas"])))
    assert build.argv == [sys.executable, "agent.bas"]


def test_the_same_content_is_built_once(folder: Path) -> None:
    told: list[str] = []
    first = asyncio.run(ensure_built(manifest(folder), told.append))
    again = asyncio.run(ensure_built(manifest(folder), told.append))
    assert again.folder == first.folder
    assert told == ["BASIC"]


def test_what_no_build_reads_makes_no_other_build(folder: Path) -> None:
    first = asyncio.run(ensure_built(manifest(folder)))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "agent.pyc").write_bytes(b"\0")
    (folder / ".agent.bas.swp").write_text("10 EN")
    assert asyncio.run(ensure_built(manifest(folder))).folder == first.folder


CHANGES = {
    "content": lambda folder: (folder / "agent.bas").write_text("10 GOTO 10\n"),
    "another file": lambda folder: (folder / "help.bas").write_text(""),
    "a file's name": lambda folder: (
        (folder / "client.toml").write_text((folder / "client.toml").read_text().replace("agent.bas", "main.bas")),
        (folder / "agent.bas").rename(folder / "main.bas"),
    ),
    "the runtime": lambda folder: manifest(folder, version=["{python}", "-c", "print('BASIC 2.1')"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_makes_another_build(folder: Path, change: Any) -> None:
    first = asyncio.run(ensure_built(manifest(folder)))
    change(folder)
    assert asyncio.run(ensure_built(load_manifest(folder))).folder != first.folder
    assert first.folder.is_dir(), "the one before may still run"


def test_only_the_builds_last_used_are_kept(folder: Path, cache: Path) -> None:
    builds = []
    for version in range(5):
        (folder / "agent.bas").write_text(f"10 PRINT {version}\n")
        builds.append(asyncio.run(ensure_built(manifest(folder))).folder)
        os.utime(builds[-1], (version, version))
    assert sorted(cache.iterdir()) == sorted(builds[-3:])


def test_a_build_just_made_is_kept_however_old_its_sources_are(folder: Path) -> None:
    for version in range(4):
        (folder / "agent.bas").write_text(f"10 PRINT {version}\n")
        basic = manifest(folder, build=[])
        os.utime(folder, (0, 0))
        assert asyncio.run(ensure_built(basic)).folder.is_dir()


FAILING = {
    "a failing step": (
        {"build": [["{python}", "-c", COUNT], ["{python}", "-c", "print('x' * 9); exit('no room for BASIC')"]]},
        r"(?s)building the BASIC agent failed.*status 1.*no room for BASIC",
    ),
    "a step that is missing": ({"build": [["no-such-compiler"]]}, "no-such-compiler"),
    "a missing runtime": ({"version": ["no-such-basic", "-v"]}, "`no-such-basic` is not installed; install BASIC"),
    "a missing program": ({"requires": ["no-such-linker"]}, "`no-such-linker` is not installed; install BASIC"),
    "a runtime that fails": (
        {"version": ["{python}", "-c", "exit(4)"]}, "failed with status 4; install BASIC",
    ),
    "an old runtime": (
        {"version": ["{python}", "-c", "print('BASIC 1.10')"]}, "BASIC 2.0 or newer is needed, found 'BASIC 1.10'",
    ),
    "a runtime of no version": (
        {"version": ["{python}", "-c", "print('BASIC')"]}, "BASIC 2.0 or newer is needed, found 'BASIC'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "complaint"), FAILING.values(), ids=FAILING)
def test_a_failure_says_what_failed_and_leaves_nothing(
    folder: Path, cache: Path, changed: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BuildError, match=complaint):
        asyncio.run(ensure_built(manifest(folder, **changed)))
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_long_failure_is_cut_to_its_last_lines(folder: Path) -> None:
    program = "[print('line', n) for n in range(100)]; exit(1)"
    with pytest.raises(BuildError) as caught:
        asyncio.run(ensure_built(manifest(folder, build=[["{python}", "-c", program]])))
    assert "line 99" in str(caught.value)
    assert "line 91" not in str(caught.value)


def test_versions_are_compared_as_numbers(folder: Path) -> None:
    asyncio.run(ensure_built(manifest(folder, version=["{python}", "-c", "print('BASIC 10.0')"])))


def test_a_cache_that_cannot_be_written_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BuildError, match="Not a directory; set XDG_CACHE_HOME"):
        asyncio.run(ensure_built(manifest(folder)))


def test_a_build_that_is_cancelled_leaves_no_process_and_no_folder(
    folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the step's own, nor that of a compiler that it has started."""
    started = tmp_path / "started"
    os.mkfifo(started)
    compiler = f"import signal; open({str(started)!r}, 'w').close(); signal.pause()"
    program = (
        f"import subprocess, sys, tempfile; tempfile.mkdtemp(); subprocess.run([sys.executable, '-c', {compiler!r}])"
    )

    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    async def cancel() -> None:
        task = asyncio.create_task(ensure_built(manifest(folder, build=[["{python}", "-c", program]])))
        await asyncio.to_thread(started.read_bytes)  # the build has begun when the fifo was opened and closed
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    until(lambda: not list(processes_with(str(started))))
    assert list(cache.iterdir()) == []
    assert list(temporary.iterdir()) == []
