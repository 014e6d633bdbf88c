"""What the site is made of: the matrix joined over its platforms, by client and by scenario. Knows no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hangup.agents.protocol import Layer
from hangup.catalogue import Scenario
from hangup.judge import Outcome, Verdict
from hangup.matrix import PLATFORMS, JudgedCell, judged
from hangup.store import ClientResults, KernelResets
from hangup.store.model import Observation, Operation


@dataclass(frozen=True)
class Report:
    """One observation of a cell, and the verdict on it."""

    observation: Observation
    verdict: Verdict

    @property
    def decisive(self) -> Operation:
        """The operation that the outcome is taken from."""
        return self.observation.operations[self.verdict.decisive]


@dataclass(frozen=True)
class Measured:
    """A cell as some platforms have it, all alike."""

    cell: JudgedCell
    results: tuple[ClientResults, ...]
    """Of each platform."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(r.platform for r in self.results)

    @property
    def reports(self) -> tuple[Report, ...]:
        """Most frequent first; none where the cell has no valid trial."""
        return tuple(map(Report, self.cell.cell.observations, self.cell.verdicts))


@dataclass(frozen=True, eq=False)
class Entry:
    """A client in a scenario. There is one of each, so it is compared by identity."""

    client: str
    layer: Layer
    scenario: Scenario
    measured: tuple[Measured, ...]
    """The leading platform's first; more where others differ."""

    @property
    def leading(self) -> Measured:
        """What stands for the cell."""
        return self.measured[0]

    @property
    def short(self) -> str:
        """The cell in a word or two."""
        return self.leading.cell.short

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Each once, most frequent first."""
        return tuple(dict.fromkeys(verdict.outcome for verdict in self.leading.cell.verdicts))

    @property
    def misleading(self) -> bool:
        """Whether any trial was told what did not happen."""
        return any(verdict.faithful is False for verdict in self.leading.cell.verdicts)


@dataclass(frozen=True)
class Site:
    """All of it."""

    catalogue: Mapping[str, Scenario]
    entries: Mapping[tuple[str, str], Entry]
    """By client and scenario, in the order of both."""
    results: Mapping[str, tuple[ClientResults, ...]]
    """By client, the leading platform's first."""
    kernel: Mapping[str, KernelResets]
    of_client: Mapping[str, tuple[Entry, ...]] = field(init=False)
    of_scenario: Mapping[str, tuple[Entry, ...]] = field(init=False)

    def __post_init__(self) -> None:
        clients: dict[str, list[Entry]] = {name: [] for name in self.results}
        scenarios: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            clients[entry.client].append(entry)
            scenarios.setdefault(entry.scenario.id, []).append(entry)
        ordered = {name: tuple(scenarios[name]) for name in self.catalogue if name in scenarios}
        object.__setattr__(self, "of_client", {name: tuple(entries) for name, entries in clients.items()})
        object.__setattr__(self, "of_scenario", ordered)

    @property
    def proved(self) -> bool:
        """Whether every cell has its capture."""
        return all(r.proved for results in self.results.values() for r in results)


def join(
    results: Sequence[ClientResults], catalogue: Mapping[str, Scenario], kernel: Mapping[str, KernelResets]
) -> Site:
    """The site of these results. Streams stand before HTTP clients, and each by name."""
    by_client: dict[str, list[ClientResults]] = {}
    for r in sorted(results, key=lambda r: (r.layer == "http", r.client, PLATFORMS.index(r.platform))):
        by_client.setdefault(r.client, []).append(r)
    entries: dict[tuple[str, str], Entry] = {}
    for client, members in by_client.items():
        cells: dict[str, list[tuple[ClientResults, JudgedCell]]] = {}
        for r in members:
            for cell in judged(r, catalogue):
                cells.setdefault(cell.scenario.id, []).append((r, cell))
        for name in catalogue:
            if name in cells:
                entries[client, name] = Entry(client, members[0].layer, catalogue[name], _measured(cells[name]))
    return Site(catalogue, entries, {client: tuple(members) for client, members in by_client.items()}, kernel)


def _measured(cells: Sequence[tuple[ClientResults, JudgedCell]]) -> tuple[Measured, ...]:
    alike: list[tuple[JudgedCell, list[ClientResults]]] = []
    for r, cell in cells:
        for other, members in alike:
            if other.cell == cell.cell:
                members.append(r)
                break
        else:
            alike.append((cell, [r]))
    return tuple(Measured(cell, tuple(members)) for cell, members in alike)
