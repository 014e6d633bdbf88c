"""What a scenario's script shows of its ending to somebody who has a capture only, with no keys.

It knows scripts, and no packets: `matching` compares the two.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hangup.catalogue import load_catalogue, script

if TYPE_CHECKING:
    from hangup.catalogue import Scenario
    from hangup.catalogue.model import Step
    from hangup_server.steps.sending import SendHead

_ENDS = ("close", "reset", "shutdown", "serve", "interrupt", "terminate", "kill")
"""Acts of the peer after which it answers no more."""

_ANSWERS_TLS = {"handshake", "send hello", "send alert"}
_SHORT = {"send goaway": "GOAWAY", "reset stream": "RST_STREAM"}


class At(IntEnum):
    """How far the exchange had got when the end began. Over TLS any part of an answer is `WHOLE`."""

    CONNECT = 0
    ACCEPT = 1
    REQUEST = 2
    HEAD = 3
    BODY = 4
    WHOLE = 5
    NEXT = 6
    """A further request had been sent."""


@lru_cache(maxsize=1024)
def moments(scenario_id: str) -> frozenset[At]:
    """The moments at which a scenario may end, by what its client does."""
    scenario = load_catalogue()[scenario_id]
    at, acts = _scripted(scenario), {step.act for step in scenario.flat if step.actor == "peer"}
    if "keep answering" in acts:
        return frozenset((at, At.WHOLE))  # it asks again, on the same connection, and is answered
    if at == At.NEXT and "send goaway" in acts:
        return frozenset((at, At.WHOLE))  # it has understood, and asks on another
    return frozenset((at,))


def _scripted(scenario: Scenario) -> At:
    """The moment at which a scenario ends, as a capture shows it."""
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
    if "tls" not in scenario.features and head is not None and _cut(scenario, acts, head):
        return At.BODY if acts & {"send body", "send chunk"} else At.HEAD
    return At.NEXT if _ends_later(scenario) else At.WHOLE


def _cut(scenario: Scenario, acts: set[str], head: SendHead) -> bool:
    """The answer lacks something that its head announces."""
    if head.chunked:
        return "send last chunk" not in acts
    return head.length is not None and scenario.peer_bytes < scenario.announced


def _ends_later(scenario: Scenario) -> bool:
    """The client makes another request on it, which the peer does not answer there, before the peer ends it."""
    requests, answered = 0, False
    for step in scenario.flat:
        if step.actor == "client" and step.act.endswith("exchange"):
            requests, answered = requests + 1, False
        elif step.actor == "peer" and step.act == "send head":
            answered = True
        elif step.actor == "peer" and step.act in _ENDS:
            break
    return requests > 1 and not answered


class OverTls(NamedTuple):
    """What a scenario over TLS shows to those who have no keys."""

    answered: bool
    """The peer speaks it too."""
    version: str | None
    """None: any."""
    h2: bool
    farewell: bool
    """The peer says close_notify."""
    cut: bool
    """The peer ends within a record."""
    last_words: frozenset[str | None]
    """What the peer may say last over HTTP/2, where that is short."""


@lru_cache(maxsize=1024)
def over_tls(scenario_id: str) -> OverTls | None:
    """None for a scenario in the clear."""
    scenario = load_catalogue()[scenario_id]
    if "tls" not in scenario.features:
        return None
    steps = [step for step in scenario.flat if step.actor == "peer"]
    acts = [step.act for step in steps]
    words: set[str | None] = {_SHORT[act] for act in acts if act in _SHORT} or {None}
    return OverTls(
        answered=bool(_ANSWERS_TLS.intersection(acts)) or not scenario.peer_bytes,
        version=next((str(step.params["version"]) for step in steps if _names_version(step)), None),
        h2="h2" in scenario.features,
        farewell="close notify" in acts,
        cut="send half record" in acts,
        last_words=frozenset({*words, None} if "keep answering" in acts else words),
    )


def _names_version(step: Step) -> bool:
    return step.act in ("handshake", "send hello") and "version" in step.params
