"""At which moment of the client's work a scenario's connection ends: read off its script, and said nowhere else."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hangup.catalogue import Scenario  # the lookup reads the words below, and must not wait for the catalogue


class Moment(StrEnum):
    """In words that follow an ending: a FIN before the response."""

    CONNECTING = "while connecting"
    REQUEST = "before the whole request was read"
    RESPONSE = "before the response"
    HEAD = "in the response's head"
    BODY = "in the response's body"
    COMPLETE = "after the whole response"
    IDLE = "on a connection that was used before"
    READ = "before a read"
    WRITE = "before a write"


def moment(scenario: Scenario) -> Moment:
    """When the first connection ends."""
    peer = [step.act for step in scenario.flat if step.actor == "peer"]
    if "accept" not in peer:
        return Moment.CONNECTING
    if scenario.exchanges > 1:
        return Moment.IDLE
    if scenario.exchanges == 0:
        return _stream(scenario)
    if "recv request" not in peer:
        return Moment.REQUEST
    return _response(scenario)


def _response(scenario: Scenario) -> Moment:
    sent, head = scenario.peer_bytes, scenario.response_head
    if sent == 0:
        return Moment.RESPONSE
    if sent < head:
        return Moment.HEAD
    return Moment.BODY if sent < scenario.announced else Moment.COMPLETE


def _stream(scenario: Scenario) -> Moment:
    """Of a session without requests: what the application did first when the peer had had its last word."""
    acts = [(step.actor, step.act) for step in scenario.flat]
    last = max(number for number, (actor, _act) in enumerate(acts) if actor in ("peer", "network"))
    after = (act for actor, act in acts[last + 1 :] if actor == "client")
    return Moment.WRITE if next((act for act in after if act in ("send", "recv")), "recv") == "send" else Moment.READ
