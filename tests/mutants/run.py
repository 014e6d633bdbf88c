"""Makes each small change of mutants.toml in a copy of the tree, and looks whether its tests notice.

A change that no test notices survives: the tests prove less than they seem to. Exit status: 0 as the list says, 1 a
change survives without a reason, has a reason and does not survive, or no longer fits its file; 2 nothing was tried.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.toml")
COPIED = ("harness", "server", "clients", "tests", "results", "pyproject.toml")
AT_A_TIME = 2
SECONDS = 300
"""A change that makes its tests run longer than this is a bad one: it would cost everybody's time."""
_SURVIVED, _KILLED = 0, 1
"""pytest's exit statuses."""


class ListError(Exception):
    """The list, or what was asked for, is wrong."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change: ``old`` text, found once in ``file`` or for the ``nth`` time, becomes ``new``."""

    id: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """What pytest is to run: files, or tests in them."""
    nth: int | None = None
    survives: str | None = None
    """Why no test can notice it."""

    def apply(self, text: str) -> str | None:
        """The changed text; None if the old one does not stand in it as it should."""
        count = text.count(self.old)
        if count != 1 if self.nth is None else count < self.nth:
            return None
        at = -1
        for _ in range(self.nth or 1):
            at = text.index(self.old, at + 1)
        return text[:at] + self.new + text[at + len(self.old) :]


def load(path: Path = LIST) -> list[Mutant]:
    """The list. Raises ListError that names the entry."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ListError(f"{path}: {error}") from None
    mutants: dict[str, Mutant] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.get("id", f"entry {number}")
        try:
            mutant = Mutant(**(entry | {"tests": tuple(entry.get("tests", ()))}))
        except TypeError as error:  # a key is missing, or there is none of that name
            raise ListError(f"{path}: {name}: {str(error).partition(') ')[2]}") from None
        if name in mutants:
            raise ListError(f"{path}: {name}: there are two of them")
        if not mutant.tests or mutant.old == mutant.new or mutant.survives == "":
            raise ListError(f"{path}: {name}: it needs tests, a change, and words where it says why it survives")
        mutants[name] = mutant
    return list(mutants.values())


class Copy:
    """A copy of the tree, in which one change at a time is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(folder / name) for name in ("harness", "server")),
        }

    def fill(self, source: Path) -> None:
        for name in COPIED:
            if (source / name).is_dir():
                ignore = shutil.ignore_patterns("node_modules", "target", ".*_cache")
                shutil.copytree(source / name, self._folder / name, ignore=ignore)
            else:
                shutil.copy2(source / name, self._folder / name)

    def check(self, tests: Iterable[str]) -> None:
        """Raises ListError if the copy's own package is not the one that is tested, or the tests fail as it is."""
        command = [sys.executable, "-c", "import hangup; print(hangup.__file__)"]
        found = subprocess.run(
            command, cwd=self._folder, env=self._environment, check=True, capture_output=True, text=True
        ).stdout
        if not found.startswith(str(self._folder)):
            raise ListError(f"the tests would import {found.strip()}, and not the copy in {self._folder}")
        status, output = self.pytest(tests, keep_bytecode=True)
        if status != 0:
            raise ListError(f"the tests fail without any change (pytest's exit status {status}):\n{output}")

    def pytest(self, tests: Iterable[str], *, keep_bytecode: bool = False) -> tuple[int, str]:
        """Its exit status and output."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        environment = self._environment | ({} if keep_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"})
        if keep_bytecode:
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [*command, *tests], cwd=self._folder, env=environment, check=False, timeout=SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout

    def judge(self, mutant: Mutant) -> tuple[bool, str]:
        """Make the change, run its tests, undo it. Whether all is as the list says, and what came of it."""
        path = self._folder / mutant.file
        before = path.read_bytes() if path.is_file() else b""
        changed = mutant.apply(before.decode())
        if changed is None:
            return False, f"stale: {mutant.file} does not have its old text, or not once; mend the entry"
        # the interpreter takes bytecode of the same second and size for current
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(changed, encoding="utf-8")
        try:
            status, output = self.pytest(mutant.tests)
        except subprocess.TimeoutExpired:
            return False, f"its tests did not end within {SECONDS} s; choose another change"
        finally:
            path.write_bytes(before)
        return verdict(mutant, status, output)


def verdict(mutant: Mutant, status: int, output: str) -> tuple[bool, str]:
    """Whether what pytest gave is as the list says, in words."""
    if status == _SURVIVED:
        if mutant.survives is not None:
            return True, f"survives: {mutant.survives}"
        return False, "SURVIVES: no test notices it"
    if status != _KILLED:
        return False, f"its tests could not be run (pytest's exit status {status}):\n{output}"
    noticed = re.search(r"^FAILED (.*?)(?: - .*)?$", output, re.MULTILINE)
    by = noticed[1] if noticed else "?"
    if mutant.survives is not None:
        return False, f"is killed by {by}, and the list has a reason why it survives; take the reason out"
    return True, f"killed by {by}"


def judge_all(mutants: Sequence[Mutant], copies: Sequence[Copy]) -> int:
    """Try each; how many are not as the list says."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    wrong: list[str] = []

    def work(copy: Copy) -> None:
        while not waiting.empty():
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            fine, words = copy.judge(mutant)
            print(f"{mutant.id}: {words}", flush=True)
            if not fine:
                wrong.append(mutant.id)

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in sorted(wrong):
        print(f"not as the list says: {name}")
    return len(wrong)


def chosen(mutants: Sequence[Mutant], globs: Collection[str]) -> list[Mutant]:
    """Those whose id fits one of the globs, or all. Raises ListError for a glob that fits none."""
    for glob in globs:
        if not any(fnmatchcase(mutant.id, glob) for mutant in mutants):
            raise ListError(f"no mutant's id fits {glob!r}; they are in {LIST}")
    return [mutant for mutant in mutants if not globs or any(fnmatchcase(mutant.id, glob) for glob in globs)]


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("globs", nargs="*", metavar="ID", help="only these; a glob may name several")
    try:
        mutants = chosen(load(), parser.parse_args().globs)
        with tempfile.TemporaryDirectory(prefix="hangup-mutants-") as root:
            first, *others = (Path(root, str(number)) for number in range(AT_A_TIME))
            first.mkdir()
            copy = Copy(first)
            copy.fill(ROOT)
            copy.check(sorted({test for mutant in mutants for test in mutant.tests}))
            for folder in others:
                folder.mkdir()
                Copy(folder).fill(first)
            wrong = judge_all(mutants, [copy, *map(Copy, others)])
    except ListError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    print(f"{len(mutants)} mutants, {wrong} not as the list says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
