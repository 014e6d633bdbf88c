"""At which moment of the client's work a scenario's connection ends: read off its script, and said nowhere else."""

from __future__ import annotations

from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hangup.catalogue import Scenario  # the lookup reads the words below, and must not wait for the catalogue


class Moment(StrEnum):
    """In words that follow an ending: a FIN before the response."""

    CONNECTING = "while connecting"
    HANDSHAKE = "in the TLS handshake"
    REQUEST = "before the whole request was read"
    RESPONSE = "before the response"
    HEAD = "in the response's head"
    BODY = "in the response's body"
    COMPLETE = "after the whole response"
    IDLE = "on a connection that was used before"
    READ = "before a read"
    WRITE = "before a write"


UNSENT = frozenset({Moment.CONNECTING, Moment.HANDSHAKE})
"""When no request can have been sent yet: there was no connection for it."""


def moment(scenario: Scenario) -> Moment:
    """When the first connection ends."""
    peer = {step.act for step in scenario.flat if step.actor == "peer"}
    if "accept" not in peer:
        return Moment.CONNECTING
    if "recv hello" in peer and "handshake" not in peer:
        return Moment.HANDSHAKE
    if scenario.exchanges > 1:
        return Moment.IDLE
    if scenario.exchanges == 0:
        return _stream(scenario)
    return _response(scenario) if "recv request" in peer else Moment.REQUEST


def _response(scenario: Scenario) -> Moment:
    """By what the peer had sent, or had got through before the network failed."""
    from hangup.catalogue import script  # as above

    before = takewhile(lambda step: step.actor != "network", scenario.flat)
    sent = script.bytes_sent((step.act, step.params) for step in before if step.actor == "peer")
    if sent == 0:
        return Moment.RESPONSE
    if sent < scenario.response_head:
        return Moment.HEAD
    return Moment.BODY if sent < scenario.announced else Moment.COMPLETE


def _stream(scenario: Scenario) -> Moment:
    """Of a session without requests: what the application did first when the peer had had its last word."""
    acts = [(step.actor, step.act) for step in scenario.flat]
    last = max(number for number, (actor, _act) in enumerate(acts) if actor in ("peer", "network"))
    after = (act for actor, act in acts[last + 1 :] if actor == "client")
    return Moment.WRITE if next((act for act in after if act in ("send", "recv")), "recv") == "send" else Moment.READ
