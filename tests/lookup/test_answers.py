"""Texts whose words are many programs', or nobody's: what is made of them, and what is not."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from hangup.lookup import Index, lookup

RESET = {
    "Linux", "go/net", "go/net-http", "java/nio-socketchannel", "java/socket", "python/aiohttp",
    "python/asyncio-streams", "python/http.client", "python/httpx", "python/requests", "python/socket",
    "python/urllib3",
}  # fmt: skip
PIPE = RESET - {"go/net-http", "python/httpx", "python/requests", "python/urllib3"}
REFUSED = (RESET - {"python/aiohttp", "python/asyncio-streams"}) | {"java/httpurlconnection"}
"""Whose words these are, and who passes them on. Node has its codes instead."""


class Case(NamedTuple):
    """``first``: who is named first, all with one score; nobody where nothing is known."""

    text: str
    first: set[str]
    confidence: str
    ending: str = ""
    """What happened most likely."""


SYSTEM = [
    Case("Connection reset by peer", RESET, "likely", "rst"),
    Case("connection reset by peer", RESET, "likely", "rst"),
    Case("Broken pipe", PIPE, "likely", "fin, rst"),
    Case("Connection refused", REFUSED, "likely", "refused"),
    Case("wget: Read error (Connection reset by peer) in headers.", RESET, "likely", "rst"),
    Case(
        "(104)Connection reset by peer: [client 10.0.0.9:5] AH01102: error reading status line", RESET, "likely", "rst"
    ),
    Case("HttpRequestException: Connection refused (localhost:5000)", REFUSED, "likely", "refused"),
    Case("org.example.SocketException: Connection reset by peer", RESET, "likely", "rst"),
]
"""The operating system's words, with nothing that tells whose they are."""
KNOWN = [
    Case("java.io.IOException: Connection reset by peer", {"java/nio-socketchannel"}, "exact", "rst"),
    Case(
        "read tcp 10.0.0.1:80->10.0.0.2:90: read: connection reset by peer", {"go/net", "go/net-http"}, "exact", "rst"
    ),
    Case("ConnectionResetError: [WinError 10054] Eine Verbindung wurde geschlossen", {"Windows"}, "likely", "rst"),
    Case("ConnectionResetError: [Errno 54] Connection reset by peer", {"macOS and the BSDs"}, "likely", "rst"),
    Case("java.io.IOException: broken: java.net.SocketException: [WinError 10054] x", {"Windows"}, "likely", "rst"),
    Case("SocketException: Connection reset by peer", {"java/socket"}, "likely", "rst"),
    Case("System.Net.Sockets.SocketException (104): Connection reset by peer", {".NET"}, "exact", "rst"),
    Case("aiohttp.ServerDisconnectedError: Server disconnected", {"python/aiohttp"}, "exact", "fin"),
    *(Case(f'{method} "http://x/y": EOF', {"go/net-http"}, "exact", "fin") for method in ("Get", "Post", "Put")),
]
"""What is known in spite of a likeness to others."""
NUMBERS = [
    *(Case(text, {"Windows"}, "exact", "rst") for text in ("10054", "(10054, 0)")),
    *(
        Case(text, {"Windows"}, "likely", "rst")
        for text in ("WSAGetLastError() returned 10054", "Socket Error # 10054", "send failed: 10054", "x [10054]")
    ),
    *(
        Case(text, set(), "none")
        for text in ("order 10054 shipped", "nginx[10054]: started", "[error] 10054#0: *7 worker", "10054 orders")
    ),
]
"""A number of Windows' own is one where the line says so, and otherwise any number."""
NOTHING = [
    Case(text, set(), "none")
    for text in (
        "url",
        "message",
        "0123456789abcdef",
        "a total of 7 bytes read",
        "net/http",
        "GnuTLS recv error (-54): Error in the pull function.",
        "error code 2",
    )
]
"""Labels, bytes that an error shows, two words of anybody's, numbers that are no system's."""
OWN = [
    *(
        Case(text + "Error: socket hang up", {"node/http"}, "exact", "fin")
        for text in (
            "",
            "2026-11-23 10:15:30,123 ",
            "2026-11-23T10:15:30Z ERROR ",
            "[worker-3] ",
            "api: ",
            "12 a.b.C : ",
        )
    ),
    Case('2026/11/23 10:15:30 Get "http://x/y": EOF', {"go/net-http"}, "exact", "fin"),
    Case("Error: socket hang up, trying again", {"node/http"}, "likely", "fin"),
    Case("unexpected EOF while it read the file", set(), "none"),
    Case("accept tcp [::]:8080: use of closed network connection", {"Go (net)"}, "exact"),
    Case("my accept tcp [::]:8080: use of closed network connection", {"Go (net)"}, "likely"),
    Case("org.example.SlowException: it timed out", set(), "none"),
]
"""Exact is what is all of a line but for a log's prefix; of two plain words among others nothing is sure."""
CASES = [*SYSTEM, *KNOWN, *NUMBERS, *NOTHING, *OWN]


EXCERPTS = {
    "radio timeout of tcp 10.0.0.1:443: i/o timeout": "i/o timeout",
    "x: \x1b[31mread ECONNRESET\x1b[0m": "read ECONNRESET",
    "a\x07 \x1b]0;title\x07Error: read\x00ECONNRESET \x9b": "Error: read ECONNRESET",
    "reconnect failed: write: broken pipe, again": "write: broken pipe",
    "[Errno 32] x": "32",
}
"""What is shown of a text as that by which it is known: whole words, and nothing that steers a terminal."""


@pytest.mark.parametrize(("text", "excerpt"), EXCERPTS.items())
def test_the_deciding_words_are_whole_and_harmless(text: str, excerpt: str, index: Index) -> None:
    assert lookup(index, text)[0].clients[0].why == (excerpt,)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text[:60])
def test_is_told_as_it_is(case: Case, index: Index) -> None:
    (answer,) = lookup(index, case.text)
    assert answer.confidence == case.confidence
    assert {ranked.client for ranked in answer.clients if ranked.score == answer.clients[0].score} == case.first
    assert not case.ending or answer.endings[0].ending == case.ending
    assert answer.system == (case in SYSTEM)


def test_the_method_of_a_request_is_no_cause(index: Index) -> None:
    one, *others = (lookup(index, f'{method} "http://x/y": EOF')[0].endings for method in ("Get", "Post", "Put"))
    assert "before the response" in {ending.moment for ending in one if ending.score == one[0].score}
    assert others == [one, one]
