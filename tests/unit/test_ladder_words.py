"""What an API gave in one line, and a verdict in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from hangup.judge import Outcome, Verdict
from hangup.ladder.words import given, root, verdict_sentences
from hangup.store.model import Link, Operation


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "done"),
        ({"received": 1084}, "1084 bytes"),
        ({"received": 1}, "1 byte"),
        ({"received": 0, "eof": True}, "end of stream"),
        ({"received": 30, "eof": True}, "end of stream after 30 bytes"),
        ({"received": 1024, "status": 200}, "HTTP 200, 1024 bytes"),
        ({"status": 204}, "HTTP 204, 0 bytes"),
        ({"error": (Link(type="ConnectionResetError", message="…", errno=104, code="ECONNRESET"),)},
         "ConnectionResetError [Errno 104]"),
        ({"error": (Link(type="*net.OpError", message="…"), Link(type="syscall.Errno", message="…", errno=32))},
         "OpError [Errno 32]"),
        ({"error": (Link(type="TypeError", message="failed"), Link(type="Error", message="", code="UND_ERR_SOCKET"))},
         "TypeError UND_ERR_SOCKET"),
        ({"error": (Link(type="java.net.SocketException", message="Connection reset"),)},
         "SocketException: Connection reset"),
        ({"error": (Link(type="a.E", message="x" * 60 + "\nmore"),)}, "E: " + "x" * 47 + "…"),
        ({"error": (Link(type="a.E", message=""),)}, "E"),
    ],
)  # fmt: skip
def test_what_an_api_gave(fields: dict[str, Any], text: str) -> None:
    assert given(Operation(op="recv", **fields)) == text


def test_the_root_is_the_deepest_error_that_says_something() -> None:
    told, empty = Link(type="B", message="", code="EPIPE"), Link(type="C", message="")
    assert root([Link(type="A", message=""), told, empty]) is told
    assert root([told, empty, Link(type="D", message="", errno=104)]).type == "D"
    assert root([empty]) is empty


def verdict(**changed: Any) -> Verdict:
    """Of a faithful reset, and what is changed of it."""
    plain: dict[str, Any] = {
        "outcome": Outcome.RESET, "decisive": 0, "faithful": True, "extra_connections": 0, "extra_requests": {},
        "processed": 1, "lost": 0,
    }  # fmt: skip
    return Verdict(**{**plain, **changed})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ["reset", "faithful", "not retried", "processed", "nothing lost"]),
        ({"faithful": False, "lost": 512}, ["reset", "misleading", "not retried", "processed", "512 bytes lost"]),
        ({"processed": 0}, ["reset", "faithful", "not retried", "not processed", "nothing lost"]),
        ({"processed": 2, "extra_requests": {"POST": 1}, "lost": None},
         ["reset", "faithful", "retried", "processed 2 times"]),
        ({"processed": None, "lost": None, "extra_connections": 1}, ["reset", "faithful", "retried"]),
        ({"faithful": None, "processed": 0}, ["reset", "unproved"]),
    ],
)  # fmt: skip
def test_a_verdict_in_words(changed: dict[str, Any], words: list[str]) -> None:
    assert [sentence.word for sentence in verdict_sentences(verdict(**changed))] == words


def test_a_retry_is_told_by_connections_and_requests() -> None:
    told = {s.word: s.text for s in verdict_sentences(verdict(extra_connections=2, extra_requests={"GET": 1}))}
    assert told["retried"] == "the client opened 2 more connections and sent the peer 1 more GET than it was asked for"
