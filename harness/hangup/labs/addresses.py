"""Addresses of the client's host that are one trial's own, so that they can be taken away under its connections.

The kernel chooses the address by the port that is connected to: a rule leads to a table whose route names it. It is
derived from the port, so that none is had twice. It knows nothing of scenarios.
"""

from __future__ import annotations

from socket import AF_INET, IPPROTO_TCP
from typing import Any

from pyroute2 import IPRoute

from hangup.labs.topology import CLIENT_MAC, LINK, PEER_HOST, ROUTER_HOST, TO_CLIENT, Namespaces, own_address


class Addresses:
    """Those of all trials that are played."""

    def __init__(self, namespaces: Namespaces) -> None:
        with namespaces.at("router"):
            self._router = IPRoute()
            self._to_client = self._router.link_lookup(ifname=TO_CLIENT)[0]
        self._client = IPRoute()
        self._link = self._client.link_lookup(ifname=LINK)[0]
        self._lent: set[int] = set()
        """The ports of trials that have one."""

    def lend(self, port: int) -> None:
        """From now on the client's connections to this port come from an address of their own."""
        address = own_address(port)
        self._router.neigh("add", dst=address, lladdr=CLIENT_MAC, ifindex=self._to_client, state="permanent")
        self._client.addr("add", index=self._link, address=address, prefixlen=32)
        self._client.route("add", **_route(port))
        self._client.rule("add", **_rule(port))
        self._lent.add(port)

    def remove(self, port: int) -> None:
        """Take the address away. Connections that are made later come from the usual one."""
        if port not in self._lent:
            return
        self._lent.discard(port)
        self._client.rule("del", **_rule(port))
        self._client.route("del", **_route(port))
        self._client.addr("del", index=self._link, address=own_address(port), prefixlen=32)
        self._router.neigh("del", dst=own_address(port), lladdr=CLIENT_MAC, ifindex=self._to_client)


def _rule(port: int) -> dict[str, Any]:
    """What is connected to this port has a routing table of its own, which bears its number."""
    return {"family": AF_INET, "ip_proto": IPPROTO_TCP, "dport_range": f"{port}:{port}", "table": port}


def _route(port: int) -> dict[str, Any]:
    """The one route of that table: as the usual one, from the trial's own address."""
    return {"dst": f"{PEER_HOST}/32", "gateway": ROUTER_HOST, "prefsrc": own_address(port), "table": port}
