"""The pure HTTP of the peer: where requests end, and what response bytes are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangup_server.http import (
    LAST_CHUNK,
    MAX_HEAD,
    NotHttpError,
    RequestParser,
    body,
    chunk,
    response_head,
    whole_requests,
)
from hangup_server.requests import KEPT, Requests

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
REQUESTS = {
    "get": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no-fields": b"GET / HTTP/1.0\r\n\r\n",
    "content-length": b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "content-length-0": b"POST /x HTTP/1.1\r\ncontent-length:  0 \r\n\r\n",
    "chunked": b"POST /x HTTP/1.1\r\n" + CHUNKED + b"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "chunked-in-capitals": b"PUT / HTTP/1.1\r\nTRANSFER-ENCODING: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "line-ends-in-a-chunk": b"PUT / HTTP/1.1\r\n" + CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n",
    "chunk-extension": b"POST / HTTP/1.1\r\n" + CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "trailers": b"POST / HTTP/1.1\r\n" + CHUNKED + b"0\r\nA: b\r\nC: d\r\n\r\n",
    "chunked-wins": b"POST / HTTP/1.1\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


def feed_all(parser: RequestParser, data: bytes) -> int:
    """Feeds until the parser takes no more."""
    taken = 0
    while taken < len(data) and (piece := parser.feed(data[taken:])):
        taken += piece
    return taken


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000], ids="pieces-of-{}".format)
@pytest.mark.parametrize("name", REQUESTS)
def test_takes_exactly_the_request(name: str, size: int) -> None:
    request = REQUESTS[name]
    parser = RequestParser()
    data = request + b"GET /next HTTP/1.1\r\n"
    taken = 0
    while not parser.complete:
        taken += feed_all(parser, data[taken : taken + size])
    assert taken == parser.size == len(request)
    assert parser.feed(data[taken:]) == 0
    assert (parser.method, parser.path) == tuple(request.decode().split(" ")[:2])


@pytest.mark.parametrize("name", REQUESTS)
def test_not_complete_before_its_last_byte(name: str) -> None:
    request = REQUESTS[name]
    for end in range(len(request)):
        parser = RequestParser()
        assert feed_all(parser, request[:end]) == end
        assert not parser.complete
        assert parser.head_complete == (b"\r\n\r\n" in request[:end])


def test_stops_at_the_end_of_the_head() -> None:
    parser = RequestParser()
    request = REQUESTS["content-length"]
    assert parser.feed(request) == len(request) - len(b"hello")
    assert parser.head_complete
    assert not parser.complete
    assert parser.feed(b"hello") == 5
    assert parser.complete


class Counted(bytes):
    """Bytes that count how many of them are copied."""

    copied = 0

    def __getitem__(self, which: Any) -> Any:
        piece = super().__getitem__(which)
        type(self).copied += len(piece)
        return piece


def test_many_requests_in_one_piece_are_copied_once() -> None:
    data = Counted(REQUESTS["get"] * 2_000 + REQUESTS["chunked"] * 2_000)
    Counted.copied = 0
    requests = Requests()
    requests.took(data)
    assert len(requests.log()) == KEPT, "a client may send them without end"
    assert 0 < Counted.copied <= len(data)
    assert whole_requests(data) == 4_000
    assert Counted.copied <= 2 * len(data)


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_a_head_in_pieces_is_one_head(size: int) -> None:
    data = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n"
    parser = RequestParser()
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
    assert parser.complete
    assert parser.size == len(data)


def test_a_wrong_first_line_is_found_when_its_end_comes_in_two_pieces() -> None:
    parser = RequestParser()
    parser.feed(b"hello\r")
    with pytest.raises(NotHttpError, match="'hello'"):
        parser.feed(b"\n")


def test_whole_requests_are_counted() -> None:
    whole = list(REQUESTS.values())
    data = b"".join(whole)
    assert whole_requests(data) == len(whole)
    assert whole_requests(data[:-1]) == len(whole) - 1
    assert whole_requests(whole[0] + b"no HTTP\r\n" + whole[0]) == 1
    assert whole_requests(b"") == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\r\n\r\n", id="empty-head"),
        pytest.param(b"hello\r\n", id="not-a-request-line"),
        pytest.param(b"GET / HTTP/2.0\r\n\r\n", id="http-2"),
        pytest.param(b"GET  / HTTP/1.1\r\n\r\n", id="four-words"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", id="field-without-colon"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", id="signed-length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", id="python-number"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", id="no-length"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", id="bad-chunk-size"),
        pytest.param(b"x" * (MAX_HEAD + 1), id="endless-head"),
    ],
)
def test_what_is_not_http_is_refused(data: bytes) -> None:
    parser = RequestParser()
    with pytest.raises(NotHttpError):
        feed_all(parser, data)


@given(st.binary(max_size=200), st.integers(min_value=1, max_value=50))
def test_any_bytes_are_taken_or_refused(data: bytes, size: int) -> None:
    parser = RequestParser()
    try:
        for start in range(0, len(data), size):
            feed_all(parser, data[start : start + size])
    except NotHttpError:
        return
    assert parser.size <= len(data)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (response_head(), b"HTTP/1.1 200 OK\r\n\r\n"),
        (response_head(length=0), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (
            response_head(413, length=7, close=True),
            b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\nConnection: close\r\n\r\n",
        ),
        (response_head(299), b"HTTP/1.1 299 \r\n\r\n"),
        (response_head(200, ""), b"HTTP/1.1 200 \r\n\r\n"),
        (response_head(103, "Soon"), b"HTTP/1.1 103 Soon\r\n\r\n"),
        (response_head(version="1.0"), b"HTTP/1.0 200 OK\r\n\r\n"),
        (response_head(chunked=True), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (response_head(padding=3), b"HTTP/1.1 200 OK\r\nX-Padding: xxx\r\n\r\n"),
        (response_head(padding=1, fields=2), b"HTTP/1.1 200 OK\r\nX-Padding: x\r\nX-Padding: x\r\n\r\n"),
    ],
)
def test_response_head(head: bytes, expected: bytes) -> None:
    assert head == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (chunk(10), b"A\r\n0123456789\r\n"),
        (chunk(10, of=10), b"A\r\n0123456789\r\n"),
        (chunk(2, of=10), b"A\r\n01"),
    ],
    ids=["whole", "all-of-it", "cut"],
)
def test_chunk(sent: bytes, expected: bytes) -> None:
    assert sent == expected


@given(st.lists(st.integers(1, 5_000)))
def test_a_chunked_body_ends_with_its_last_chunk(sizes: list[int]) -> None:
    parser = RequestParser()
    parser.feed(REQUESTS["chunked"][: REQUESTS["chunked"].index(b"\r\n\r\n") + 4])
    for size in sizes:
        feed_all(parser, chunk(size))
        assert not parser.complete
    feed_all(parser, LAST_CHUNK)
    assert parser.complete


@given(st.integers(0, 200_000), st.integers(0, 1_000), st.integers(0, 200_000))
def test_body_in_pieces_is_the_whole_body(size: int, step: int, offset: int) -> None:
    whole = body(size + step, offset)
    assert len(whole) == size + step
    assert body(step, offset) + body(size, offset + step) == whole
