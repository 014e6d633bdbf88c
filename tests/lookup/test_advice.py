"""What a retry may do: called safe only where nothing can have been done."""

from __future__ import annotations

import pytest

from hangup.lookup import Index, lookup
from hangup.lookup.advice import advise, cells_of, told_of

SAFE, UNREAD = "A retry is safe", "The request was not read whole"
DEPENDS, TWICE = "It depends", "A retry may do it twice"
RETRIES = {
    "a read that timed out": (
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a', port=443): Read timed out. (read timeout=30)",
        UNREAD,
    ),
    "a kernel that gave up": ("TimeoutError: [Errno 110] Connection timed out", UNREAD),
    "a broken pipe": ("BrokenPipeError: [Errno 32] Broken pipe", UNREAD),
    "a reset, of a stream too": ("java.io.IOException: Connection reset by peer", UNREAD),
    "a reset in Go": ("read tcp 10.0.0.1:1->10.0.0.2:80: read: connection reset by peer", DEPENDS),
    "a hang-up": ("Error: socket hang up", DEPENDS),
    "a body that is cut short": ("ProtocolError: IncompleteRead(512 bytes read, 512 more expected)", TWICE),
    "a connect that timed out": ("httpx.ConnectTimeout: timed out", SAFE),
    "a refusal": ("connect ECONNREFUSED 127.0.0.1:80", SAFE),
    "of curl, that nothing came": ("curl: (52) Empty reply from server", DEPENDS),
    "of curl, that it was cut short": ("curl: (18) transfer closed with outstanding read data remaining", TWICE),
    "of curl, that it could not send": ("curl: (55) Send failure: Broken pipe", UNREAD),
    "of Ruby, that nothing came in time": ("Net::ReadTimeout", DEPENDS),
    "of Ruby, that nobody answered": ("Net::OpenTimeout: execution expired", SAFE),
    "of Chrome, that a stream was refused": ("net::ERR_HTTP2_SERVER_REFUSED_STREAM", SAFE),
    "no way to a host, in an upload too": ("java.net.NoRouteToHostException: No route to host", UNREAD),
    "a close of one's own": ("write tcp 10.0.0.1:1->10.0.0.2:80: use of closed network connection", UNREAD),
    "a part of a text alone": ("The handshake operation timed out", UNREAD),
    "a refusal that hides an attempt": ("java.net.ConnectException: Connection refused", DEPENDS),
}
"""By what it is: the text, and how the verdict begins."""


@pytest.mark.parametrize(("text", "verdict"), RETRIES.values(), ids=RETRIES)
def test_a_retry_is_safe_only_where_nothing_can_have_been_done(text: str, verdict: str, index: Index) -> None:
    assert advise(index, lookup(index, text)[0]).retry.startswith(verdict)


def test_after_a_silence_no_retry_is_called_safe(index: Index) -> None:
    """Whatever the text, and whoever says it: the peer may still be reading what was sent."""
    called = set()
    for text in index.texts:
        answer = lookup(index, text.shown)[0]
        if not answer.scenarios or not advise(index, answer).retry.startswith(SAFE):
            continue
        best = [ranked for ranked in answer.scenarios if ranked.score == answer.scenarios[0].score]
        for cell in (index.cells[number] for ranked in best for number in ranked.cells):
            if cell.outcome in ("timeout", "hang"):
                called.add(index.scenarios[cell.scenario].moment)
            assert not cell.processed, text.shown
    assert called == {"while connecting", "in the TLS handshake"}


def test_of_a_cell_it_is_told_what_was_measured(index: Index) -> None:
    assert told_of(cells_of(index, "go/net-http", "blackhole-mid-upload")).startswith("It was not processed here")
    assert told_of(cells_of(index, "go/net-http", "rst-mid-body")).startswith("It was processed here")
    assert told_of(cells_of(index, "go/net", "write-after-rst")) == ""
