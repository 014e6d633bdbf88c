"""What the peer remembers of a connection's requests: read how far, answered with what, and drained behind that."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangup_server.errors import StepError
from hangup_server.log import RequestLog
from hangup_server.requests import KEPT, Requests

GET = b"GET /page HTTP/1.1\r\nHost: peer\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: peer\r\nContent-Length: 5\r\n\r\nhello"
HEAD, BODY = POST[:-5], POST[-5:]


def get(**changed: object) -> RequestLog:
    return RequestLog(**{"method": "GET", "path": "/page", "bytes": len(GET), "complete": True, **changed})  # type: ignore[arg-type]


def post(size: int = len(POST), **changed: object) -> RequestLog:
    plain = {"method": "POST", "path": "/form", "bytes": size, "complete": size == len(POST)}
    return RequestLog(**{**plain, **changed})  # type: ignore[arg-type]


LOGS: dict[str, tuple[tuple[bytes | int, ...], list[RequestLog]]] = {
    # what is read, and what is answered, in turn; what is remembered
    "nothing": ((), []),
    "read": ((GET,), [get()]),
    "read in part": ((HEAD,), [post(len(HEAD))]),
    "read and answered": ((GET, 200), [get(answered=200)]),
    "answered before its body was read": ((HEAD, 413), [post(len(HEAD), answered=413)]),
    "drained behind its answer": ((HEAD, 413, BODY), [post(answered=413, drained=True)]),
    "drained in part": ((HEAD, 413, BODY[:2]), [post(len(HEAD) + 2, answered=413)]),
    "drained behind a success": ((HEAD, 200, BODY), [post(answered=200, drained=True)]),
    "answered without being read": ((408,), [RequestLog("", "", 0, complete=False, answered=408)]),
    "answered, and then read": ((408, GET), [get(answered=408, drained=True)]),
    "answered each in turn": ((GET, 200, POST, 201), [get(answered=200), post(answered=201)]),
    "read both, then answered": ((GET + POST, 200, 201), [get(answered=200), post(answered=201)]),
    "read both, one answered": ((GET + POST, 200), [get(answered=200), post()]),
    "the next one's beginning is not drained": ((GET + HEAD, 200, BODY), [get(answered=200), post()]),
    "one answer too many": ((GET, 200, 500), [get(answered=200), RequestLog("", "", 0, complete=False, answered=500)]),
    "no request": ((b"\0\1\2\3\r\n\r\n",), []),
    "no request behind one": ((GET + b"\0\1\2\3\r\n\r\n",), [get()]),
    "answered all the same": ((b"\0\1\2\3\r\n\r\n", 400), []),
}  # fmt: skip


@pytest.mark.parametrize(("said", "log"), LOGS.values(), ids=LOGS)
def test_what_is_remembered(said: tuple[bytes | int, ...], log: list[RequestLog]) -> None:
    requests = Requests()
    for each in said:
        if isinstance(each, bytes):
            requests.took(each)
        else:
            requests.answer(each)
    assert requests.log() == log
    assert not any(entry.refused for entry in requests.log()), "HTTP/1.1 has no words for that"


@given(st.lists(st.integers(0, len(GET + POST)), max_size=5), st.integers(0, 5))
def test_in_whatever_pieces_it_is_read(cuts: list[int], answered_at: int) -> None:
    data = GET + POST
    edges = [0, *sorted(cuts), len(data)]
    requests = Requests()
    had = 0
    for number, (begin, end) in enumerate(pairwise(edges)):
        if number == answered_at:
            requests.answer(200)
            had = begin
        requests.took(data[begin:end])
    whole_before = had >= len(GET)
    answered = answered_at < len(edges) - 1
    first = get(answered=200, drained=not whole_before) if answered else get()
    assert requests.log() == [first, post()]


def test_bytes_behind_an_upgrade_are_no_requests() -> None:
    requests = Requests()
    requests.took(GET)
    requests.ignore()
    requests.took(POST)
    assert requests.log() == [get()]
    with pytest.raises(StepError, match="is not HTTP"):
        requests.current()
    with pytest.raises(StepError, match="is not HTTP"):
        requests.feed(POST)


def test_a_step_takes_at_most_one_request() -> None:
    requests = Requests()
    assert requests.feed(GET + POST) == len(GET)
    assert requests.feed(POST) == len(HEAD)
    assert requests.feed(BODY) == len(BODY)
    assert requests.log() == [get(), post()]


def test_the_latest_are_remembered() -> None:
    requests = Requests()
    for _ in range(KEPT):
        requests.took(GET)
        requests.answer(204)
    requests.took(POST)
    assert requests.log() == [get(answered=204)] * (KEPT - 1) + [post()]
