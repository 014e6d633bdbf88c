"""What an API gave in one line, and a verdict in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from hangup.judge import ActedOn, Outcome, Verdict
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
        "outcome": Outcome.RESET, "decisive": 0, "faithful": True, "ending": "rst", "tries": 1,
        "sent": {"GET": 1}, "acted_on": ActedOn.YES, "lost": 0,
    }  # fmt: skip
    return Verdict(**{**plain, **changed})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ["reset", "faithful", "no retry seen", "acted on", "nothing lost"]),
        ({"faithful": False, "lost": 512}, ["reset", "misleading", "no retry seen", "acted on", "512 bytes lost"]),
        ({"acted_on": ActedOn.NO, "sent": {}}, ["reset", "faithful", "no retry seen", "not acted on", "nothing lost"]),
        ({"acted_on": ActedOn.MAYBE, "lost": 1},
         ["reset", "faithful", "no retry seen", "maybe acted on", "1 byte lost"]),
        ({"tries": 2, "sent": {"POST": 2}, "lost": None}, ["reset", "faithful", "retried ×2", "acted on"]),
        ({"acted_on": None, "sent": None, "lost": None, "tries": 2}, ["reset", "faithful", "retried ×2"]),
        ({"faithful": None, "acted_on": None}, ["reset", "unproved"]),
        ({"outcome": Outcome.UNSPECIFIC, "faithful": None},
         ["unspecific", "unspecific", "no retry seen", "acted on", "nothing lost"]),
    ],
)  # fmt: skip
def test_a_verdict_in_words(changed: dict[str, Any], words: list[str]) -> None:
    assert [sentence.word for sentence in verdict_sentences(verdict(**changed))] == words


@pytest.mark.parametrize(
    ("tries", "sent", "text"),
    [
        (2, {"POST": 2}, "the client by itself sent POST twice"),
        (4, {"GET": 3, "POST": 1}, "the client by itself sent GET 3 times"),
        (2, {"GET": 1}, "the client by itself tried twice"),
        (3, {}, "the client by itself tried 3 times"),
        (3, None, "the client by itself tried 3 times"),
    ],
)
def test_a_retry_is_told_by_what_left_or_else_by_the_tries(tries: int, sent: dict[str, int] | None, text: str) -> None:
    told = {s.word: s.text for s in verdict_sentences(verdict(tries=tries, sent=sent))}
    assert told[f"retried ×{tries}"] == text


def test_a_retry_is_called_safe_only_where_nothing_was_acted_on() -> None:
    safe = {word for word in ActedOn for s in verdict_sentences(verdict(acted_on=word)) if "is safe" in s.text}
    assert safe == {ActedOn.NO}
