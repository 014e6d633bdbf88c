"""The requests of one connection, made out of its bytes as they are read. It reads nothing by itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hangup_server.errors import StepError
from hangup_server.http import NotHttpError, RequestParser, request_size
from hangup_server.log import RequestLog

KEPT = 1000
"""Requests of one connection that are remembered, the latest: a client may send them without end."""


@dataclass
class _Request:
    """One request, as far as it was read and answered."""

    parser: RequestParser
    answered: int | None = None
    whole: bool = False
    """It had been read whole when it was answered."""

    def log(self) -> RequestLog:
        read = self.parser
        drained = self.answered is not None and read.complete and not self.whole
        return RequestLog(read.method, read.path, read.size, read.complete, self.answered, drained)


class Requests:
    """Those read so far, and the one that is being read. A stream client may say anything: then there are none."""

    def __init__(self) -> None:
        self._requests: deque[_Request] = deque(maxlen=KEPT)
        self._unanswered: deque[_Request] = deque(maxlen=KEPT)
        self._http = True

    def log(self) -> list[RequestLog]:
        return [request.log() for request in self._requests if request.parser.size or request.answered is not None]

    def answer(self, status: int) -> None:
        """A final response is begun, for the first request that has none; it may not have been read at all."""
        if not self._unanswered:
            self._begin()
        request = self._unanswered.popleft()
        request.answered, request.whole = status, request.parser.complete

    def _begin(self) -> None:
        request = _Request(RequestParser())
        self._requests.append(request)
        self._unanswered.append(request)

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
        if not self._requests or self._requests[-1].parser.complete:
            self._begin()
        return self._requests[-1].parser

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
            self._requests = deque((r for r in self._requests if r.parser is not parser), KEPT)
            return 0


def is_whole(data: bytes) -> bool:
    """Whether these bytes begin with a whole request. Raises StepError where they are none."""
    try:
        return request_size(data) is not None
    except NotHttpError as error:
        raise StepError(str(error)) from error
