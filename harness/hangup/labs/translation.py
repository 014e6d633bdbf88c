"""The router of the netns lab as one that translates addresses: what it does so for, by a trial's port, and forgets.

Trials that are told of see the router's address and a port of its choosing in place of the client's, as behind a NAT
gateway, or a Kubernetes node that masquerades. The packets of all others are not tracked.
"""

from __future__ import annotations

import errno

from hangup.labs.conntrack import Conntrack
from hangup.labs.nftables import Nftables
from hangup.labs.topology import PEER_HOST, TO_PEER, TRANSLATED_HOST

# A port that is drawn anew for each entry ("fully-random", as kube-proxy has it where the kernel can): with the usual
# choice, the client's own port where it is free, an entry that is made anew is mostly the same as before.
_TABLE = f"""
table ip hangup_translation {{
    set trials {{ type inet_service; }}
    chain tracked {{
        type filter hook prerouting priority raw;
        tcp dport @trials accept
        tcp sport @trials accept
        notrack
    }}
    chain leaving {{
        type nat hook postrouting priority srcnat;
        oifname {TO_PEER} tcp dport @trials masquerade fully-random
    }}
}}
"""


class Translation:
    """The table, and the entries of connections, in the network namespace that it is made in.

    Raises NftablesError, OSError where the machine lacks libnftables, or the kernel translation or ctnetlink.
    """

    def __init__(self) -> None:
        self._nftables = Nftables()
        self._conntrack = Conntrack()
        self._ports: set[int] = set()
        try:
            self._conntrack.forget((PEER_HOST, 1), (TRANSLATED_HOST, 1))
        except OSError as error:
            if error.errno != errno.ENOENT:  # that would be the answer of a kernel that can
                raise
        self._nftables.run(_TABLE)

    def begin(self, port: int) -> None:
        """Translate the connections to this port that are made from now on."""
        self._nftables.run(f"add element ip hangup_translation trials {{ {port} }}\n")
        self._ports.add(port)

    def forget(self, port: int, remote: int) -> None:
        """Lose the entry of one of them, which the peer sees come from the port ``remote``. Raises OSError."""
        self._conntrack.forget((PEER_HOST, port), (TRANSLATED_HOST, remote))

    def clear(self, port: int) -> None:
        """Translate nothing more for it."""
        if port in self._ports:
            self._ports.discard(port)
            self._nftables.run(f"delete element ip hangup_translation trials {{ {port} }}\n")
