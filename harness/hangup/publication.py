"""A results folder is changed whole, or not at all: no reader finds a mixture of the old files and the new.

1. ``Publication`` copies the folder's results into ``.hangup-new`` within it; its caller changes the copy.
2. Renaming that to ``.hangup-published`` is the moment of publication.
3. ``finish`` moves the files to their places, one by one. A process that is killed meanwhile leaves the rest in
   ``.hangup-published``, and whoever reads or changes the folder next moves it first.

A lock on the folder keeps those apart who change it; the kernel lets go of it when its holder dies. What else lies in
the folder is left alone. Nothing here knows what a results file holds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hangup.errors import StoreError

if sys.platform != "win32":
    import fcntl

NEW, PUBLISHED = ".hangup-new", ".hangup-published"
_GONE = ".gone.json"
"""The files that the publication removes."""
_RESULTS = ("data/*/*.json", "data/*/*/*.json", "drawings/*/*/*.json")
"""What is copied: pages beside these are made from them."""


class Publication:
    """``folder`` is the copy to change; ``commit`` publishes it. Without that, nothing has happened."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.folder = self._root / NEW
        self._copied: list[str] = []
        self._lock = _locked(self._root)

    def __enter__(self) -> Self:
        self._lock.__enter__()
        try:
            with _told(self._root):
                _finish(self._root)
                shutil.rmtree(self.folder, ignore_errors=True)  # of one that was killed
                self._copy()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.__exit__(kind, error, traceback)

    def _copy(self) -> None:
        self.folder.mkdir()
        for pattern in _RESULTS:
            for path in self._root.glob(pattern):
                name = path.relative_to(self._root)
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.folder / name)
                self._copied.append(str(name))

    def commit(self) -> None:
        """Publish the copy. A file that is as it was is not touched. Raises StoreError where that cannot be done."""
        with _told(self._root):
            for path in _files(self.folder):
                target = self._root / path.relative_to(self.folder)
                if target.exists() and not target.is_file():
                    raise StoreError(f"{target}: is not a file; remove it")
            gone = [name for name in self._copied if not (self.folder / name).exists()]
            (self.folder / _GONE).write_text(json.dumps(gone), encoding="utf-8")
            self.folder.rename(self._root / PUBLISHED)
            _finish(self._root)


def finish(root: Path) -> None:
    """Complete a publication whose process was killed. Raises StoreError where it cannot be completed by this user."""
    if (root / PUBLISHED).is_dir():
        with _told(root), _locked(root.resolve()):
            _finish(root.resolve())


def _finish(root: Path) -> None:
    """Idempotent: it may be killed, and begun again, at any point."""
    published = root / PUBLISHED
    if not published.is_dir():
        return
    for path in _files(published):
        if path.name != _GONE:
            _move(path, (root / path.relative_to(published)).resolve())
    if (published / _GONE).exists():
        for name in json.loads((published / _GONE).read_text(encoding="utf-8")):
            (root / name).unlink(missing_ok=True)
    shutil.rmtree(published)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _move(path: Path, target: Path) -> None:
    """A link's file is replaced, not the link; it may lie on another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.read_bytes() == path.read_bytes():
        path.unlink()
    elif path.stat().st_dev == target.parent.stat().st_dev:
        path.replace(target)
    else:
        beside = target.with_name(f".{target.name}.hangup")
        shutil.copyfile(path, beside)
        beside.replace(target)
        path.unlink()


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Waits for whoever changes the folder."""
    if sys.platform == "win32":
        yield
        return
    with _told(root):
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _told(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        left = ""
        if (root / PUBLISHED).exists():
            left = "; a publication there is not complete yet: put that right, and the next command completes it"
        raise StoreError(f"{error.filename or root}: cannot be written: {error.strerror}{left}") from None
