"""The requests of one connection, made out of its bytes as they are read. It reads nothing by itself."""

from __future__ import annotations

from hangup_server.errors import StepError
from hangup_server.http import NotHttpError, RequestParser, request_size
from hangup_server.log import RequestLog


class Requests:
    """Those read so far, and the one that is being read. A stream client may say anything: then there are none."""

    def __init__(self) -> None:
        self._parsers: list[RequestParser] = []
        self._answers: list[tuple[int, bool]] = []
        """Of each request that was answered: the status, and whether it had been read whole by then."""
        self._http = True

    def log(self) -> list[RequestLog]:
        read = [parser for parser in self._parsers if parser.size]
        return [
            self._entry(read[number] if number < len(read) else RequestParser(), number)
            for number in range(max(len(read), len(self._answers)))
        ]

    def _entry(self, parser: RequestParser, number: int) -> RequestLog:
        log = RequestLog(parser.method, parser.path, parser.size, parser.complete)
        if number < len(self._answers):
            log.answered, whole = self._answers[number]
            log.drained = log.complete and not whole
        return log

    def answer(self, status: int) -> None:
        """A final response is begun, for the first request that has none."""
        number = len(self._answers)
        self._answers.append((status, number < len(self._parsers) and self._parsers[number].complete))

    def ignore(self) -> None:
        """From here on bytes are no requests: another protocol is spoken."""
        self._http = False

    def took(self, data: bytes) -> None:
        """Bytes that were read, whatever step read them."""
        while data and self._http:
            data = data[self._feed(self.current(), data) :]

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

    def _feed(self, parser: RequestParser, data: bytes) -> int:
        try:
            return parser.feed(data)
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
