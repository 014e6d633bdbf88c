"""The certificates of a run: an authority of its own, and one certificate for its peer. Made anew, removed with it.

They lie in a folder that is this user's alone; the files themselves may be read by anyone, for a container's user is
somebody else to this machine.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from hangup.errors import LabError
from hangup.labs.temporary import locked, make_folder, our_folders

_PREFIX = "hangup-certificates-"
_SECONDS = 60.0
"""The age from which a folder that nobody holds is what a run left behind: a younger one may not be locked yet."""


class Certificates:
    """Two PEM files, until ``remove``."""

    def __init__(self, *hosts: str) -> None:
        """``hosts``: the peer's addresses and names. Raises LabError where they cannot be written."""
        import trustme  # here, because it is slow to import

        sweep()
        self._folder = make_folder(_PREFIX)
        self._lock = locked(self._folder)
        self.ca = self._folder / "ca.pem"
        """The authority, for clients."""
        self.peer = self._folder / "peer.pem"
        """Key and chain, for the peer."""
        try:
            authority = trustme.CA(organization_name="hangup", organization_unit_name="one run")
            issued = authority.issue_cert(*hosts, organization_name="hangup", organization_unit_name="peer")
            authority.cert_pem.write_to_path(self.ca)
            issued.private_key_and_cert_chain_pem.write_to_path(self.peer)
        except OSError as error:
            self.remove()
            raise LabError(
                f"{self._folder}: cannot be written: {error.strerror}; free some space or set TMPDIR"
            ) from None
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Nothing is left of them."""
        if self._lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def sweep(root: Path | None = None, seconds: float = _SECONDS) -> list[Path]:
    """Removes the folders, this old, of runs that were killed: the kernel has let go of their locks."""
    removed = []
    for folder in our_folders(_PREFIX, root):
        lock = locked(folder)
        if lock is None:
            continue
        if time.time() - os.fstat(lock).st_mtime > seconds:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
        os.close(lock)
    return removed
