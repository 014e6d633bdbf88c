"""What payload says of messages: whole, cut, or nothing that we know; in any number of parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangup.diagnose.messages import Messages

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"
HELLO = bytes.fromhex("1603030005") + b"hello"
RECORD = bytes.fromhex("1703030005") + b"12345"


def fed(data: bytes, cuts: tuple[int, ...] = (), *, seq: int = 4_294_967_290) -> Messages:
    """The answers' side, fed in parts; its sequence numbers wrap."""
    messages = Messages(Messages())
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    for number, (start, end) in enumerate(pairwise(edges)):
        part = data[start:end]
        messages.feed(number, (seq + start) & 0xFFFFFFFF, len(part), part)
    return messages


@pytest.mark.parametrize(
    ("data", "unfinished", "missing"),
    [
        (HEAD + b"0123456789", None, None),
        (HEAD + b"01234", "body", 5),
        (HEAD[:-2], "head", None),
        ((HEAD + b"0123456789") * 3, None, None),
        ((HEAD + b"0123456789") * 2 + HEAD, "body", 10),
        (CHUNKED, None, None),
        (CHUNKED[:-5], "body", None),
        (CHUNKED + HEAD + b"0123456789", None, None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"0", "body", 9),
        (RECORD * 3, None, None),
        (RECORD * 3 + RECORD[:-1], "body", 1),
        (RECORD + RECORD[:3], "head", None),
        (HELLO * 2, "handshake", None),
        (HELLO + RECORD, None, None),
        (HEAD + b"0123456789" + b"HTTP/2", None, None),
    ],
)
@given(cuts=st.lists(st.integers(6, 200), max_size=5))
def test_a_message_is_whole_or_cut_however_it_came(
    data: bytes, unfinished: str | None, missing: int | None, cuts: list[int]
) -> None:
    if data.startswith(b"HTTP"):
        cuts = [cut for cut in cuts if cut >= 13]  # the first segment must tell what it is
    messages = fed(data, tuple(cuts))
    assert (messages.unfinished, messages.missing) == (unfinished, missing)


def test_a_retransmission_is_counted_once() -> None:
    messages = fed(HEAD + b"01234", (20,), seq=100)
    messages.feed(9, 110, 20, (HEAD + b"01234")[10:30])
    assert messages.missing == 5


def test_a_hole_ends_all_knowledge() -> None:
    messages = fed(HEAD, seq=100)
    messages.feed(9, 100 + len(HEAD) + 3, 5, b"34567")
    assert (messages.kind, messages.unfinished, messages.done) == (None, None, True)


def test_a_snapped_body_is_counted_by_its_length_on_the_wire() -> None:
    messages = fed(HEAD, seq=100)
    messages.feed(1, 100 + len(HEAD), 7, b"01")
    assert messages.missing == 3


def test_a_snapped_head_ends_all_knowledge() -> None:
    messages = Messages(Messages())
    messages.feed(0, 1, 500, HEAD[:20])
    assert messages.unfinished is None


def test_a_head_without_end_is_not_held() -> None:
    messages = fed(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000, tuple(range(1000, 600_000, 1000)))
    assert messages.done


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=80)), max_size=12))
def test_anything_is_survived(parts: list[tuple[int, bytes]]) -> None:
    messages = Messages(Messages())
    for number, (seq, data) in enumerate(parts):
        messages.feed(number, seq, len(data), data)
    assert messages.unfinished in (None, "head", "body")
