"""Which scenarios `hangup serve` plays: those whose whole ending the peer alone makes. The others it refuses."""

from __future__ import annotations

import pytest

from hangup.catalogue import load_catalogue
from hangup.cli.serve import refusal, served
from hangup_server.script import parse
from hangup_server.standalone import for_every_client
from hangup_server.steps import STEPS
from hangup_server.steps.ending import AwaitReset
from hangup_server.steps.step import ConnectionStep

CATALOGUE = load_catalogue()

NETWORK = {
    "address-removed", "admin-prohibited", "blackhole-mid-body", "blackhole-mid-upload", "connect-timeout",
    "conntrack-flushed", "firewall-reset-mid-stream", "firewall-reset-on-connect", "host-gone", "host-unreachable",
    "icmp-mid-connection", "injected-rst", "injected-rst-both", "injected-rst-out-of-window", "keepalive-timeout",
    "local-abort", "no-route", "published-port-no-listener",
    "reuse-forgotten-drop-get-again", "reuse-forgotten-drop-get-once",
    "reuse-forgotten-drop-post-again", "reuse-forgotten-drop-post-once",
    "reuse-forgotten-rst-get-again", "reuse-forgotten-rst-get-once",
    "reuse-forgotten-rst-post-again", "reuse-forgotten-rst-post-once",
    "service-endpoint-removed",
}  # fmt: skip
CONTAINER = {"container-killed", "container-paused", "container-removed", "container-stopped", "network-disconnected"}
UNACCEPTED = {"backlog-full-drop", "backlog-full-reset", "listener-closed-unaccepted", "refused"}

ENDINGS = ("close", "reset", "vanish", "shutdown", "kill", "interrupt", "terminate")
SILENT = {
    "silence-before-response", "silence-mid-body", "silence-mid-head", "silence-on-accept", "stalled-upload",
    "tls-silence-at-hello",
    "peer-shuts-reading",  # what the client sends goes nowhere
}  # fmt: skip
"""The peer's part is to do nothing more: the client ends these."""


def reason(name: str) -> str:
    return refusal(CATALOGUE[name]) or ""


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_scenario_is_served_whole_or_refused(name: str) -> None:
    scenario, why = CATALOGUE[name], reason(name)
    if name in NETWORK | CONTAINER | UNACCEPTED:
        assert f"`hangup play {name} --client CLIENT" in why
        return
    assert why == ""
    assert {step.actor for step in scenario.flat} <= {"peer", "client", "wait"}
    steps = for_every_client(parse(served(scenario))).steps
    assert not any(isinstance(step, AwaitReset) for step in steps), "nobody else resets it"
    assert (steps[-1].name in ENDINGS) is (name not in SILENT)


@pytest.mark.parametrize(
    ("names", "word"),
    [(NETWORK, "the network"), (CONTAINER, "an engine"), (UNACCEPTED, "accepts no connection")],
    ids=["network", "container", "unaccepted"],
)
def test_the_reason_names_who_makes_the_ending(names: set[str], word: str) -> None:
    assert {name for name in CATALOGUE if word in reason(name)} == names


def test_where_a_container_is_needed_the_reason_says_in_which_lab() -> None:
    told = {name for name in CATALOGUE if "--lab docker" in reason(name)}
    assert told == CONTAINER | {"published-port-no-listener"}


def test_the_next_request_gets_its_answer_where_the_script_says_so() -> None:
    acts = [step["step"] for step in served(CATALOGUE["excess-body"])]
    assert acts.count("recv request") == 2
    assert all(issubclass(STEPS[act], ConnectionStep) for act in acts if act != "accept")
