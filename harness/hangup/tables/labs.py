"""What the labs have measured otherwise than each other, and why. The causes are data (``causes.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from hangup.catalogue import Scenario
from hangup.conduct.plan import lacks
from hangup.diff import CellDiff, compare
from hangup.labs.base import MAY_OFFER, LabName
from hangup.store import ClientResults

CAUSES_FILE = Path(__file__).with_name("causes.toml")


class Cause(BaseModel):
    """Why some cells come out otherwise in one lab than in another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: str
    """A glob, as ``scenario``."""
    scenario: str
    aspects: frozenset[str] = Field(min_length=1)
    """What may differ for this cause (``hangup.diff.ASPECTS``)."""
    why: str

    def explains(self, cell: CellDiff) -> bool:
        """Whether all that differs in the cell may be put down to this."""
        return (
            fnmatchcase(cell.client, self.client)
            and fnmatchcase(cell.scenario, self.scenario)
            and self.aspects.issuperset(change.aspect for change in cell.changes)
        )


class _Causes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cause: tuple[Cause, ...] = ()


@lru_cache(maxsize=1)
def causes() -> tuple[Cause, ...]:
    """All that are known; the first that explains a difference counts."""
    return _Causes.model_validate(tomllib.loads(CAUSES_FILE.read_text(encoding="utf-8"))).cause


def cause_of(cell: CellDiff) -> Cause | None:
    """Why a cell differs; None where nobody has found out."""
    return next((cause for cause in causes() if cause.explains(cell)), None)


def platforms(results: Sequence[ClientResults]) -> list[LabName]:
    """Those that there are results of, in their order."""
    return list(dict.fromkeys(r.platform for r in results))


def differing(
    results: Sequence[ClientResults], catalogue: Mapping[str, Scenario], old: LabName, new: LabName
) -> tuple[CellDiff, ...]:
    """The cells that both platforms have and that differ."""
    olds, news = ([r for r in results if r.platform == platform] for platform in (old, new))
    return compare(olds, news, catalogue).cells


def left_out(platform: LabName, catalogue: Mapping[str, Scenario]) -> str:
    """The scenarios that a lab cannot play, in a sentence that says why; empty where there are none."""
    reasons: dict[str, list[str]] = {}
    for name, scenario in catalogue.items():
        if lacking := lacks(scenario, MAY_OFFER[platform]):
            reasons.setdefault(lacking, []).append(f"`{name}`")
    told = "; ".join(f"{', '.join(names)} (it has {why})" for why, names in reasons.items())
    return f"The {platform} lab cannot play {told}.\n" if told else ""


def comparison(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> Iterator[str]:
    """A section for each platform after the first: what it has measured otherwise than that."""
    first, *others = platforms(results)
    for other in others:
        yield f"## Where {first} and {other} differ\n"
        cells = differing(results, catalogue, first, other)
        if cells:
            yield f"`hangup diff {first} {other}` shows the texts.\n"
        else:
            yield "No cell that both have differs.\n"
        for why, clients in _by_cause(cells).items():
            yield f"**{why}**\n"
            yield "\n".join(f"- {client}: {', '.join(names)}" for client, names in sorted(clients.items())) + "\n"


def _by_cause(cells: Sequence[CellDiff]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        cause = cause_of(cell)
        what = ", ".join(change.aspect for change in cell.changes)
        why = cause.why if cause else "Nobody has found out why yet."
        found.setdefault(why, {}).setdefault(f"`{cell.client}` ({what})", []).append(cell.scenario)
    return found
