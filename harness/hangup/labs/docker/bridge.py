"""The network of a run: a subnet that no other network has, and addresses in it of which none is given twice.

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

_ATTEMPTS = 5


@dataclass(frozen=True)
class Bridge:
    """A run's network."""

    name: str
    addresses: Iterator[str]
    """One after the other, of the half of the subnet that the engine comes to last."""


def create_bridge(api: APIClient, name: str, labels: Mapping[str, str]) -> Bridge:
    """Make a network that leads nowhere else. Raises what the SDK raises."""
    import docker.errors

    for attempt in range(1, _ATTEMPTS + 1):
        subnet = _free_subnet(api, name, labels)
        try:
            _create(api, name, labels, subnet)
        except docker.errors.APIError:
            if attempt == _ATTEMPTS:
                raise
            continue  # another network took it just now
        _lower, upper = IPv4Network(subnet).subnets()
        return Bridge(name, cycle(map(str, upper.hosts())))
    raise AssertionError


def _free_subnet(api: APIClient, name: str, labels: Mapping[str, str]) -> str:
    """One that the engine would take, as its configuration wants it."""
    made = _create(api, name, labels, None)
    subnet = str(api.inspect_network(made)["IPAM"]["Config"][0]["Subnet"])
    api.remove_network(made)
    return subnet


def _create(api: APIClient, name: str, labels: Mapping[str, str], subnet: str | None) -> str:
    from docker.types import IPAMConfig, IPAMPool

    ipam = None if subnet is None else IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
    made: dict[str, Any] = api.create_network(name, driver="bridge", internal=True, labels=dict(labels), ipam=ipam)
    return str(made["Id"])
