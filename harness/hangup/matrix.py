"""The matrix as it is read: results files joined with the catalogue, every cell judged. What all tables are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hangup.catalogue import Scenario
from hangup.judge import Verdict, judge
from hangup.store import Cell, ClientResults

PLATFORMS = ("docker", "netns", "loopback")
"""Which one is shown where several have a cell, and none is asked for: the first of these."""


@dataclass(frozen=True)
class JudgedCell:
    """One cell, with a verdict for each of its observations, most frequent first."""

    client: str
    scenario: Scenario
    cell: Cell
    verdicts: tuple[Verdict, ...]
    proved: bool

    @property
    def varies(self) -> bool:
        """Whether its trials differ in what is recorded."""
        return len(self.verdicts) > 1

    @property
    def verdict(self) -> Verdict | None:
        """Of the most frequent observation; None where the cell has no valid trial."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def short(self) -> str:
        """The cell in a word or two: the outcomes, ``!`` where misleading, ``×n`` attempts by the client itself."""
        if self.cell.fault is not None:
            return "agent failed"
        if self.cell.invalid is not None:
            return "invalid"
        words = dict.fromkeys(_word(verdict) for verdict in self.verdicts)
        return " / ".join(words)


def _word(verdict: Verdict) -> str:
    word = verdict.outcome.value + (" !" if verdict.faithful is False else "")
    return f"{word} ×{verdict.tries}" if verdict.retried else word


def judged(results: ClientResults, catalogue: Mapping[str, Scenario]) -> Iterator[JudgedCell]:
    """The cells of one client, in the catalogue's order. A scenario that the catalogue no longer has is left out."""
    for name, scenario in catalogue.items():
        cell = results.cells.get(name)
        if cell is not None:
            yield JudgedCell(
                results.client, scenario, cell,
                tuple(judge(results.client, results.layer, scenario, o) for o in cell.observations),
                results.proved,
            )  # fmt: skip
