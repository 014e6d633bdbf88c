"""The certificates of a run: an authority of its own, and one certificate for its peer. Made anew, removed with it.

They lie in a folder that is this user's alone; the files themselves may be read by anyone, for a container's user is
somebody else to this machine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


class Certificates:
    """Two PEM files, until ``remove``."""

    def __init__(self, *hosts: str) -> None:
        """``hosts``: the peer's addresses and names."""
        import trustme  # here, because it is slow to import

        self._folder = Path(tempfile.mkdtemp(prefix="hangup-certificates-"))
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
        shutil.rmtree(self._folder, ignore_errors=True)
