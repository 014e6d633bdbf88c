"""The certificates of a run: an authority of its own, and one certificate for its peer. Made anew, removed with it.

They lie in a folder that is this user's alone; the files themselves may be read by anyone, for a container's user is
somebody else to this machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_PREFIX = "hangup-certificates-"
_SECONDS = 60.0
"""The age from which a folder that nobody holds is what a run left behind: a younger one may not be locked yet."""


class Certificates:
    """Two PEM files, until ``remove``."""

    def __init__(self, *hosts: str) -> None:
        """``hosts``: the peer's addresses and names."""
        import trustme  # here, because it is slow to import

        sweep(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _lock(self._folder)
        self.ca = self._folder / "ca.pem"
        """The authority, for clients."""
        self.peer = self._folder / "peer.pem"
        """Key and chain, for the peer."""
        authority = trustme.CA(organization_name="hangup", organization_unit_name="one run")
        authority.cert_pem.write_to_path(self.ca)
        issued = authority.issue_cert(*hosts, organization_name="hangup", organization_unit_name="peer")
        issued.private_key_and_cert_chain_pem.write_to_path(self.peer)

    def remove(self) -> None:
        """Nothing is left of them."""
        if self._lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def sweep(root: Path, seconds: float = _SECONDS) -> None:
    """Removes the folders below ``root``, this old, of runs that were killed: the kernel has let go of their locks."""
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, held, or removed meanwhile
            old = time.time() - folder.stat().st_mtime > seconds
            if old and (lock := _lock(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Holds the folder until the descriptor is closed, by whatever death; None where another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
