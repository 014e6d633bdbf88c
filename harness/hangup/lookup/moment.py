"""At which moment of the client's work a scenario's connection ends: read off its script, and said nowhere else."""

from __future__ import annotations

from hangup.catalogue import Scenario

CONNECTING = "while connecting"
REQUEST = "before the whole request was read"
RESPONSE = "before the response"
HEAD = "in the response's head"
BODY = "in the response's body"
COMPLETE = "after the whole response"
IDLE = "on a connection that was used before"
READ = "before a read"
WRITE = "before a write"


def moment(scenario: Scenario) -> str:
    """One of the words above."""
    peer = [step.act for step in scenario.flat if step.actor == "peer"]
    if "accept" not in peer:
        return CONNECTING
    if scenario.exchanges > 1:
        return IDLE
    if scenario.exchanges == 0:
        return _stream(scenario)
    if "recv request" not in peer:
        return REQUEST
    return _response(scenario)


def _response(scenario: Scenario) -> str:
    sent, head = scenario.peer_bytes, scenario.response_head
    if sent == 0:
        return RESPONSE
    if sent < head:
        return HEAD
    return BODY if sent < scenario.announced else COMPLETE


def _stream(scenario: Scenario) -> str:
    """Of a session without requests: what the application did first when the peer had had its last word."""
    acts = [(step.actor, step.act) for step in scenario.flat]
    last = max(number for number, (actor, _act) in enumerate(acts) if actor in ("peer", "network"))
    after = (act for actor, act in acts[last + 1 :] if actor == "client")
    return WRITE if next((act for act in after if act in ("send", "recv")), "recv") == "send" else READ
