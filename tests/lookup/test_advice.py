"""What a retry may do: called safe only where nothing can have been done."""

from __future__ import annotations

from collections import defaultdict

import pytest

from hangup.lookup import Index, lookup
from hangup.lookup.advice import advise, cells_of, told_of

SAFE = "A retry is safe: no request was acted on"
NOTHING = "Nothing happened on the wire: "
UNKNOWN = "The text names nothing that happened on the wire. "
SILENCE = "The request may have been acted on: who stops waiting does not know"
ACTED = "The request may have been acted on. It was in "
MAYBE = "The request may have been acted on"
RETRIES = {
    "a read that timed out": (
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a', port=443): Read timed out. (read timeout=30)",
        SILENCE,
    ),
    "a kernel that gave up": ("TimeoutError: [Errno 110] Connection timed out", SILENCE),
    "a broken pipe": ("BrokenPipeError: [Errno 32] Broken pipe", MAYBE),
    "a reset, of a stream too": ("java.io.IOException: Connection reset by peer", MAYBE),
    "a reset in Go": ("read tcp 10.0.0.1:1->10.0.0.2:80: read: connection reset by peer", ACTED),
    "a hang-up": ("Error: socket hang up", ACTED),
    "a body that is cut short": ("ProtocolError: IncompleteRead(512 bytes read, 512 more expected)", ACTED),
    "a connect that timed out": ("httpx.ConnectTimeout: timed out", SAFE),
    "a refusal": ("connect ECONNREFUSED 127.0.0.1:80", SAFE),
    "of curl, that nothing came": ("curl: (52) Empty reply from server", MAYBE),
    "of curl, that it was cut short": ("curl: (18) transfer closed with outstanding read data remaining", MAYBE),
    "of curl, that it could not send": ("curl: (55) Send failure: Broken pipe", MAYBE),
    "of curl, that it could not connect": (
        "curl: (7) Failed to connect to a.example port 443 after 3 ms: Couldn't connect to server", SAFE,
    ),
    "of Ruby, that nothing came in time": ("Net::ReadTimeout", SILENCE),
    "of Ruby, that nobody answered": ("Net::OpenTimeout: execution expired", SILENCE),
    "of Chrome, that a stream was refused": ("net::ERR_HTTP2_SERVER_REFUSED_STREAM", SAFE),
    "no way to a host, in an upload too": ("java.net.NoRouteToHostException: No route to host", MAYBE),
    "a close of one's own": ("write tcp 10.0.0.1:1->10.0.0.2:80: use of closed network connection", UNKNOWN),
    "a name that is not known": ("dial tcp: lookup a.example: no such host", NOTHING),
    "a part alone of a text of which one meaning is that nothing happened": (
        "ERROR 2013 (HY000): Lost connection to MySQL server at 'reading initial communication packet'", MAYBE,
    ),
    "a part of a text alone": ("The handshake operation timed out", MAYBE),
    "a refusal that hides an attempt": ("java.net.ConnectException: Connection refused", MAYBE),
}  # fmt: skip
"""By what it is: the text, and how the verdict begins."""


@pytest.mark.parametrize(("text", "verdict"), RETRIES.values(), ids=RETRIES)
def test_a_retry_is_safe_only_where_nothing_can_have_been_done(text: str, verdict: str, index: Index) -> None:
    assert advise(index, lookup(index, text)[0]).what.startswith(verdict)


@pytest.mark.parametrize(
    "text", ["Connection refused", "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:1007)"]
)
def test_no_lesson_calls_a_retry_safe_where_the_verdict_does_not(text: str, index: Index) -> None:
    advice = advise(index, lookup(index, text)[0])
    assert advice.retry != "safe"
    assert advice.lessons
    assert not any(" is safe" in lesson for lesson in advice.lessons)


def test_a_lesson_may_call_a_retry_safe_where_the_verdict_does(index: Index) -> None:
    advice = advise(index, lookup(index, "connect ECONNREFUSED 127.0.0.1:80")[0])
    assert advice.retry == "safe"
    assert any("a retry is safe" in lesson for lesson in advice.lessons)


def test_safe_is_said_only_where_every_way_to_a_text_is_no(index: Index) -> None:
    """Whatever the text, and whoever says it: each cell in which all of it was heard."""
    called = set()
    for text in index.texts:
        answer = lookup(index, text.shown)[0]
        if advise(index, answer).retry != "safe":
            continue
        ways = [index.cells[number] for number in (*answer.ways, *text.cells)]
        assert {cell.acted_on for cell in ways} == {"no"}, text.shown
        assert not any(index.speakers[cell.speaker].repeats for cell in ways), text.shown
        called |= {index.scenarios[cell.scenario].moment for cell in ways if cell.scenario is not None}
    assert {"while connecting", "in the TLS handshake"} <= called


def test_a_cell_that_varies_counts_with_its_worst(index: Index) -> None:
    by_cell: defaultdict[tuple[int, int | None], set[str | None]] = defaultdict(set)
    for cell in index.cells:
        if index.speakers[cell.speaker].source is None:
            by_cell[cell.speaker, cell.scenario].add(cell.acted_on)
    assert max(map(len, by_cell.values())) <= 2  # the two labs, which are two measurements


def test_of_a_cell_it_is_told_what_was_measured(index: Index) -> None:
    maybe = told_of(cells_of(index, "go/net-http", "blackhole-mid-upload"))
    assert maybe == "The request may have been acted on here. Repeat only what is idempotent."
    assert told_of(cells_of(index, "go/net-http", "rst-mid-body")).startswith("The request was acted on here.")
    assert told_of(cells_of(index, "go/net", "write-after-rst")) == ""
