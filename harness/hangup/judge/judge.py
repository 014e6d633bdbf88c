"""From an observation to a verdict: the outcome, and what the wire says beside it.

The rules are data (``rules.toml``). An error that no rule knows is ``unmapped``, and a release has none.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hangup.agents.protocol import Layer
from hangup.catalogue import Scenario
from hangup.outcome import Outcome
from hangup.store.model import Ending, Link, Observation, Operation

RULES_FILE = Path(__file__).with_name("rules.toml")


class Rule(BaseModel):
    """One rule: all that it names must fit one error of the chain."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    outcome: Outcome
    client: str = "*"
    type: str | None = None
    code: str | None = None
    text: str | None = None

    def fits(self, link: Link) -> bool:
        """Whether this error is the one that the rule knows."""
        return (
            (self.type is None or link.type == self.type)
            and (self.code is None or link.code == self.code)
            and (self.text is None or re.search(self.text, link.message) is not None)
        )


class Rules(BaseModel):
    """The rules' file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: tuple[Rule, ...]
    faithful: dict[Ending, tuple[Outcome, ...]]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rules that come with this version."""
    return Rules.model_validate(tomllib.loads(RULES_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an observation comes to."""

    outcome: Outcome
    decisive: int
    """The index of the operation that the outcome is taken from: the first that did not succeed, else the last."""
    faithful: bool | None
    """Whether the outcome agrees with what happened on the wire; None where there is no evidence."""
    extra_connections: int
    """Connections beyond one an exchange: the client tried again by itself."""
    extra_requests: dict[str, int]
    """Requests, by method, that the peer read beyond those that the application made."""
    processed: int | None
    """How often the peer read the whole last request: 0 means that a retry is safe. None where no request was made,
    or nothing was captured."""
    lost: int | None
    """Bytes that the peer had sent of the last response and that the application did not get."""


def judge(client: str, layer: Layer, scenario: Scenario, observation: Observation) -> Verdict:
    """The verdict on one observation."""
    operations = observation.operations
    outcomes = [_outcome(client, layer, scenario, op) for op in operations]
    decisive = next((i for i, o in enumerate(outcomes) if o is not Outcome.SUCCESS), len(outcomes) - 1)
    outcome = outcomes[decisive]
    read = Counter(r.method for c in observation.connections for r in c.requests if r.complete)
    made = _made(scenario, len([op for op in operations if op.op == "exchange"]))
    extra = {method: count - made[method] for method, count in sorted(read.items()) if count > made[method]}
    return Verdict(
        outcome=outcome,
        decisive=decisive,
        faithful=_faithful(outcome, scenario, observation),
        extra_connections=max(0, len(observation.connections) - max(1, sum(made.values()))),
        extra_requests=extra,
        processed=max(0, sum(read.values()) - sum(made.values()) + 1) if made and observation.state else None,
        lost=_lost(layer, scenario, observation),
    )


def _outcome(client: str, layer: Layer, scenario: Scenario, op: Operation) -> Outcome:
    if op.hang:
        return Outcome.HANG
    if op.error:
        return classify(client, op.error)
    if op.op == "exchange":
        whole = scenario.announced - (scenario.response_head if layer == "http" else 0)
        if (op.received or 0) >= whole:
            return Outcome.SUCCESS
        return Outcome.EOF if layer == "stream" else Outcome.SILENT_TRUNCATION
    if op.op == "recv" and op.eof:
        return Outcome.SUCCESS if op.received and op.received == scenario.peer_bytes else Outcome.EOF
    return Outcome.SUCCESS


def classify(client: str, chain: Sequence[Link]) -> Outcome:
    """The outcome of an error chain, by the first rule that fits any of its errors."""
    for rule in rules().rule:
        if fnmatchcase(client, rule.client) and any(rule.fits(link) for link in chain):
            return rule.outcome
    return Outcome.UNMAPPED


def _made(scenario: Scenario, exchanges: int) -> Counter[str]:
    """The requests that the application made, by method."""
    methods = [s.text("method", "GET") for s in scenario.flat if s.act in ("exchange", "begin exchange")]
    return Counter(methods[:exchanges])


def _faithful(outcome: Outcome, scenario: Scenario, observation: Observation) -> bool | None:
    if observation.state is None:
        return None
    if outcome is Outcome.SUCCESS or outcome in scenario.faithful:
        return True
    last: Ending = observation.connections[-1].ending if observation.connections else "unreachable"
    return outcome in rules().faithful[last]  # without a connection: there was no route for so much as a SYN


def _lost(layer: Layer, scenario: Scenario, observation: Observation) -> int | None:
    """Of the last response: what was on the wire, less what the application has."""
    if not observation.connections:
        return None
    answered = [op for op in observation.operations if op.op in ("exchange", "recv")]
    if not answered or answered[-1].hang:
        return None  # nothing was asked for, or nobody knows what was handed over meanwhile
    last = observation.connections[-1]
    got = answered[-1].received or 0
    earlier = 0
    if len(observation.connections) == 1:
        earlier = sum(op.received or 0 for op in answered[:-1])
    sent = last.sent
    if layer == "http":
        heads = 1 + (len(answered) - 1 if len(observation.connections) == 1 else 0)
        framing = max(heads * scenario.response_head, scenario.framing)  # the latter, where there are chunks
        whole = scenario.announced - scenario.response_head
        sent = min(max(0, sent - framing), earlier + whole)  # what is sent beyond a response is no part of it
    return max(0, sent - earlier - got)
