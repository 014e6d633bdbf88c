"""Folders of ours in the folder for temporary files, which everybody may write to: anything may be planted there.

What is not a folder of this user's is never opened. A folder is held by a lock, which the kernel lets go of when the
process that holds it ends, by whatever death.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hangup.errors import LabError

if sys.platform != "win32":
    import fcntl


def make_folder(prefix: str) -> Path:
    """A new one that only this user may enter. Raises LabError where none can be made."""
    try:
        return Path(tempfile.mkdtemp(prefix=prefix))
    except OSError as error:
        raise LabError(
            f"no temporary folder can be made: {error.strerror}; set TMPDIR to a folder that can be written"
        ) from None


def our_folders(prefix: str, root: Path | None = None) -> Iterator[Path]:
    """All whose names begin so and that are this user's, in ``root`` or where ``make_folder`` makes them."""
    with suppress(OSError):  # there is no such root: then there are none
        for path in (root or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
            with suppress(OSError):  # it was removed meanwhile
                if _ours(path.lstat()):
                    yield path


def locked(folder: Path) -> int | None:
    """Holds the folder until the descriptor is closed; None where another process holds it, or it is not ours."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with suppress(BlockingIOError):
        if _ours(os.fstat(descriptor)):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    os.close(descriptor)
    return None


def _ours(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
