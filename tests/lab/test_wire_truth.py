"""What TCP itself does at an ending, read from the packets of real trials and not from what we conclude of them."""

from __future__ import annotations

import pytest
from driving import Driven
from whole_run import STREAM_CLIENTS, require_client

from hangup.conduct.rundir import raw_trials, trial_segments
from hangup.conduct.trial import Trial
from hangup.wire import Flags

pytestmark = pytest.mark.lab

PLAIN = [name for name in ("python/socket", "go/net") if name in STREAM_CLIENTS]
"""Clients that do what they are told and nothing by themselves."""


def trials(run: Driven, client: str, scenario: str) -> list[Trial]:
    """The valid trials of a cell."""
    if not run.result.proved:
        pytest.skip(f"lab {run.result.lab}: cannot capture here")
    require_client(run, client)
    found = [t for t in raw_trials(run.folder) if (t.client, t.scenario) == (client, scenario) and not t.invalid]
    assert found
    return found


def story(run: Driven, trial: Trial) -> list[str]:
    """The trial's segments, one word each: who, and of FIN, RST and data what it carries. Bare ACKs are left out."""
    words = []
    for segment in trial_segments(run.folder, trial):
        who = "peer" if segment.sport == trial.port else "client"
        marks = [flag.name for flag in (Flags.SYN, Flags.FIN, Flags.RST) if segment.flags & flag]
        what = marks + (["data"] if segment.length else [])
        if what:
            words.append(f"{who} {'+'.join(what)}")
    return words


def errnos(trial: Trial) -> list[str | None]:
    """Of each operation, the symbol of the POSIX error that it ended with."""
    return [
        next((link.code for link in operation.reply.error if link.code), "?") if operation.reply.error else None
        for operation in trial.operations
        if operation.reply is not None
    ]


HANDSHAKE = ["client SYN", "peer SYN"]


@pytest.mark.parametrize("client", PLAIN)
def test_the_first_write_after_a_fin_succeeds_and_draws_a_rst(whole: Driven, client: str) -> None:
    for trial in trials(whole, client, "write-after-fin"):
        assert story(whole, trial) == [*HANDSHAKE, "peer FIN", "client data", "peer RST"]
        _connect, first, second, read = errnos(trial)
        assert first is None
        assert second == "EPIPE"
        assert read in (None, "io.EOF"), "the end of the stream, which came first, is what a read still tells"


@pytest.mark.parametrize("client", PLAIN)
def test_a_write_after_a_rst_sends_nothing(whole: Driven, client: str) -> None:
    for trial in trials(whole, client, "write-after-rst"):
        assert story(whole, trial) == [*HANDSHAKE, "peer RST"]
        _connect, first, second, _read = errnos(trial)
        assert (first, second) == ("ECONNRESET", "EPIPE"), "the pending error is told once"


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("scenario", ["fin-then-rst", "write-after-fin"])
def test_a_rst_behind_a_fin_is_never_econnreset(whole: Driven, client: str, scenario: str) -> None:
    for trial in trials(whole, client, scenario):
        told = [link for op in trial.operations if op.reply for link in op.reply.error or ()]
        assert not [link for link in told if link.errno == 104 or link.code == "ECONNRESET"]
        assert not [link for link in told if "reset by peer" in link.message.lower()]


@pytest.mark.parametrize("client", PLAIN)
def test_a_killed_server_that_had_read_everything_sends_a_fin(whole: Driven, client: str) -> None:
    for trial in trials(whole, client, "server-killed-idle"):
        assert story(whole, trial) == [*HANDSHAKE, "client data", "peer FIN", "client FIN"]


@pytest.mark.parametrize("client", PLAIN)
@pytest.mark.parametrize("scenario", ["server-killed-unread", "rst-unread-request"])
def test_a_server_that_ends_with_something_unread_sends_a_rst(whole: Driven, client: str, scenario: str) -> None:
    for trial in trials(whole, client, scenario):
        assert story(whole, trial) == [*HANDSHAKE, "client data", "peer RST"]


@pytest.mark.parametrize("client", PLAIN)
def test_nothing_listening_answers_with_a_rst(whole: Driven, client: str) -> None:
    for trial in trials(whole, client, "refused"):
        assert story(whole, trial) == ["client SYN", "peer RST"]


@pytest.mark.parametrize("client", PLAIN)
def test_a_half_close_is_no_ending(whole: Driven, client: str) -> None:
    for trial in trials(whole, client, "half-close-by-client"):
        words = story(whole, trial)
        assert words[:4] == [*HANDSHAKE, "client data", "client FIN"]
        assert "peer RST" not in words
        assert [word for word in words[4:] if "data" in word], "the answer comes after the client's FIN"
