"""What is to be run: which client meets which scenario in a lab, and what is left out, by name and with the reason."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from hangup.agents.manifest import Manifest
from hangup.agents.protocol import ClientInfo, Feature, Layer
from hangup.catalogue import Scenario
from hangup.catalogue.model import Need


@dataclass(frozen=True, order=True)
class CellId:
    """One client in one scenario."""

    client: str
    scenario: str


@dataclass(frozen=True)
class Skipped:
    """Something that was asked for and is not run."""

    what: str
    reason: str


def plan(
    clients: Mapping[str, ClientInfo],
    scenarios: Mapping[str, Scenario],
    offers: frozenset[Need],
    lab: str,
    single: Container[str] = (),
) -> tuple[list[CellId], list[Skipped]]:
    """The cells, client by client, and what the lab or a client cannot do.

    ``single``: clients that open a connection for each exchange, so that none can end before it is used again.
    """
    possible: list[Scenario] = []
    skipped: list[Skipped] = []
    for scenario in scenarios.values():
        if lacked := lacks(scenario, offers):
            skipped.append(Skipped(scenario.id, f"the {lab} lab has {lacked}"))
        else:
            possible.append(scenario)
    cells = []
    for client, info in clients.items():
        for scenario in possible:
            if info.layer not in scenario.layers:
                continue
            lacking = sorted(scenario.client_ops - set(info.ops)) + sorted(scenario.features - set(info.features))
            beyond = sorted(set(info.requires) - scenario.features)
            if beyond:
                skipped.append(Skipped(f"{client} {scenario.id}", f"the client is for {', '.join(beyond)}"))
            elif client in single and scenario.exchanges > 1:
                skipped.append(Skipped(f"{client} {scenario.id}", "the client uses no connection twice"))
            elif client in scenario.races:
                skipped.append(Skipped(f"{client} {scenario.id}", scenario.races[client]))
            elif lacking:
                skipped.append(Skipped(f"{client} {scenario.id}", f"the client has no {', '.join(lacking)}"))
            else:
                cells.append(CellId(client, scenario.id))
    return cells, skipped


def possible(
    manifests: Iterable[Manifest],
    clients: Collection[str],
    scenarios: Mapping[str, Scenario],
    offers: frozenset[Need],
    lab: str,
) -> tuple[list[CellId], list[Skipped]]:
    """``plan`` as far as it is known before an agent is built: what a client's program can do is taken for granted."""
    ops = sorted({op for scenario in scenarios.values() for op in scenario.client_ops}) or [""]
    layers: dict[str, Layer] = {}
    single: set[str] = set()
    for manifest in manifests:
        layers |= {name: entry.layer for name, entry in manifest.clients.items() if name in clients}
        single |= manifest.single
    infos = {name: ClientInfo(layer=layer, ops=ops, features=list(get_args(Feature))) for name, layer in layers.items()}
    cells, skipped = plan(infos, scenarios, offers, lab, single)
    wanted = sorted({layer for scenario in scenarios.values() for layer in scenario.layers})
    for layer in sorted(set(layers.values()) - set(wanted)):
        reason = f"of the layer {layer}, and what is to be played is for {' and '.join(wanted)} clients only"
        skipped += [Skipped(name, reason) for name, of in layers.items() if of == layer]
    return cells, skipped


def lacks(scenario: Scenario, offers: frozenset[Need]) -> str:
    """What a lab that offers these lacks for the scenario, in words; empty where it is nothing."""
    return " and ".join(f"no {_NEEDS[need]}" for need in scenario.needs if need not in offers)


_NEEDS: dict[Need, str] = {
    "net": "network of its own",
    "hold": "right to hold segments back at the peer",
    "router": "router between client and peer",
    "firewall": "firewall between client and peer (on Linux, with --lab netns: install nftables)",
    "translation": "router that translates addresses (on Linux, with --lab netns: install nftables)",
    "abort": "right to abort a client's connection, or no kernel that does it (CONFIG_INET_DIAG_DESTROY)",
    "containers": "engine of containers",
    "published": "port that an engine of containers publishes by its userland proxy",
}
