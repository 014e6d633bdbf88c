"""Building agents, once: a build is cached by the content of its sources and the version of its runtime.

A build happens in a staging folder that is renamed into the cache when it is whole, so that a build that was cut short
is never taken for one, and two runs that build at the same time do not disturb each other.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hangup import paths
from hangup.agents.manifest import Manifest
from hangup.errors import BuildError

_IGNORED = shutil.ignore_patterns("__pycache__", "node_modules", "target", "site", "*.pyc", ".*", "Dockerfile")
_ABANDONED_SECONDS = 6 * 3600
_KEEP_BUILDS = 3
"""Builds kept of a language, the ones last used."""


@dataclass(frozen=True)
class BaseImage:
    """What an agent's container image was made from."""

    name: str
    """With its digest: ``node:20-bookworm-slim@sha256:…``."""
    origin: Literal["pulled", "made locally"]


@dataclass(frozen=True, kw_only=True)
class Build:
    """An agent that is ready to start."""

    manifest: Manifest
    folder: Path
    """Where it lies: on this machine, or in its image."""
    runtime: str
    """What the runtime's version command printed, its first line; of an image, its name."""
    python: str = sys.executable
    """The interpreter that runs it, where it is a Python program."""
    base: BaseImage | None = None
    """None where it runs on this machine's own toolchain."""

    @property
    def argv(self) -> list[str]:
        """The command that starts it; its program, where relative, lies in ``folder``."""
        argv = _fill(self.manifest.run, self.python)
        return [str(self.folder / argv[0]), *argv[1:]] if argv[0].startswith("./") else argv


async def runtime_version(manifest: Manifest) -> str:
    """The first line that the runtime's version command prints.

    Raises BuildError where the runtime or a program the build needs is missing, or the runtime is too old.
    """
    command = _fill(manifest.version)
    for program in (command[0], *manifest.requires):
        if shutil.which(program) is None:
            raise BuildError(f"`{program}` is not installed", manifest.remedy)
    status, output = await _run(command, manifest.folder, os.environ.copy())
    if status != 0:
        raise BuildError(f"`{' '.join(manifest.version)}` failed with status {status}", manifest.remedy)
    line = output.strip().partition("\n")[0].strip()
    found = re.search(r"\d+(\.\d+)*", line)
    if found is None or _numbers(found[0]) < _numbers(manifest.minimum):
        raise BuildError(f"{manifest.title} {manifest.minimum} or newer is needed, found {line!r}", manifest.remedy)
    return line


async def ensure_built(manifest: Manifest, building: Callable[[str], None] = lambda title: None) -> Build:
    """The agent's build, from the cache or made now, which ``building`` is told.

    Raises BuildError with the failing step's last lines.
    """
    runtime = await runtime_version(manifest)
    root = paths.cache() / "agents"
    folder = root / f"{manifest.language}-{_digest(manifest, runtime)}"
    missing = not folder.is_dir()
    if missing:
        building(manifest.title)
        await _build(manifest, folder)
    with suppress(OSError):  # somebody else's cache
        os.utime(folder)
    if missing:
        _prune(root, manifest.language)  # now that this one counts as used last: its copy is as old as its sources
    return Build(manifest=manifest, folder=folder, runtime=runtime)


async def _build(manifest: Manifest, folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BuildError(f"{folder.parent}: {error.strerror}", "set XDG_CACHE_HOME to a writable folder") from None
    try:
        shutil.copytree(manifest.folder, staging, ignore=_IGNORED, dirs_exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            await _make(manifest, staging, scratch)
        staging.chmod(0o755)
        try:
            staging.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run built the same meanwhile
                raise
    except OSError as error:
        raise BuildError(
            f"{error.filename or folder}: {error.strerror or error}", "free some space or set XDG_CACHE_HOME"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


async def _make(manifest: Manifest, staging: Path, scratch: str) -> None:
    """The manifest's steps. The temporary files that a killed tool leaves behind lie in ``scratch``."""
    env = {**os.environ, **manifest.env, "TMPDIR": scratch, "TMP": scratch, "TEMP": scratch}
    for command in manifest.build:
        status, output = await _run(_fill(command), staging, env)
        if status != 0:
            tail = "\n    ".join(output.strip().splitlines()[-8:])
            failed = f"building the {manifest.title} agent failed: `{' '.join(command)}` gave status {status}"
            raise BuildError(f"{failed}:\n    {tail}\n  ", "put that right and run again")


def _digest(manifest: Manifest, runtime: str) -> str:
    """Of every source file's name and content, the runtime, and the interpreter where the build uses it."""
    digest = hashlib.sha256(runtime.encode())
    if any("{python}" in word for command in (*manifest.build, manifest.run) for word in command):
        digest.update(sys.executable.encode())
    for path in sorted(manifest.folder.rglob("*")):
        relative = path.relative_to(manifest.folder)
        parts = [str(part) for part in relative.parts]
        if path.is_file() and not any(_IGNORED("", [part]) for part in parts):
            digest.update(b"\0" + relative.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _prune(root: Path, language: str) -> None:
    """Remove all builds of a language but those last used, and staging folders that a killed build left behind."""
    for path in root.glob(f".{language}-*"):
        if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    builds = sorted(root.glob(f"{language}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[_KEEP_BUILDS:]:
        shutil.rmtree(path, ignore_errors=True)


def _fill(command: Sequence[str], python: str = sys.executable) -> list[str]:
    return [python if word == "{python}" else word for word in command]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


async def _run(command: Sequence[str], cwd: Path, env: dict[str, str]) -> tuple[int, str]:
    """Run to the end; its status and what it printed. A cancelled build leaves no process behind."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        if sys.platform == "win32":
            process.kill()
        else:
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, signal.SIGKILL)  # compilers are children of its children
        await process.wait()
        raise
    return process.returncode or 0, output.decode("utf-8", "replace")
