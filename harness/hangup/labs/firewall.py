"""The firewall at the netns lab's router: what becomes of the packets of one trial, by its port.

An nftables table with a map from ports to chains, made once; a trial adds an element, and takes it away again.
"""

from __future__ import annotations

from typing import Literal, get_args

from hangup.labs.nftables import Nftables
from hangup.labs.topology import GONE_MARK, TO_CLIENT

Fate = Literal["drop", "reset", "reject", "unreachable", "prohibit", "gone"]
"""What becomes of packets: they vanish either way; or those of the client alone are answered, by a RST, or by ICMP
(port unreachable, host unreachable, administratively prohibited); or they are sent on to a host that is gone."""
FATES: tuple[Fate, ...] = get_args(Fate)

# The fate of a port is that of all connections of the trial; the fate of a flow (client's port, trial's port) of one.
_TABLE = f"""
table ip hangup {{
    map trials {{ type inet_service : verdict; }}
    map flows {{ type inet_service . inet_service : verdict; }}
    chain on_drop {{ drop; }}
    chain on_reset {{ iifname {TO_CLIENT} reject with tcp reset; }}
    chain on_reject {{ iifname {TO_CLIENT} reject with icmp type port-unreachable; }}
    chain on_unreachable {{ iifname {TO_CLIENT} reject with icmp type host-unreachable; }}
    chain on_prohibit {{ iifname {TO_CLIENT} reject with icmp type admin-prohibited; }}
    chain on_gone {{ iifname {TO_CLIENT} meta mark set {GONE_MARK}; }}
    chain arrived {{
        type filter hook prerouting priority mangle;
        tcp dport vmap @trials
        tcp sport vmap @trials
        tcp sport . tcp dport vmap @flows
        tcp dport . tcp sport vmap @flows
    }}
}}
"""


class Firewall:
    """The table in the network namespace that it is made in.

    Raises NftablesError where libnftables is missing, or the kernel has no nftables.
    """

    def __init__(self) -> None:
        self._nftables = Nftables()
        self._elements: dict[int, dict[str, Fate]] = {}
        """By trial's port: the elements that stand in the table, as ``map { key }``."""
        self._nftables.run(_TABLE)

    def set(self, fate: Fate, port: int, client_port: int | None = None) -> None:
        """From now on this becomes of the trial's packets, or only of those of its connection from ``client_port``."""
        element = f"trials {{ {port} " if client_port is None else f"flows {{ {client_port} . {port} "
        elements = self._elements.setdefault(port, {})
        remove = f"delete element ip hangup {element}}}\n" if element in elements else ""
        self._nftables.run(f"{remove}add element ip hangup {element}: jump on_{fate} }}\n")
        elements[element] = fate

    def clear(self, port: int) -> None:
        """The trial's packets pass again."""
        for element in self._elements.pop(port, {}):
            self._nftables.run(f"delete element ip hangup {element}}}\n")
