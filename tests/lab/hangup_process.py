"""`hangup run` as a user starts it: a process of its own, from a copy of the sources, with a mark on its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driving import copy_checkout, processes_with, until

from hangup.agents.build import ensure_built
from hangup.agents.manifest import load_manifest

PATIENCE = 30.0
"""Seconds after which what should have happened never will."""


def copy_of_the_sources(folder: Path) -> Path:
    """What a checkout needs to run, in a folder of its own: runs then leave their files there. The agent is built."""
    copy_checkout(folder)
    asyncio.run(ensure_built(load_manifest(folder / "clients" / "python")))
    return folder


@dataclass
class Running:
    """One `hangup run`, and how to find all that belongs to it."""

    folder: Path
    """The copy of the sources."""
    scratch: Path
    arguments: Sequence[str]
    full_disk: bool = False
    """Whether every file that it writes may hold some bytes only."""
    user: int | None = None
    home: Path | None = None
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.temporary = self.scratch / "tmp"
        self.out = self.scratch / "out"
        for folder in (self.temporary, self.out):
            folder.mkdir(parents=True, exist_ok=True)
            if self.user is not None:
                os.chown(folder, self.user, self.user)
        python_path = f"{self.folder / 'harness'}{os.pathsep}{self.folder / 'server'}"
        environment = os.environ | {
            "PATH": f"{os.environ['PATH']}{os.pathsep}/{self.mark}",  # this one variable reaches every child
            "PYTHONPATH": python_path,
            "PYTHONDONTWRITEBYTECODE": "1",  # an interpreter with a full disk leaves caches that are cut short
            "TMPDIR": str(self.temporary),
        }
        if self.home is not None:
            environment["HOME"] = str(self.home)
            environment.pop("XDG_CACHE_HOME", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hangup", "run", "--out", str(self.out), *self.arguments],
            cwd=self.scratch,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        if self.full_disk:  # before it has come to write anything
            _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (1024, hard))

    def children(self) -> set[int]:
        """Every process that bears the mark, of whatever namespace, but the run itself."""
        return {pid for pid in processes_with(self.mark) if pid != self.process.pid}

    def processes(self, words: str) -> set[int]:
        """Its children in whose command line these words stand."""
        return {pid for pid in self.children() if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")}

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that can be observed."""
        try:
            until(condition, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; the run's words: {self.words()}") from None

    def words(self) -> str:
        """End it, and give all that it printed."""
        self.process.kill()
        return self.process.communicate(timeout=PATIENCE)[0]

    def wait(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Its exit status and what it printed, when it has ended by itself."""
        try:
            output, _ = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end; its words: {self.words()}") from None
        return self.process.returncode, output

    def in_a_trial(self) -> bool:
        """Whether its agent holds an established connection."""
        return any(_connected(pid) for pid in self.children())

    def signal(self, number: signal.Signals) -> None:
        """To the whole process group, as a terminal does it."""
        os.killpg(self.process.pid, number)

    def clear(self) -> None:
        """Kill whatever is left: a test that fails leaves nothing to the next one."""
        for pid in {self.process.pid, *self.children()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()


@contextlib.contextmanager
def running(*args: object, **kwargs: object) -> Iterator[Running]:
    """A run that is cleared away whatever happens."""
    run = Running(*args, **kwargs)  # type: ignore[arg-type]
    try:
        yield run
    finally:
        run.clear()


def network_namespaces(pids: set[int]) -> set[int]:
    """The network namespaces that these processes are in, other than this one's."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{pid}/ns/net").stat().st_ino)
    return found - {Path("/proc/self/ns/net").stat().st_ino}


def everybody() -> set[int]:
    """All processes there are."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def _connected(pid: int) -> bool:
    try:
        sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False  # it has just ended
    rows = [line.split() for line in table]
    return any(row[3] == "01" and f"socket:[{row[9]}]" in sockets for row in rows)
