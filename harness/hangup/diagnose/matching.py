"""Which scenarios of the catalogue an ending matches, and what the published matrix has clients report for them.

A scenario matches where its cause is the ending's and the packets contradict none of its claims on the wire. The
moment then ranks the matches: an ending in the middle of a body is nearest to the scenario that ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hangup.catalogue import load_catalogue, script
from hangup.evidence import ConnectionEvidence, verify
from hangup.matrix import JudgedCell, judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hangup.catalogue import Scenario
    from hangup.diagnose.facts import Facts
    from hangup.evidence import Request, Who
    from hangup.store import ClientResults
    from hangup_server.steps.sending import SendHead

_MOST = 8
"""Scenarios, and all others that are as near as the last of them."""


class At(IntEnum):
    """How far the exchange had got when the end began. Over TLS all that follows the handshake is `WHOLE`."""

    CONNECT = 0
    ACCEPT = 1
    REQUEST = 2
    HEAD = 3
    BODY = 4
    WHOLE = 5
    NEXT = 6
    """A further request had been sent."""


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
    return At.NEXT if turns >= _NEXT_TURN and not tls else At.REQUEST


@lru_cache(maxsize=1024)
def _scripted(scenario_id: str) -> At:
    """The moment at which a scenario ends, as a capture shows it."""
    scenario = load_catalogue()[scenario_id]
    if scenario.wire.end == ("REJ",) or scenario.wire.end == ("S0",):
        return At.CONNECT
    steps = [(s.act, s.params) for s in scenario.flat if s.actor == "peer"]
    acts = {act for act, _ in steps}
    head = script.final_head(steps)
    if acts & {"send hello", "send alert"} or (head is None and "send head" in acts):
        return At.HEAD
    if not scenario.peer_bytes:
        read = any(a.startswith(("recv", "await request")) for a in acts) or scenario.wire.request == "acknowledged"
        return At.REQUEST if read and scenario.wire.request != "unacknowledged" else At.ACCEPT
    if not _over_tls(scenario.id) and head is not None and _cut(scenario, acts, head):
        return At.BODY if acts & {"send body", "send chunk"} else At.HEAD
    return At.NEXT if _ends_later(scenario) else At.WHOLE


def _cut(scenario: Scenario, acts: set[str], head: SendHead) -> bool:
    """The answer lacks something that its head announces."""
    if head.chunked:
        return "send last chunk" not in acts
    return head.length is not None and scenario.peer_bytes < scenario.announced


def _ends_later(scenario: Scenario) -> bool:
    """The client makes another request on it, which the peer does not answer there, before the peer ends it."""
    requests = 0
    for step in scenario.flat:
        requests += step.actor == "client" and step.act.endswith("exchange")
        if step.actor == "peer" and step.act in ("close", "reset", "shutdown", "serve"):
            break
    return requests > 1


def evidence_of(facts: Facts) -> ConnectionEvidence:
    """What the capture shows, in the words that scenarios make their claims in; the originator is the client."""
    connection = facts.connection
    fin, reset = facts.fin(), facts.reset
    acked, sent = connection.orig_acked, connection.orig_bytes
    known = bool(facts.case.ttls("resp"))
    request: Request = (
        "none" if not sent else "acknowledged" if acked >= sent else "partly" if acked else "unacknowledged"
    )
    peer_fin = facts.fin("resp")
    written = bool(peer_fin is not None and facts.after(peer_fin.number, "orig", data=True))
    counted = [m for m in facts.endings if m.kind == "rst"]
    return ConnectionEvidence(
        state=connection.state,
        history=connection.history,
        first_fin="nobody" if fin is None else _who(fin.by),
        peer_fin=peer_fin is not None,
        rst=tuple("client" if m.by == "orig" else "peer" for m in counted),
        rst_after_fin=bool(
            reset is not None and (own := facts.fin(reset.by)) is not None and own.number < reset.number
        ),
        client_bytes=sent,
        peer_bytes=connection.resp_bytes,
        request=request,
        written_after_fin=written,
        closed=connection.closed,
        forged=known and any(r.by == "resp" and facts.foreign(r) for r in connection.resets),
        icmp=tuple(dict.fromkeys(error.kind for error in connection.icmp)),
    )


def _who(by: str) -> Who:
    return "client" if by == "orig" else "peer"


def _speaks_alike(scenario: Scenario, facts: Facts) -> bool:
    """Both over TLS, or neither; anything is alike where what the originator speaks was not captured."""
    kind = facts.case.requests.kind
    return kind is None or (kind == "tls") is _over_tls(scenario.id)


@lru_cache(maxsize=1024)
def _over_tls(scenario_id: str) -> bool:
    return "tls" in load_catalogue()[scenario_id].features


class Match(NamedTuple):
    """A scenario that ends alike. `distance`: between the moments of the two, 0 where they are the same."""

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
        found.append((abs(_scripted(scenario.id) - at), rank, plain, scenario.id))
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

    @property
    def processed(self) -> bool | None:
        """Whether the peer had read the whole request: None where that cannot be told, or there was none."""
        known = {v.processed != 0 for cell in self.cells for v in cell.verdicts if v.processed is not None}
        return known.pop() if len(known) == 1 else None


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
