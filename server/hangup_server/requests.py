"""The requests of one connection, made out of its bytes as they are read. It reads nothing by itself."""

from __future__ import annotations

from collections import deque

from hangup_server.errors import StepError
from hangup_server.http import NotHttpError, RequestParser, request_size
from hangup_server.log import RequestLog

KEPT = 1000
"""Requests of one connection that are remembered, the latest: a client may send them without end."""


class Requests:
    """Those read so far, and the one that is being read. A stream client may say anything: then there are none."""

    def __init__(self) -> None:
        self._parsers: deque[RequestParser] = deque(maxlen=KEPT)
        self._http = True

    def log(self) -> list[RequestLog]:
        return [
            RequestLog(parser.method, parser.path, parser.size, parser.complete)
            for parser in self._parsers
            if parser.size
        ]

    def ignore(self) -> None:
        """From here on bytes are no requests: another protocol is spoken."""
        self._http = False

    def took(self, data: bytes) -> None:
        """Bytes that were read, whatever step read them."""
        taken = 0
        while taken < len(data) and self._http:
            taken += self._feed(self.current(), data, taken)

    def current(self) -> RequestParser:
        """The request that is being read, or the next one. Raises StepError where it is none."""
        if not self._http:
            raise StepError("what the client sent is not HTTP")
        if not self._parsers or self._parsers[-1].complete:
            self._parsers.append(RequestParser())
        return self._parsers[-1]

    def feed(self, data: bytes) -> int:
        """As `took`, at most to the end of the current head or request: how many bytes. Raises StepError."""
        taken = self._feed(self.current(), data)
        if not self._http:
            raise StepError("what the client sent is not HTTP")
        return taken

    def _feed(self, parser: RequestParser, data: bytes, start: int = 0) -> int:
        try:
            return parser.feed(data, start)
        except NotHttpError:
            self.ignore()
            self._parsers.remove(parser)
            return 0


def is_whole(data: bytes) -> bool:
    """Whether these bytes begin with a whole request. Raises StepError where they are none."""
    try:
        return request_size(data) is not None
    except NotHttpError as error:
        raise StepError(str(error)) from error
