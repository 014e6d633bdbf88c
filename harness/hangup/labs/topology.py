"""The netns lab's network: a client's and a peer's host with a router between them, each a namespace of its own.

    client 198.51.100.1 ── 198.51.100.254  router  192.0.2.254 ── 192.0.2.2 peer

What a router or a firewall sends is thus told from what the peer sends: it has passed one hop less. Addresses are
those of RFC 5737, set by hand with their neighbours, so that no ARP is in the capture. It knows nothing of trials.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hangup_server.host import plain_wire

if TYPE_CHECKING:
    from pyroute2 import IPRoute

Place = Literal["client", "router", "peer"]

CLIENT_HOST, PEER_HOST, PREFIX = "198.51.100.1", "192.0.2.2", 24
TO_CLIENT, TO_PEER = "to-client", "to-peer"
"""The router's links."""
LINK = "hangup0"
"""The one link of the client and of the peer, each in its namespace."""
BLACKHOLE_HOST = "203.0.113.1"
"""The router drops what is sent there. (In a lab without a router the peer's host does, which does not forward.)"""
NOWHERE_HOST = "203.0.113.254"
"""No host has a route that leads there: the client's has none but those it is given here."""

GONE_MARK = 1
"""Of packets that the router is to send on to a host that is not there any more."""

ROUTER_HOST, CLIENT_MAC = "198.51.100.254", "02:00:5e:00:53:01"
"""The router as the client's host knows it, and that host as the router does."""
TRANSLATED_HOST = "192.0.2.254"
"""The router as the peer's host knows it, and as which it sees a client whose address is translated."""
OWN_NET = "198.18.0.0/16"
"""Of RFC 2544's range for tests: addresses that are a trial's own (``addresses``), all of them of the client's host."""

_ROUTER: dict[Place, str] = {"client": ROUTER_HOST, "peer": TRANSLATED_HOST}
_NOBODY = tuple(f"192.0.2.{number}" for number in range(10, 210))
"""Hosts that are gone. A connection goes to one of many, because the packets that wait for the ARP of one are dropped,
instead of answered, when another comes at the moment at which it fails."""
_TO_NOBODY = 100
"""The routing table of what is marked as gone."""

_MACS = {"client": CLIENT_MAC, "peer": "02:00:5e:00:53:02"}
_ROUTER_MACS = {"client": "02:00:5e:00:53:03", "peer": "02:00:5e:00:53:04"}
_LINKS: dict[Place, str] = {"client": TO_CLIENT, "peer": TO_PEER}
_HOSTS = {"client": CLIENT_HOST, "peer": PEER_HOST}
_BEYOND: dict[Place, tuple[str, ...]] = {"client": (f"{PEER_HOST}/32", f"{BLACKHOLE_HOST}/32"), "peer": ("default",)}
"""Where each host has a route to, by way of the router."""
_CLONE_NEWNET = 0x40000000


class Namespaces:
    """The three network namespaces: this process's own is the client's, the others are held by descriptors."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fds: dict[Place, int] = {"client": self._here()}
        others: tuple[Place, ...] = ("router", "peer")
        for place in others:
            self._check(self._libc.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
            self._fds[place] = self._here()
        self.enter("client")

    @staticmethod
    def _here() -> int:
        return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter(self, place: Place) -> None:
        """Move the calling (single) thread there."""
        self._check(self._libc.setns(self._fds[place], _CLONE_NEWNET), "setns")

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """Be there for a while, and then at the client's again."""
        self.enter(place)
        try:
            yield
        finally:
            self.enter("client")

    def fd(self, place: Place) -> int:
        """A descriptor of the namespace."""
        return self._fds[place]

    @staticmethod
    def _check(result: int, call: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{call}: {os.strerror(number)}")


def wire_up(namespaces: Namespaces) -> None:
    """Join the three by two veth pairs, with addresses, routes and neighbours."""
    from pyroute2 import IPRoute  # only the keeper needs it, and it is slow to import

    with namespaces.at("router"):
        _set(sysctls("router"))
        with IPRoute() as ip:
            for side, link in _LINKS.items():
                far = {"ifname": LINK, "address": _MACS[side], "net_ns_fd": namespaces.fd(side)}
                ip.link("add", ifname=link, kind="veth", address=_ROUTER_MACS[side], peer=far)
                _address(ip, link, _ROUTER[side], {_HOSTS[side]: _MACS[side]})
            ip.route("add", dst=f"{BLACKHOLE_HOST}/32", type="blackhole")
            ip.rule("add", fwmark=GONE_MARK, table=_TO_NOBODY)
            ip.route("add", dst=OWN_NET, oif=ip.link_lookup(ifname=TO_CLIENT)[0], scope="link")
            out = ip.link_lookup(ifname=TO_PEER)[0]
            gone = [{"gateway": host, "oif": out} for host in _NOBODY]
            ip.route("add", family=socket.AF_INET, dst="default", multipath=gone, table=_TO_NOBODY)
        _set(_neighbours(TO_PEER))
        plain_wire(TO_CLIENT)
        plain_wire(TO_PEER)
    for side, beyond in _BEYOND.items():
        with namespaces.at(side):
            _set(sysctls(side))
            with IPRoute() as ip:
                _address(ip, LINK, _HOSTS[side], {_ROUTER[side]: _ROUTER_MACS[side]})
                for destination in beyond:
                    ip.route("add", dst=destination, gateway=_ROUTER[side])
            plain_wire(LINK)


def own_address(port: int) -> str:
    """The client's address that is the own one of the trial with this port."""
    return f"198.18.{port >> 8}.{port & 0xFF}"


def _address(ip: IPRoute, link: str, address: str, neighbours: dict[str, str]) -> None:
    """Bring up a namespace's link with its address and its neighbours."""
    index = ip.link_lookup(ifname=link)[0]
    ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
    ip.addr("add", index=index, address=address, prefixlen=PREFIX)
    ip.link("set", index=index, state="up")
    for host, mac in neighbours.items():
        ip.neigh("replace", dst=host, lladdr=mac, ifindex=index, state="permanent")


def _set(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        sysctl = Path("/proc/sys/net", name)
        if sysctl.exists():
            sysctl.write_text(value)


def _neighbours(link: str) -> dict[str, str]:
    """A host that is gone is missed after three questions, which are 0.2 s apart instead of 1 s."""
    return {f"ipv4/neigh/{link}/retrans_time_ms": "200"}


def sysctls(place: Place) -> dict[str, str]:
    """The settings of one host, below /proc/sys/net; one that the kernel lacks is left out."""
    settings = {"ipv6/conf/all/disable_ipv6": "1"}
    if place == "router":  # with a ratemask of 0 no kind of ICMP message is limited; 1: a path for each connection
        return settings | {"ipv4/ip_forward": "1", "ipv4/icmp_ratemask": "0", "ipv4/fib_multipath_hash_policy": "1"}
    if place == "peer":  # no router. No listener but that of a trial that fills its queue ever overflows
        return settings | {"ipv4/ip_forward": "0", "ipv4/tcp_abort_on_overflow": "1"}
    # What takes minutes or hours by default takes less than one, and still clearly longer than the limits that clients
    # have of their own, so that what they report does not depend on how busy the machine is. A connect gives up after
    # 1 + 2 + 4 + 8 + 12 + 12 = 39 s (before Linux 6.15, which brought the limit of 12 s, 63 s); the default is 131
    # or 127 s. The clients' own limits are 5 s (httpx), 10 s (undici, which counts ticks and not time) and 30 s
    # (aiohttp, Go's net/http). What is not acknowledged is given up after some 13 s (default: 15 minutes), for httpx
    # waits 5 s for an answer; and an idle connection with keep-alive after 3 s (default: 2 hours and 11 minutes). A
    # receive buffer begins as large as it grows to in a download (default: 128 KiB): a megabyte fits that nobody reads.
    return settings | {
        "ipv4/tcp_syn_retries": "5",
        "ipv4/tcp_syn_linear_timeouts": "0",
        "ipv4/tcp_rto_max_ms": "12000",
        "ipv4/tcp_retries2": "5",
        "ipv4/tcp_keepalive_time": "1",
        "ipv4/tcp_keepalive_intvl": "1",
        "ipv4/tcp_keepalive_probes": "2",
        "ipv4/tcp_rmem": "4096 4194304 33554432",  # least, at first, most
    }
