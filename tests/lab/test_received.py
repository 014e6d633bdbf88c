"""What an application has received: the client's count and hash are those of the bytes that the peer sent."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from driving import Driven, drive, first_lab, require_lab
from whole_run import CATALOGUE, LAYERS, MANIFESTS, require_client

from hangup.agents.protocol import Reply
from hangup.conduct.rundir import raw_trials
from hangup_server.http import body, response_head

pytestmark = pytest.mark.lab

SCENARIOS = [
    "normal", "tls13-normal", "h2-normal", "fin-before-response", "excess-body", "short-content-length", "bad-chunk",
    "fin-mid-body", "rst-mid-body", "tls13-rst-mid-body", "h2-rst-stream", "data-then-rst",
]  # fmt: skip
COMPLETE = ["normal", "tls13-normal", "h2-normal"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """A trial of every client in each of these."""
    require_lab(first_lab())
    root = tmp_path_factory.mktemp("received")
    return asyncio.run(drive(first_lab(), MANIFESTS, {name: CATALOGUE[name] for name in SCENARIOS}, root))


def replies(run: Driven, client: str) -> dict[tuple[str, int], Reply]:
    """The client's replies, by scenario and by the place of the operation in it."""
    require_client(run, client)
    return {
        (trial.scenario, place): operation.reply
        for trial in raw_trials(run.folder)
        if trial.client == client
        for place, operation in enumerate(trial.operations)
        if operation.reply is not None
    }


def sent(client: str, scenario: str) -> bytes:
    """What the peer sends at most, as the layer of the client has it."""
    if scenario == "excess-body":
        return body(1024) + b"and more"  # HttpURLConnection gives that as a part of the body
    if LAYERS[client] == "http" or scenario == "data-then-rst":
        return body(1024)
    return response_head(length=1024, close=scenario == "normal") + body(1024)


@pytest.mark.parametrize("client", LAYERS)
def test_the_hash_is_that_of_the_bytes_that_the_peer_sent(run: Driven, client: str) -> None:
    given = replies(run, client)
    assert given
    for (scenario, place), reply in given.items():
        got = sent(client, scenario)[: reply.received or 0]
        assert reply.sha256 == (sha256(got) if got else None), (scenario, place)
        assert (reply.received or 0) == len(got), (scenario, place)
    whole = {scenario: reply.received for (scenario, _), reply in given.items() if scenario in COMPLETE}
    assert whole
    assert whole == {scenario: len(sent(client, scenario)) for scenario in whole}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_error_that_follows_the_error_is_told_by_its_event(run: Driven) -> None:
    """A reset within a body: the request of node/http fails, and then its response."""
    reply = replies(run, "node/http")["rst-mid-body", 0]
    assert [link.message for link in reply.error or ()] == ["read ECONNRESET"]
    assert [(event.name, event.error[0].message) for event in reply.events or ()] == [
        ("error of the response", "aborted")
    ]
