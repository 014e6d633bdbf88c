"""The little HTTP/1.1 that the peer speaks: where a request ends, and what the bytes of a response are.

Pure: bytes in, bytes out. It knows no sockets, no steps and no time, so the same arguments always give the
same bytes; the harness calls `response_head` itself to learn how many bytes a head has.
"""

from __future__ import annotations

from enum import Enum

MAX_HEAD = 1 << 20
"""Bytes of a request head (or of one line of a chunked body) after which we no longer take it for HTTP."""

REASONS = {
    100: "Continue",
    103: "Early Hints",
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
"""Reason phrases of RFC 9110 section 15; those of `http.HTTPStatus` differ between Python versions."""

_PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\n"
_BLOCK = _PATTERN * 1024


class NotHttpError(ValueError):
    """What the client sent is not an HTTP/1.x request."""


def response_head(
    status: int = 200,
    reason: str | None = None,
    length: int | None = None,
    close: bool = False,
    *,
    chunked: bool = False,
    version: str = "1.1",
    padding: int = 0,
    fields: int = 1,
) -> bytes:
    """Every byte of a response head: no Date, no Server, so that it is the same on every run.

    With neither `length` nor `chunked`, the end of the connection is the end of the body (RFC 9112 section 6.3).
    `padding` makes the head longer, by `fields` fields of so many bytes each.
    """
    phrase = REASONS.get(status, "") if reason is None else reason
    lines = [f"HTTP/{version} {status} {phrase}"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if close:
        lines.append("Connection: close")
    if padding:
        lines += [f"X-Padding: {'x' * padding}"] * fields
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(size: int, of: int | None = None) -> bytes:
    """A chunk of a chunked body; where its size line says `of` bytes, the first `size` of them and no more."""
    announced = size if of is None else of
    return b"%X\r\n" % announced + body(size) + (b"\r\n" if size >= announced else b"")


LAST_CHUNK = b"0\r\n\r\n"
"""Of size 0, and no trailers: the end of a chunked body."""


def body(size: int, offset: int = 0) -> bytes:
    """Bytes `offset` to `offset + size` of an endless text, of lines in which a missing piece shows."""
    skip = offset % len(_PATTERN)
    blocks = -(-(skip + size) // len(_BLOCK))
    return (_BLOCK * blocks)[skip : skip + size]


class _State(Enum):
    HEAD = "head"
    FIXED = "body of known length"
    CHUNK_SIZE = "size of a chunk"
    CHUNK_DATA = "chunk"
    TRAILERS = "trailers"
    COMPLETE = "complete"


class RequestParser:
    """Follows one request through the bytes of a stream, in pieces of any size.

    `feed` never takes a byte that lies behind the request, so that those can stay unread in the kernel.
    """

    def __init__(self) -> None:
        self.method = ""
        self.path = ""
        self.size = 0
        """Bytes of the request taken so far, head and framing included."""
        self._state = _State.HEAD
        self._line = bytearray()
        """The beginning of a head or line whose end has not come yet."""
        self._left = 0

    @property
    def head_complete(self) -> bool:
        return self._state is not _State.HEAD

    @property
    def complete(self) -> bool:
        return self._state is _State.COMPLETE

    def feed(self, data: bytes, start: int = 0) -> int:
        """Takes bytes of `data` from `start` on, at most to the end of the head or the request; says how many.

        It stops at the end of the head so that a caller can leave the body alone. Raises NotHttpError; the
        parser must not be fed after that. The work is in proportion to the bytes that are taken.
        """
        at = start
        while at < len(data) and self._state is not _State.COMPLETE:
            at_head = self._state is _State.HEAD
            at += self._advance(data, at)
            if at_head and self.head_complete:
                break
        self.size += at - start
        return at - start

    def _advance(self, data: bytes, start: int) -> int:
        """One move of the state machine on data[start:]; returns how many bytes it took."""
        if self._state is _State.HEAD:
            return self._until(data, start, b"\r\n\r\n")
        if self._state in (_State.CHUNK_SIZE, _State.TRAILERS):
            return self._until(data, start, b"\r\n")
        taken = min(self._left, len(data) - start)
        self._left -= taken
        if self._left == 0:
            self._state = _State.COMPLETE if self._state is _State.FIXED else _State.CHUNK_SIZE
        return taken

    def _until(self, data: bytes, start: int, end: bytes) -> int:
        found = data.find(end, start)
        if found >= 0 and not self._line:
            self._read_line(data[start:found])
            return found + len(end) - start
        before = len(self._line)
        stop = len(data) if found < 0 else found + len(end)
        self._line += data[start:stop]
        found = self._line.find(end, max(0, before - len(end)))  # it may have begun in what came before
        if found < 0:
            if len(self._line) > MAX_HEAD:
                raise NotHttpError(f"no end of the {self._state.value} in {len(self._line)} bytes")
            if self._state is _State.HEAD:
                _check_start(self._line, max(0, before - 1))
            return len(data) - start
        line = bytes(self._line[:found])
        self._line.clear()
        self._read_line(line)
        return found + len(end) - before

    def _read_line(self, line: bytes) -> None:
        """A whole head, or a line of a chunked body."""
        if self._state is _State.HEAD:
            self._read_head(line)
        elif self._state is _State.CHUNK_SIZE:
            self._read_chunk_size(line)
        elif not line:
            self._state = _State.COMPLETE

    def _read_head(self, head: bytes) -> None:
        request_line, *fields = head.decode("latin-1").split("\r\n")
        words = request_line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise NotHttpError(f"not an HTTP/1 request line: {request_line[:80]!r}")
        self.method, self.path = words[0], words[1]
        length = 0
        for line in fields:
            name, colon, value = line.partition(":")
            if not colon:
                raise NotHttpError(f"not a header field: {line[:80]!r}")
            name, value = name.lower(), value.strip()
            if name == "transfer-encoding" and value.lower().split(",")[-1].strip() == "chunked":
                self._state = _State.CHUNK_SIZE  # it overrides Content-Length: RFC 9112 section 6.3
                return
            if name == "content-length":
                length = _number(value, 10)
        self._left = length
        self._state = _State.FIXED if length else _State.COMPLETE

    def _read_chunk_size(self, line: bytes) -> None:
        size = _number(line.decode("latin-1").partition(";")[0].strip(), 16)
        if size:
            self._left = size + len(b"\r\n")
            self._state = _State.CHUNK_DATA
        else:
            self._state = _State.TRAILERS


def request_size(data: bytes, start: int = 0) -> int | None:
    """Bytes of the request that begins at `start`; None where it is not whole. Raises NotHttpError."""
    parser = RequestParser()
    taken = parser.feed(data, start)
    parser.feed(data, start + taken)
    return parser.size if parser.complete else None


def whole_requests(data: bytes) -> int:
    """How many requests are whole in what a client has sent; none behind bytes that are no HTTP."""
    count = start = 0
    try:
        while size := request_size(data, start):
            count, start = count + 1, start + size
    except NotHttpError:
        pass
    return count


def _check_start(text: bytearray, start: int) -> None:
    """Fails as soon as a stream cannot become an HTTP head any more, instead of waiting for more of it.

    What lies before `start` was checked earlier.
    """
    newline = text.find(b"\r\n", start)
    if newline >= 0 and text.find(b" HTTP/1.", 0, newline) < 0:
        raise NotHttpError(f"not an HTTP/1 request line: {bytes(text[: min(newline, 80)])!r}")


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not text or any(letter not in digits for letter in text.lower()):
        raise NotHttpError(f"not a length: {text[:40]!r}")
    return int(text, base)
