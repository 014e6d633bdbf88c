"""The network of a run: a subnet that no other network has, and addresses in it of which none is given twice.

It leads nowhere else, although the engine does not count it as internal, for in such a one no port can be published:
its hosts have no route beyond it (``hangup_server.host``), and nobody translates their addresses.

An engine gives the address of a dead container to the next one, whose kernel then answers what was meant for the dead
with RST. So containers that are there to be ended get theirs from here, and for that the subnet has to be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types import IPAMPool

_ATTEMPTS = 5
_OPTIONS = {"com.docker.network.bridge.enable_ip_masquerade": "false"}


@dataclass(frozen=True)
class Bridge:
    """A run's network."""

    name: str
    gateway: str
    """This machine's own address in it."""
    addresses: Iterator[str]
    """One after the other, of the half of the subnet that the engine comes to last."""


def create_bridge(api: APIClient, name: str, labels: Mapping[str, str]) -> Bridge:
    """Make a network that leads nowhere else. Raises what the SDK raises."""
    import docker.errors
    from docker.types import IPAMPool

    for attempt in range(1, _ATTEMPTS + 1):
        subnet = IPv4Network(_free_subnet(api, name, labels))
        gateway = str(next(subnet.hosts()))
        try:
            _create(api, name, labels, IPAMPool(subnet=str(subnet), gateway=gateway))
        except docker.errors.APIError:
            if attempt == _ATTEMPTS:
                raise
            continue  # another network took it just now
        _lower, upper = subnet.subnets()
        return Bridge(name, gateway, cycle(map(str, upper.hosts())))
    raise AssertionError


def _free_subnet(api: APIClient, name: str, labels: Mapping[str, str]) -> str:
    """One that the engine would take, as its configuration wants it."""
    made = _create(api, name, labels, None)
    subnet = str(api.inspect_network(made)["IPAM"]["Config"][0]["Subnet"])
    api.remove_network(made)
    return subnet


def _create(api: APIClient, name: str, labels: Mapping[str, str], pool: IPAMPool | None) -> str:
    from docker.types import IPAMConfig

    ipam = None if pool is None else IPAMConfig(pool_configs=[pool])
    made: dict[str, Any] = api.create_network(
        name, driver="bridge", options=dict(_OPTIONS), labels=dict(labels), ipam=ipam
    )
    return str(made["Id"])
