"""From an observation to a verdict: the outcome, and what the wire says beside it.

The rules are data (``rules.toml``). An error that no rule knows is ``unmapped``, and a release has none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from hangup.agents.protocol import Layer
from hangup.catalogue import Scenario
from hangup.judge.ending import Ending, endings
from hangup.judge.requests import LastRequest
from hangup.outcome import ActedOn, Outcome
from hangup.store.model import Link, Observation, Operation

RULES_FILE = Path(__file__).with_name("rules.toml")


class Rule(BaseModel):
    """One rule: all that it names must fit one error of the chain."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    outcome: Outcome
    client: str = "*"
    type: str | None = None
    code: str | None = None
    text: str | None = None
    of: Ending | None = None
    """The ending that the library says this of, where the words name another one."""

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
    """Whether the application was told what happened on the wire; None where there is no evidence, or where the
    error names no ending, or none that a rule knows."""
    ending: Ending
    """How the last connection ended."""
    tries: int
    """How often the client sent the last request, or connected for it."""
    sent: dict[str, int] | None
    """How often the last request left the client, by method, whoever read it; None where no request was made, or
    nothing was captured."""
    acted_on: ActedOn | None
    """Whether the peer acted on the last request; None as for ``sent``."""
    lost: int | None
    """Bytes that the peer had sent of the last response and that the application did not get."""

    @property
    def retried(self) -> bool:
        """Whether the client tried again by itself."""
        return self.tries > 1


def judge(client: str, layer: Layer, scenario: Scenario, observation: Observation) -> Verdict:
    """The verdict on one observation."""
    told = [_told(client, layer, scenario, op) for op in observation.operations]
    decisive = next((i for i, t in enumerate(told) if t.outcome is not Outcome.SUCCESS), len(told) - 1)
    last = LastRequest(scenario, observation)
    ended = endings(scenario, observation) or ("unreachable",)  # there was no route for so much as a SYN
    return Verdict(
        outcome=told[decisive].outcome,
        decisive=decisive,
        faithful=_faithful(told[decisive], ended, scenario, observation, last),
        ending=ended[-1],
        tries=last.tries,
        sent=last.sent,
        acted_on=last.acted_on,
        lost=_lost(layer, scenario, observation),
    )


class Told(NamedTuple):
    """What the application is told by one operation."""

    outcome: Outcome
    of: Ending | None = None
    """The ending that the library's words are made for, where they do not name it."""


def _told(client: str, layer: Layer, scenario: Scenario, op: Operation) -> Told:
    if op.hang:
        return Told(Outcome.HANG)
    if op.error:
        return classify(client, op.error)
    if op.op == "exchange":
        return Told(_answer(layer, scenario, op))
    if op.op == "recv" and op.eof:
        whole = op.received and op.received == scenario.peer_bytes
        return Told(Outcome.SUCCESS if whole else Outcome.EOF)
    return Told(Outcome.SUCCESS)


def _answer(layer: Layer, scenario: Scenario, op: Operation) -> Outcome:
    """What an exchange came to that reported no error: success is the whole answer, and nothing else."""
    content = scenario.content if layer == "http" else scenario.response
    received = op.received or 0
    if op.status not in (None, scenario.status) or received > len(content):
        return Outcome.WRONG_ANSWER
    if op.sha256 is not None and op.sha256 != sha256(content[:received]).hexdigest():
        return Outcome.WRONG_ANSWER
    if received < len(content):
        return Outcome.EOF if layer == "stream" else Outcome.SILENT_TRUNCATION
    return Outcome.SUCCESS


def classify(client: str, chain: Sequence[Link]) -> Told:
    """What an error chain says, by the first rule that fits any of its errors."""
    for rule in rules().rule:
        if fnmatchcase(client, rule.client) and any(rule.fits(link) for link in chain):
            return Told(rule.outcome, rule.of)
    return Told(Outcome.UNMAPPED)


def _faithful(
    told: Told, ended: Sequence[Ending], scenario: Scenario, observation: Observation, last: LastRequest
) -> bool | None:
    """Whether what is told fits the ending of the last connection; if no request left on that one, it must fit the
    endings of those on which one had left, too. Else a refusal reads as if nothing had been sent."""
    outcome = told.outcome
    if not observation.proved or outcome in (Outcome.UNSPECIFIC, Outcome.UNMAPPED):
        return None
    if outcome is Outcome.SUCCESS or outcome in scenario.faithful:
        return True
    if told.of == "fin" and ended[-1] == "fin, rst":
        return outcome in rules().faithful["fin"]  # what the client met was the FIN
    return all(outcome in rules().faithful[ended[number]] for number in last.connections(len(ended)))


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
