"""The requests that left a client, counted on the wire: in the clear as HTTP/1.1, under TLS by records and time."""

from __future__ import annotations

from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import HANDSHAKE, segments

from hangup.evidence import Asked, SentRequest, sent_requests
from hangup.wire import Segment

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def client(*pieces: bytes) -> list[Segment]:
    """The client's segments: a handshake, and these bytes."""
    own = [segment for segment in segments(*HANDSHAKE) if segment.sport == 40_000]
    at = own[-1].seq
    numbers = count(10)
    for piece in pieces:
        number = next(numbers)
        own.append(own[-1]._replace(number=number, time_ns=number, seq=at, length=len(piece), payload=piece))
        at += len(piece)
    return own


def told(*pieces: bytes) -> list[tuple[str, bool | None]]:
    return [(request.method, request.whole) for request in sent_requests(client(*pieces), [])]


IN_THE_CLEAR = [
    ("nothing", (), []),
    ("one", (GET,), [("GET", True)]),
    ("two at once", (GET + POST,), [("GET", True), ("POST", True)]),
    ("one after the other", (GET, GET, GET), [("GET", True)] * 3),
    ("in chunks", (CHUNKED + GET,), [("POST", True), ("GET", True)]),
    ("without the end of its body", (POST[:-1],), [("POST", False)]),
    ("without the end of its last chunk", (CHUNKED[:-2],), [("POST", False)]),
    ("without the end of its head", (GET, GET[:-2]), [("GET", True), ("GET", False)]),
    ("its method and no more", (b"POST ",), [("POST", False)]),
    ("less than its method", (GET, b"PO"), [("GET", True)]),
    ("what a stream client writes", (b"x" * 600,), []),
    ("another protocol", (b"\0\0\1\2" * 9,), []),
]


@pytest.mark.parametrize(("pieces", "requests"), [row[1:] for row in IN_THE_CLEAR], ids=[r[0] for r in IN_THE_CLEAR])
def test_in_the_clear(pieces: tuple[bytes, ...], requests: list[tuple[str, bool]]) -> None:
    assert told(*pieces) == requests


@given(st.lists(st.integers(0, len(GET + POST + CHUNKED + GET)), max_size=6), st.randoms())
def test_however_it_is_cut_and_sent_again(cuts: list[int], random: object) -> None:
    data = GET + POST + CHUNKED + GET
    edges = [0, *sorted(set(cuts) - {0, len(data)}), len(data)]
    sent = client(*(data[a:b] for a, b in pairwise(edges)))
    again = [sent[random.randrange(len(sent))] for _ in range(3)]  # type: ignore[attr-defined]
    requests = sent_requests(sorted([*sent, *again], key=lambda segment: segment.number), [])
    assert [request.method for request in requests] == ["GET", "POST", "POST", "GET"]


def test_a_segment_that_was_cut_off_by_the_capture_still_has_its_length() -> None:
    own = client(POST, GET)
    own[2] = own[2]._replace(payload=own[2].payload[:-10])
    assert [request.method for request in sent_requests(own, [])] == ["POST", "GET"]


def test_what_is_sent_again_may_bring_more() -> None:
    own = client(POST[:30], GET)
    own[3] = own[2]._replace(number=11, length=len(POST + GET), payload=POST + GET)
    assert [request.method for request in sent_requests(own, [])] == ["POST", "GET"]


def record(kind: int, size: int) -> bytes:
    return bytes((kind, 3, 3)) + (size - 5).to_bytes(2, "big") + bytes(size - 5)


HELLO, CIPHER, FINISHED_12, ALERT = record(22, 200), record(20, 6), record(22, 45), record(21, 31)
FINISHED_13, NOTIFY, DATA = record(23, 58), record(23, 24), record(23, 120)
UNDER_TLS = [
    # what is sent, piece by piece from time 10 on; when exchanges begin; the requests
    ("TLS 1.3", (HELLO, CIPHER + FINISHED_13, DATA), [("GET", 0)], ["GET"]),
    ("the Finished is no request", (HELLO, CIPHER + FINISHED_13), [("GET", 0)], []),
    ("nor is a close_notify", (HELLO, FINISHED_13, NOTIFY), [("GET", 0)], []),
    ("TLS 1.2", (HELLO, CIPHER + FINISHED_12, DATA), [("POST", 0)], ["POST"]),
    ("an alert of TLS 1.2", (HELLO, CIPHER + FINISHED_12, ALERT), [("GET", 0)], []),
    ("only the ClientHello", (HELLO,), [("GET", 0)], []),
    ("two exchanges", (HELLO, FINISHED_13, DATA, DATA), [("GET", 0), ("POST", 13)], ["GET", "POST"]),
    ("the second one went elsewhere", (HELLO, FINISHED_13, DATA), [("GET", 0), ("POST", 13)], ["GET"]),
    ("the first one went elsewhere", (HELLO, FINISHED_13, b"", DATA), [("GET", 0), ("POST", 13)], ["POST"]),
    ("one exchange in many records", (HELLO, FINISHED_13, DATA, DATA, DATA), [("POST", 0)], ["POST"]),
    ("a record in pieces", (HELLO, FINISHED_13 + DATA[:3], DATA[3:50], DATA[50:]), [("GET", 0)], ["GET"]),
    ("nothing was asked for", (HELLO, FINISHED_13, DATA), [], []),
]


@pytest.mark.parametrize(
    ("pieces", "asked", "methods"), [row[1:] for row in UNDER_TLS], ids=[row[0] for row in UNDER_TLS]
)
def test_under_tls(pieces: tuple[bytes, ...], asked: list[tuple[str, int]], methods: list[str]) -> None:
    requests = sent_requests(client(*pieces), [Asked(*exchange) for exchange in asked])
    assert requests == tuple(SentRequest(method, None) for method in methods)
