"""Results of several platforms on one page: what only one can play is said, and what differs has its cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hangup.catalogue import load_catalogue
from hangup.labs.base import LabName
from hangup.store import ClientResults
from hangup.store.model import SCHEMA
from hangup.tables import labs, matrix_page, readme_page
from hangup.tables.labs import Cause, cause_of, causes, differing

CATALOGUE = load_catalogue()
RESET = {"type": "ConnectionResetError", "errno": 104, "code": "ECONNRESET", "message": "[Errno 104] reset"}


def results(platform: LabName, *scenarios: str, message: str = "[Errno 104] reset") -> ClientResults:
    """One client that reports a reset in each of the scenarios."""
    operation = {"op": "exchange", "phase": "recv", "received": 0, "error": [RESET | {"message": message}]}
    connection = {
        "state": "SF", "history": "ShDFf", "first_fin": "peer", "peer_fin": True, "requests": [{"method": "GET"}],
    }  # fmt: skip
    observation = {"share": "always", "operations": [operation], "connections": [connection]}
    table: dict[str, Any] = {
        "schema": SCHEMA, "about": "Made up.", "client": "python/socket", "layer": "stream", "platform": platform,
        "proved": True, "trials": 10, "cells": {name: {"observations": [observation]} for name in scenarios},
        "stack": {"runtime": "CPython", "versions": {}, "system": "Linux"}, "end": {"cells": len(scenarios)},
    }  # fmt: skip
    return ClientResults.model_validate(table)


BOTH = [results("docker", "fin-before-response", "container-killed"), results("netns", "fin-before-response")]


def section(page: str, title: str) -> str:
    """What stands under a heading."""
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_what_a_platform_cannot_play_is_said_with_the_reason() -> None:
    for page in (readme_page(BOTH, CATALOGUE), matrix_page(BOTH, CATALOGUE)):
        docker, netns = sorted(line for line in page.splitlines() if "cannot play" in line)
        assert netns.startswith("The netns lab cannot play `container-killed`, ")
        assert " (it has no engine of containers); `published-port-no-listener` " in netns
        assert docker.startswith("The docker lab cannot play ")
        assert "`injected-rst`" in docker


def test_what_is_surprising_on_one_platform_only_says_on_which() -> None:
    found = section(readme_page(BOTH, CATALOGUE), "What is surprising")
    assert "- `python/socket`: container-killed (docker), fin-before-response\n" in found


def test_platforms_that_measured_the_same_are_said_to_have() -> None:
    assert section(readme_page(BOTH, CATALOGUE), "Where docker and netns differ").strip() == (
        "No cell that both have differs."
    )


def test_one_platform_alone_is_compared_with_nothing() -> None:
    assert "differ" not in readme_page(BOTH[:1], CATALOGUE).partition("## What ran (docker)")[2]


DIFFERENT = [results("docker", "fin-before-response"), results("netns", "fin-before-response", message="Reset")]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ([Cause(client="python/*", scenario="fin-*", aspects=frozenset({"message"}), why="So it is.")], "So it is."),
        ([Cause(client="go/*", scenario="*", aspects=frozenset({"message"}), why="Not this.")], "Nobody has found out"),
        ([Cause(client="*", scenario="rst-*", aspects=frozenset({"message"}), why="Not this.")], "Nobody has found"),
        ([Cause(client="*", scenario="*", aspects=frozenset({"printed"}), why="Not this.")], "Nobody has found out"),
        ([], "Nobody has found out why yet."),
    ],
    ids=["its cause", "another client", "another scenario", "another aspect", "none"],
)
def test_a_difference_is_told_with_its_cause(
    monkeypatch: pytest.MonkeyPatch, known: Sequence[Cause], told: str
) -> None:
    monkeypatch.setattr(labs, "causes", lambda: known)
    found = section(readme_page(DIFFERENT, CATALOGUE), "Where docker and netns differ")
    assert told in found
    assert "- `python/socket` (message): fin-before-response\n" in found


def test_the_causes_that_are_kept_allow_for_another_outcome_only_of_one_client_in_named_scenarios() -> None:
    assert causes()
    wide = [c for c in causes() if "outcome" in c.aspects and ("*" in c.client or c.scenario == "*")]
    assert wide == []
    (cell,) = differing(DIFFERENT, CATALOGUE, "docker", "netns")
    assert cause_of(cell) is None, "a message that differs is no matter of versions by itself"
