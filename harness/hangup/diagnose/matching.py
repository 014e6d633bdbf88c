"""Which scenarios of the catalogue an ending matches, and what the published matrix has clients report for them.

A scenario matches where its cause is the ending's, the packets contradict none of its claims on the wire, and both
sides speak as they do there. The moment then ranks the matches: an ending in the middle of a body is nearest to the
scenario that ends there. Over TLS much of that is hidden, so that more scenarios look alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hangup.catalogue import load_catalogue
from hangup.diagnose.scripted import At, moments, over_tls
from hangup.evidence import ConnectionEvidence, describe, verify
from hangup.matrix import JudgedCell, judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hangup.catalogue import Scenario
    from hangup.diagnose.facts import Facts
    from hangup.store import ClientResults

_MOST = 8
"""Scenarios, and all others that are as near as the last of them."""

_NEXT_TURN = 3
"""A request, its answer, another request."""


def moment_of(facts: Facts) -> At:
    """The moment of an ending."""
    if not facts.established:
        return At.CONNECT
    first = facts.first
    connection, case = facts.connection, facts.case
    sent = connection.resp_bytes if first is None else first.resp_sent
    unanswered = facts.waiting if first is None else first.unanswered
    if not sent:
        acked = connection.orig_acked if first is None else first.orig_acked
        return At.REQUEST if acked else At.ACCEPT
    part = case.answers.unfinished if first is None else first.unfinished
    tls = case.requests.kind == "tls"
    if part is not None and not (tls and part != "handshake"):
        return At.BODY if part == "body" else At.HEAD
    if not unanswered:
        return At.WHOLE
    if case.answers.interim:
        return At.HEAD
    turns = case.turns if first is None else first.turns
    handshake_counts = tls and case.records is None
    return At.NEXT if turns >= _NEXT_TURN and not handshake_counts else At.REQUEST


def evidence_of(facts: Facts) -> ConnectionEvidence:
    """What the capture shows, in the words that scenarios make their claims in; the originator is the client."""
    fin = facts.fin("resp")
    return describe(
        facts.connection,
        "orig",
        peer_ttls=facts.case.ttls("resp") or None,
        written_after_fin=fin is not None and bool(facts.after(fin.number, "orig", data=True)),
    )


def _speaks_alike(scenario: Scenario, facts: Facts) -> bool:
    """Over TLS or not, and what of it is in the clear; anything is alike where that was not captured."""
    asks, answers = facts.case.requests.kind, facts.case.answers.kind
    if asks is None:
        return True
    tls = over_tls(scenario.id)
    if asks != "tls" or tls is None:
        return (asks == "tls") is (tls is not None)
    if answers is not None and (answers == "tls") is not tls.answered:
        return False
    records = facts.case.records
    if records is None:
        return True
    if tls.version is not None and tls.version != records.version:
        return False
    if records.h2 is not None and records.h2 is not tls.h2:
        return False
    if tls.h2:
        return True
    cut = facts.case.answers.unfinished if facts.first is None else facts.first.unfinished
    return tls.farewell is ("resp" in records.alerted) and tls.cut is (cut in ("head", "body"))


def _distance(scenario: Scenario, facts: Facts, at: At) -> int:
    """Between the moments of the two; and one more where they do not end with the same words."""
    apart = min(abs(moment - at) for moment in moments(scenario.id))
    tls, records = over_tls(scenario.id), facts.case.records
    if tls is not None and tls.h2 and records is not None and records.last_words not in tls.last_words:
        apart += 1
    return apart


class Match(NamedTuple):
    """A scenario that ends alike. `distance`: 0 where, as far as the capture tells, all is the same."""

    scenario: str
    distance: int


def matches(facts: Facts, likeliest: Iterable[str]) -> tuple[Match, ...]:
    """The scenarios, nearest first; of those that are as near, the plainest one first."""
    causes, evidence, at = set(likeliest), evidence_of(facts), moment_of(facts)
    fitting = [
        scenario
        for scenario in load_catalogue().values()
        if causes.intersection(scenario.cause) and not verify(_without_sizes(scenario.id), [evidence])
    ]
    alike = [scenario for scenario in fitting if _speaks_alike(scenario, facts)] or fitting
    found = []
    for scenario in alike:
        rank = min(place for place, cause in enumerate(scenario.cause) if cause in causes)
        plain = len(scenario.needs), len(scenario.cause)
        found.append((_distance(scenario, facts, at), rank, plain, scenario.id))
    found.sort()
    farthest = found[:_MOST][-1][0] if found else 0
    return tuple(Match(name, distance) for distance, _rank, _plain, name in found if distance <= farthest)


@lru_cache(maxsize=1024)
def _without_sizes(scenario_id: str) -> Scenario:
    """The scenario without its claim on how many bytes the peer sends: nobody else's bodies are of that length."""
    scenario = load_catalogue()[scenario_id]
    return scenario.model_copy(update={"wire": scenario.wire.model_copy(update={"peer_sent": None})})


class Report(NamedTuple):
    """What one client reports for an ending: in the nearest scenario, or in several that are as near."""

    client: str
    cells: tuple[JudgedCell, ...]

    @property
    def told(self) -> str:
        """In a word or two; `a or b` where the nearest scenarios differ."""
        return " or ".join(dict.fromkeys(cell.short for cell in self.cells))


@dataclass(frozen=True)
class Matrix:
    """The published matrix, as far as it was asked for."""

    cells: dict[str, dict[str, JudgedCell]]
    """By client and scenario."""

    @classmethod
    def of(cls, results: Sequence[ClientResults]) -> Matrix:
        """Of these clients; where several platforms have one, of the first."""
        cells: dict[str, dict[str, JudgedCell]] = {}
        for result in results:
            if result.client not in cells:
                cells[result.client] = {cell.scenario.id: cell for cell in judged(result, load_catalogue())}
        return cls(cells)

    def reports(self, found: Sequence[Match]) -> list[Report]:
        """For an ending that matches these scenarios: a report a client that was measured in any of them."""
        reports = []
        for client, cells in sorted(self.cells.items()):
            measured = [match for match in found if match.scenario in cells and cells[match.scenario].verdict]
            nearest = [match for match in measured if match.distance == measured[0].distance]
            if nearest:
                reports.append(Report(client, tuple(cells[match.scenario] for match in nearest)))
        return reports
