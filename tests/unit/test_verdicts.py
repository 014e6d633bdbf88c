"""Verdicts that were wrong once, or could be: what the application is told, what happened, and whether a retry is safe.

Each row is a cell as it is stored, or as another client's would be.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from wire_packets import HANDSHAKE, segments

from hangup import paths
from hangup.agents.protocol import Layer
from hangup.catalogue import load_catalogue
from hangup.evidence import Asked, seen_connections
from hangup.judge import Outcome, Verdict, judge
from hangup.judge.judge import classify
from hangup.ladder.words import acted_on, faithful, retried, unproved, verdict_sentences
from hangup.lookup.advice import _without_safe, advise
from hangup.lookup.build import build
from hangup.lookup.index import Index
from hangup.lookup.rank import lookup
from hangup.outcome import ActedOn
from hangup.store import load_results
from hangup.store.model import Connection, Link, Observation, Operation, Request
from hangup.tables.pages import FINDINGS

CATALOGUE = load_catalogue()


def verdict(client: str, scenario: str, *parts: Operation | Connection) -> Verdict:
    observation = Observation(
        share="always",
        operations=tuple(part for part in parts if isinstance(part, Operation)),
        connections=tuple(part for part in parts if isinstance(part, Connection)),
    )
    layer: Layer = "stream" if client.endswith(("/net", "/socket", "/asyncio-streams")) else "http"
    return judge(client, layer, CATALOGUE[scenario], observation)


def failed(*links: Link, **changed: Any) -> Operation:
    return Operation(**{"op": "exchange", "received": 0, "error": links, **changed})


def answered(received: int = 1024, **changed: Any) -> Operation:
    return Operation(**{"op": "exchange", "status": 200, "received": received, **changed})


def link(kind: str, message: str, code: str | None = None) -> Link:
    return Link(type=kind, message=message, code=code)


def seen(state: str, history: str, *requests: Request, **changed: Any) -> Connection:
    return Connection(state=state, history=history, requests=requests, **changed)


GET = Request(method="GET", answered=200)
UNREAD = Request(method="GET", read="none")
SILENT = seen("S1", "ShD")
PAYLOAD = "aiohttp.client_exceptions.ClientPayloadError"
CUT = "Response payload is not completed: <ContentLengthError: 400, message='Not enough data'>"
JDK = "HTTP/1.1 header parser received no bytes"

TOLD = [
    # client, error chain, and what it says
    ("go/net-http", [link("http.tlsHandshakeTimeoutError", "net/http: TLS handshake timeout")], Outcome.TIMEOUT),
    ("python/aiohttp", [link(PAYLOAD, f"{CUT}. ConnectionAbortedError(103, 'Software caused connection abort')")],
     Outcome.ABORTED),
    ("python/aiohttp", [link(PAYLOAD, f"{CUT}. ConnectionResetError(104, 'Connection reset by peer')")],
     Outcome.RESET),
    ("python/aiohttp", [link(PAYLOAD, CUT)], Outcome.TRUNCATED),
    ("java/socket", [link("java.net.SocketException", "Software caused connection abort")], Outcome.ABORTED),
    ("java/httpclient", [link("java.io.IOException", JDK)], Outcome.UNSPECIFIC),
    ("java/httpclient", [link("java.io.IOException", JDK), link("java.io.EOFException", "EOF reached while reading")],
     Outcome.EOF),
    ("java/httpclient", [link("java.io.IOException", JDK), link("java.net.SocketException", "Connection reset")],
     Outcome.RESET),
    ("node/fetch", [link("SocketError", "other side closed", "UND_ERR_SOCKET")], Outcome.EOF),
    ("node/fetch", [link("SocketError", "bad response", "UND_ERR_SOCKET")], Outcome.PROTOCOL),
    ("node/fetch", [link("SocketError", "closed", "UND_ERR_SOCKET")], Outcome.UNMAPPED),
    ("go/net-http", [link("http.http2StreamError", "stream error: stream ID 1; INTERNAL_ERROR; received from peer")],
     Outcome.RESET),
    ("go/net-http", [link("http.http2StreamError", "stream error: stream ID 1; PROTOCOL_ERROR")], Outcome.UNMAPPED),
]  # fmt: skip


@pytest.mark.parametrize(("client", "chain", "outcome"), TOLD, ids=[f"{r[0]} {r[1][-1].message[:40]}" for r in TOLD])
def test_what_an_error_says(client: str, chain: list[Link], outcome: Outcome) -> None:
    assert classify(client, chain).outcome is outcome


def test_a_kernels_own_abort_that_the_text_names_misleads_nobody() -> None:
    error = failed(link(PAYLOAD, f"{CUT}. ConnectionAbortedError(103, 'Software caused connection abort')"), status=200)
    own = seen("RSTO", "ShDdR", GET, rst=("client",), sent=553)
    assert verdict("python/aiohttp", "local-abort", error, own).faithful is True
    assert verdict("python/aiohttp", "local-abort", failed(link(PAYLOAD, CUT), status=200), own).faithful is False


def test_what_no_rule_knows_is_neither_faithful_nor_misleading() -> None:
    odd = verdict("python/socket", "rst-before-response", failed(link("ValueError", "embedded null byte")), SILENT)
    assert (odd.outcome, odd.faithful) == (Outcome.UNMAPPED, None)
    assert not unproved(odd)
    assert faithful(odd).word == ""
    assert "unproved" not in [sentence.word for sentence in verdict_sentences(odd)]


NODES = ["socket hang up", "Client network socket disconnected before secure TLS connection was established"]


@pytest.mark.parametrize("text", NODES)
def test_what_node_says_of_a_fin_is_misleading_behind_a_rst_too(text: str) -> None:
    """The RST came behind the FIN, and what Node speaks of is the FIN."""
    both = seen("RSTR", "ShDfr", GET, peer_fin=True, rst=("peer",), rst_after_fin=True)
    error = failed(link("Error", text, "ECONNRESET"))
    assert verdict("node/http", "fin-then-rst", error, both).faithful is False
    error = failed(link("Error", "read ECONNRESET", "ECONNRESET"))
    assert verdict("node/http", "fin-then-rst", error, both).faithful is True


def test_a_peer_that_sent_all_that_the_reads_asked_for_was_not_silent() -> None:
    reads = Operation(op="recv", received=64)
    assert verdict("go/net", "peer-shuts-reading", reads, seen("S2", "ShDdF", sent=64)).ending == "none"
    assert verdict("go/net", "peer-shuts-reading", reads, seen("S2", "ShDF", sent=63)).ending == "silence"
    assert verdict("go/net", "keepalive-timeout", reads, seen("RSTO", "ShR", rst=("client",))).ending == "silence"


HANGS = Operation(op="exchange", hang=True)
TIMES_OUT = failed(link("TimeoutError", "timed out"))
ACTED_ON = [
    # what is no proof that the request was not acted on, and what is
    ("the call still waits: what it was asked for it may send yet", "tls-silence-at-hello", [HANGS, SILENT], "maybe"),
    ("the call gave up in the handshake", "tls-silence-at-hello", [TIMES_OUT, SILENT], "no"),
    ("still waits for the handshake", "connect-timeout", [HANGS, seen("S0", "S")], "maybe"),
    ("gave up connecting", "connect-timeout", [TIMES_OUT, seen("S0", "S")], "no"),
    ("still waits, refused by the protocol so far", "h2-rst-stream-refused",
     [HANGS, seen("S1", "ShD", Request(method="GET", refused=True))], "maybe"),
    ("bytes left that nobody could read as a request", "rst-before-response",
     [TIMES_OUT, seen("RSTR", "ShDr", rst=("peer",))], "maybe"),
    ("nothing left on a connection that was reset", "rst-before-response",
     [TIMES_OUT, seen("RSTR", "Shr", rst=("peer",))], "no"),
    ("a ClientHello is no request", "tls-rst-at-hello", [TIMES_OUT, seen("RSTR", "ShDr", rst=("peer",))], "no"),
    ("held by the kernel, behind a request that was answered", "address-removed",
     [answered(), TIMES_OUT, seen("S1", "ShDd", GET, sent=1065)], "maybe"),
    ("the same under TLS", "tls-reuse-after-fin-get-once",
     [answered(), TIMES_OUT, seen("S1", "ShDd", GET, sent=1065)], "maybe"),
    ("under TLS, the idle connection reset before", "tls-reuse-after-rst-get-once",
     [answered(), TIMES_OUT, seen("RSTR", "ShDdr", GET, rst=("peer",), sent=1065)], "no"),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "parts", "word"), [r[1:] for r in ACTED_ON], ids=[r[0] for r in ACTED_ON])
def test_acted_on(scenario: str, parts: list[Operation | Connection], word: str) -> None:
    assert verdict("python/http.client", scenario, *parts).acted_on == word


def test_the_sentences_say_no_more_than_the_wire_does() -> None:
    """Of a request that the kernel holds nothing had left, and its second attempt is the first on the wire."""
    held = verdict("python/http.client", "address-removed", answered(), TIMES_OUT, seen("S1", "ShDd", GET, sent=1065))
    assert (held.sent, held.acted_on) == ({}, ActedOn.MAYBE)
    assert "left" not in acted_on(held).text
    assert retried(held).word == "no retry seen"
    part = Request(method="POST", read="partly", answered=200)
    early = verdict("python/http.client", "rst-after-body-unread-trailer", answered(), seen("RSTR", "ShDdr", part))
    assert early.acted_on is ActedOn.YES
    assert "answered it with success" in acted_on(early).text


PORT = 9000
HELLO, FINISHED, TICKET = bytes((22, 3, 1, 0, 5)) + bytes(5), bytes((23, 3, 3, 0, 53)) + bytes(53), 100


def second_exchange(size: int, *, behind_fin: bool) -> list[str]:
    """The methods that are seen on a TLS connection whose second exchange begins with one small record."""
    small = bytes((23, 3, 3)) + (size - 5).to_bytes(2, "big") + bytes(size - 5)
    first = bytes((23, 3, 3, 0, 60)) + bytes(60)
    *opening, request, answer, fin, again = segments(
        *HANDSHAKE, f"> PA 1 1 {len(HELLO)}", f"< PA 1 {1 + len(HELLO)} {TICKET}",
        "> PA 11 101 123", "< PA 101 134 50", "< FA 151 134", f"> PA 134 152 {size}",
    )  # fmt: skip
    hello = opening[-2]._replace(payload=HELLO)
    packets = [*opening[:-2], hello, opening[-1], request._replace(payload=FINISHED + first), answer]
    packets += [fin, again._replace(payload=small)] if behind_fin else [again._replace(payload=small), fin]
    begun = again.time_ns
    (found,) = seen_connections(
        packets, PORT, CATALOGUE["h2-reuse-after-goaway"], [Asked("GET", 0), Asked("POST", begun)], None
    )
    return [request.method for request in found.requests]


@pytest.mark.parametrize("behind_fin", [False, True])
def test_a_second_request_over_http2_is_no_larger_than_an_alert(*, behind_fin: bool) -> None:
    """Its fields are in the table, a byte each: Node's record has 36 bytes, h2's 38. Uncounted, it would be ``no``."""
    assert second_exchange(36, behind_fin=behind_fin) == ["GET", "POST"]
    assert second_exchange(31, behind_fin=behind_fin) == ["GET"]  # an acknowledgement of SETTINGS
    assert second_exchange(24, behind_fin=behind_fin) == ["GET"]  # close_notify


def found(*parts: Operation | Connection, client: str = "python/aiohttp", scenario: str = "rst-mid-body") -> list[str]:
    told = verdict(client, scenario, *parts)
    return [title for title, holds in FINDINGS if holds(told)]


def test_a_finding_stands_only_over_cells_that_it_is_true_of() -> None:
    """Not over every cell with the same outcome: an abort by the client's own kernel is no reset."""
    cut, reset = failed(link(PAYLOAD, CUT), received=512), failed(link("OSError", "", "ECONNRESET"), received=512)
    silent = seen("S1", "ShDd", GET, sent=553)
    by_fin = seen("S3", "ShDdf", GET, peer_fin=True, sent=553)
    by_rst = seen("RSTR", "ShDdr", GET, rst=("peer",), sent=553)
    own = seen("RSTO", "ShDdR", GET, rst=("client",), sent=553)
    other = ["What is reported is misleading in another way"]
    assert found(cut, by_rst) == ["A reset is reported as an end of the stream"]
    assert found(cut, own, scenario="local-abort") == found(cut, silent) == found(reset, silent) == other
    assert found(reset, by_fin) == ["An end of the stream (FIN) is reported as a reset"]
    assert found(cut, by_fin) == found(reset, by_rst) == []
    refused = failed(link("ConnectionRefusedError", "", "ECONNREFUSED"))
    rejected = seen("REJ", "Sr", rst=("peer",))
    before = "A refusal is reported although the request had left the client, on a connection before"
    assert found(refused, seen("S3", "ShDf", UNREAD, peer_fin=True), rejected) == [before]
    assert found(refused, rejected) == []
    assert found(HANGS, by_fin) == ["Nothing is reported at all"]


@pytest.fixture(scope="module")
def index() -> Index:
    return build(load_results(paths.published_results()).values(), CATALOGUE)


TERMINATED = "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake"
URLLIB3 = (
    "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='a', port=443): Max retries exceeded with url: / "
    "(Caused by SSLError(SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol "
    "(_ssl.c:1)')))"
)
RETRIES = [(TERMINATED, "idempotent-only"), (URLLIB3, "idempotent-only"), ("httpx.ConnectTimeout: timed out", "safe")]


@pytest.mark.parametrize(("text", "retry"), RETRIES)
def test_a_lesson_calls_a_retry_safe_only_where_the_answer_does(index: Index, text: str, retry: str) -> None:
    """A text that several scenarios may have caused is given the lessons of each."""
    advice = advise(index, lookup(index, text)[0])
    assert advice.retry == retry
    assert advice.lessons
    assert any("retry is safe" in lesson for lesson in advice.lessons) is (retry == "safe")


def test_a_lesson_keeps_what_warns() -> None:
    lesson = CATALOGUE["fin-after-100-continue"].teaches
    assert lesson is not None
    assert _without_safe(lesson) == lesson
    for scenario in CATALOGUE.values():
        assert not re.search("retry[^.]* is safe", _without_safe(scenario.teaches or ""))
