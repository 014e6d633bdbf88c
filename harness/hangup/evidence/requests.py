"""The requests that left the client on a connection, counted on the wire, whoever read them.

In the clear they are read as HTTP/1.1. Under TLS they cannot be: there a request has left if the client sent
application data after the handshake, in the time of an exchange. Two requests of one exchange go out on two
connections, because a client that tries again takes another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hangup.wire import Flags, Segment
from hangup.wire.sequence import offset
from hangup_server.http import NotHttpError, RequestParser

_CHANGE_CIPHER_SPEC, _HANDSHAKE, _APPLICATION_DATA = 20, 22, 23
"""Types of TLS records: RFC 8446 section 5.1."""
_NO_REQUEST = 31
"""Bytes of a TLS record, its head included, that cannot have a request in it. In TLS 1.3 an alert has 24, and the
shortest frame of HTTP/2, which acknowledges SETTINGS, 31. A request whose fields are in HTTP/2's table (RFC 7541,
section 6.1: a byte each) has 35 and more; other frames, which no size tells from it, count as a request too."""


class Asked(NamedTuple):
    """An exchange that the application asked for."""

    method: str
    begun_ns: int


@dataclass(frozen=True)
class SentRequest:
    """A request of which something left the client."""

    method: str
    whole: bool | None
    """Whether all of it left; None where that cannot be told, under TLS."""


def sent_requests(segments: Iterable[Segment], asked: Sequence[Asked]) -> tuple[SentRequest, ...]:
    """The requests on one connection; ``segments`` are the client's own."""
    pieces = list(_stream(segments))
    if pieces and pieces[0].data[:1] == bytes((_HANDSHAKE,)):
        return tuple(_under_tls(pieces, asked))
    return tuple(_in_the_clear(b"".join(piece.data for piece in pieces)))


class _Piece(NamedTuple):
    """Bytes of the stream that were new, and when they were sent."""

    time_ns: int
    data: bytes


def _stream(segments: Iterable[Segment]) -> Iterator[_Piece]:
    """The client's bytes in their order, each once. What the capture cut off is filled with zeros."""
    begin: int | None = None
    have = 0
    for segment in segments:
        if begin is None:
            begin = segment.seq + bool(segment.flags & Flags.SYN)
        if not segment.length:
            continue
        start = offset(segment.seq + bool(segment.flags & Flags.SYN), begin)
        if start <= have < start + segment.length:
            data = segment.payload.ljust(segment.length, b"\0")[have - start :]
            have += len(data)
            yield _Piece(segment.time_ns, data)


def _in_the_clear(data: bytes) -> Iterator[SentRequest]:
    while data:
        parser = RequestParser()
        try:
            taken = parser.feed(data)
            taken += parser.feed(data[taken:])
        except NotHttpError:
            return
        method, space, _rest = data.partition(b" ")
        if not space:
            return  # what a stream client writes, or so little of a request that its method is not known
        yield SentRequest(method.decode("latin-1"), parser.complete)
        data = data[taken:] if parser.complete else b""


def _under_tls(pieces: Sequence[_Piece], asked: Sequence[Asked]) -> Iterator[SentRequest]:
    sent = list(_application_data(pieces))
    for number, exchange in enumerate(asked):
        until = asked[number + 1].begun_ns if number + 1 < len(asked) else None
        if any(exchange.begun_ns <= time_ns and (until is None or time_ns < until) for time_ns in sent):
            yield SentRequest(exchange.method, None)


def _application_data(pieces: Sequence[_Piece]) -> Iterator[int]:
    """When each record with data of the application was sent: neither TLS 1.3's Finished nor an alert.

    In TLS 1.3 the Finished is the first record of this type; in TLS 1.2 it is a handshake record, behind
    ChangeCipherSpec.
    """
    protected = False
    finished = False
    for time_ns, kind, size in _records(pieces):
        if kind == _CHANGE_CIPHER_SPEC:
            protected = True
        elif kind == _HANDSHAKE and protected:
            finished = True
        elif kind == _APPLICATION_DATA:
            if not finished:
                finished = True
            elif size > _NO_REQUEST:
                yield time_ns


def _records(pieces: Sequence[_Piece]) -> Iterator[tuple[int, int, int]]:
    """Every TLS record: when its head was sent, its type, and the bytes of it, its head included."""
    buffer, skip = b"", 0
    for time_ns, data in pieces:
        over = min(skip, len(data))
        skip -= over
        buffer += data[over:]
        while not skip and len(buffer) >= 5:
            size = 5 + int.from_bytes(buffer[3:5], "big")
            yield time_ns, buffer[0], size
            skip = max(0, size - len(buffer))
            buffer = buffer[size:]
