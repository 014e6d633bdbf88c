"""What the payload of one direction says of messages: whether an HTTP message or a TLS record was left unfinished.

It reads what was captured, front to back, and gives up at the first byte that is missing or that it does not know:
`kind` is then None, and nothing is said of messages. It holds one message's head at most.

HTTP/1.1 framing: RFC 9112 section 6. TLS records: RFC 8446 section 5.1; what they tell of requests and answers is
`records`' to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from hangup.diagnose.records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Records

if TYPE_CHECKING:
    from hangup.wire import By

Kind = Literal["http", "tls"]
Part = Literal["handshake", "head", "body"]

_MAX_HEAD = 16_384
_REQUEST = re.compile(rb"([A-Z]{3,20}) [^\r\n ]+ HTTP/1\.[01]\r\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_VERSION = b"HTTP/1."
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*\r\n", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\r\n]*)?\r\n")

_TLS_TYPES = (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, 24)
_PROTECTED = (CHANGE_CIPHER_SPEC, APPLICATION_DATA)
"""Records of a side that has keys: from the first of them on its handshake cannot be followed."""
_FATAL = 2


class Alert(NamedTuple):
    """A TLS alert that was sent in the clear (RFC 8446 section 6)."""

    number: int
    """Of the frame."""
    code: int

    @property
    def name(self) -> str:
        """As RFC 8446 appendix B.2 has it, with the number: `unknown_ca (48)`."""
        return f"{_ALERTS[self.code]} ({self.code})" if self.code in _ALERTS else str(self.code)


_ALERTS = {
    10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
    112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip


class Messages:
    """The payload that one side sends; of the side that answers, `requests` is what it answers."""

    __slots__ = (
        "_buffer", "_chunked", "_heads", "_keys", "_left", "_next", "_requests", "_whole_at_end", "alert",
        "interim", "kind", "method", "part", "records", "status",
    )  # fmt: skip

    def __init__(self, requests: Messages | None = None) -> None:
        self._requests = requests
        self._buffer = b""
        self._next: int | None = None
        self._left = 0
        """Bytes of the body, or of the TLS record, that are still to come."""
        self._chunked = False
        self._heads = 0
        self._keys = False
        """The TLS handshake has come so far that this side protects what it sends."""
        self._whole_at_end = False
        """The end of the stream ends the body (RFC 9112 section 6.3, rule 8)."""
        self.kind: Kind | None = None
        self.part: Part | None = None
        """Where in an unfinished message the stream stands; None between two."""
        self.alert: Alert | None = None
        self.interim = False
        """The last answer was no final one (RFC 9110 section 15.2)."""
        self.method = b""
        """Of the last request."""
        self.status = 0
        """Of the last HTTP answer."""
        self.records: Records | None = None
        """Of both sides, where they speak TLS."""

    @property
    def unfinished(self) -> Part | None:
        """The part in which the last message would be cut, if the stream ended here. A TLS server's first is its
        handshake."""
        if self.kind is None or self._whole_at_end:
            return None
        shaking_hands = self.kind == "tls" and self._requests is not None and not self._keys
        return "handshake" if shaking_hands else self.part

    @property
    def whole(self) -> bool:
        """The last HTTP message is a final one, and its own framing says that it is complete."""
        return self.kind == "http" and not (self.part or self._whole_at_end or self.interim)

    @property
    def begun(self) -> int:
        """HTTP messages so far, the last one perhaps unfinished; of answers the final ones only."""
        return self._heads + (self.part == "head")

    @property
    def missing(self) -> int | None:
        """Bytes that the announced length still lacks; None where no length was announced."""
        return self._left if self.part == "body" and not self._chunked and not self._whole_at_end else None

    @property
    def standing(self) -> tuple[Kind | None, Part | None, int, bool, bool]:
        """All that anybody reads of HTTP but for numbers: what ends like another one must agree in this."""
        return self.kind, self.unfinished, self.begun, self.interim, self.missing is None

    @property
    def done(self) -> bool:
        """It has given up: nothing more will be learnt."""
        return self._next is not None and self.kind is None

    def feed(self, number: int, seq: int, length: int, payload: bytes) -> None:
        """One segment with payload. `length`: on the wire; `payload`: what was captured of it."""
        if self._next is None:
            self._next = seq
            self.kind = self._recognise(payload)
            if self.kind == "tls":
                self._share_records()
        if self.kind is None:
            return
        behind = (self._next - seq) & 0xFFFFFFFF
        if behind:
            if behind >= length:
                if behind >> 31:
                    self.kind = None  # a hole
                return
            length, payload = length - behind, payload[behind:]
        self._next = (self._next + length) & 0xFFFFFFFF
        if self.records is not None:
            self.records.plaintext(self._by, payload, whole=len(payload) >= length)
        self._take(number, length, payload)

    @property
    def _by(self) -> By:
        return "orig" if self._requests is None else "resp"

    def _share_records(self) -> None:
        asker = self if self._requests is None else self._requests
        if asker.records is None:
            asker.records = Records()
        self.records = asker.records

    def _recognise(self, payload: bytes) -> Kind | None:
        if (_REQUEST if self._requests is None else _STATUS).match(payload):
            return "http"
        if len(payload) > 5 and payload[0] in _TLS_TYPES and payload[1] == 3 and payload[2] <= 4:
            return "tls"
        return None

    def _take(self, number: int, length: int, payload: bytes) -> None:
        while length > 0 and self.kind is not None:
            if self._left or self._whole_at_end:
                used = self._skip(length)
            elif self._chunked:
                used = self._chunk(length, payload)
            else:
                used = self._begin(number, length, payload)
            length, payload = length - used, payload[used:]

    def _skip(self, length: int) -> int:
        """Pass over the body, a chunk's data, or the record's fragment."""
        if self._whole_at_end:
            return length
        used = min(length, self._left)
        self._left -= used
        if not self._left and not self._chunked:
            self.part = None
        return used

    def _chunk(self, length: int, payload: bytes) -> int:
        """The line before a chunk's data, or the last chunk with its trailers (RFC 9112 section 7.1).

        Where anything else stands there, the body stays unfinished: only its last chunk completes it (section 8).
        """
        held = len(self._buffer)
        self._buffer += payload[: _MAX_HEAD - held]
        line = _CHUNK.match(self._buffer)
        size = int(line[1], 16) if line is not None else None
        end = line.end() if line is not None else -1
        if size == 0:
            trailers = self._buffer.find(b"\r\n\r\n")
            end = trailers + 4 if trailers >= 0 else -1
        if size is None or end < 0:
            if len(payload) < length or len(self._buffer) >= _MAX_HEAD:
                self.kind = None
            return length
        if size:
            self._left = size + 2
        else:
            self._chunked, self.part = False, None
        self._buffer = b""
        return end - held

    def _begin(self, number: int, length: int, payload: bytes) -> int:
        """The head of the next message or record, as far as it has come."""
        if len(payload) < length and len(payload) < 5:
            self.kind = None
            return length
        held = len(self._buffer)
        self._buffer += payload[: _MAX_HEAD + 4 - held]
        self.part = "head"
        size = self._tls(number) if self.kind == "tls" else self._http()
        if size is None:  # the head goes on
            if len(payload) < length or len(self._buffer) > _MAX_HEAD:
                self.kind = None
            return length
        self._buffer = b""
        return size - held

    def _tls(self, number: int) -> int | None:
        head = self._buffer
        if len(head) < 5:
            return None
        if head[0] not in _TLS_TYPES or head[1] != 3:
            self.kind = None
            return 5
        self._keys = self._keys or head[0] in _PROTECTED
        self._left = int.from_bytes(head[3:5], "big")
        self.part = "body" if self._left else None
        if self.records is not None:
            self.records.record(self._by, head[0], self._left)
        if head[0] == ALERT and self._left == 2 and len(head) >= 7 and head[5] == _FATAL:
            self.alert = Alert(number, head[6])
        return 5

    def _http(self) -> int | None:
        if self._requests is not None and not self._buffer.startswith(_VERSION[: len(self._buffer)]):
            self.kind = None  # more than was announced, or something else
            return len(self._buffer)
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[: end + 4]
        status = _STATUS.match(head) if self._requests is not None else None
        request = _REQUEST.match(head) if self._requests is None else None
        asked = self._requests.method if self._requests is not None else b""
        code = int(status[1]) if status else 0
        if not (status or request) or code == 101 or asked == b"CONNECT":
            self.kind = None  # no HTTP, or none from here on
            return len(head)
        if request:
            self.method = request[1]
        length = _LENGTH.search(head)
        self.status, self.interim = code, 100 <= code < 200
        self._heads += not self.interim
        bodiless = self.interim or code in (204, 304) or asked == b"HEAD"
        self._chunked = bool(_CHUNKED.search(head)) and not bodiless
        self._left = int(length[1]) if length and not self._chunked and not bodiless else 0
        self._whole_at_end = bool(status) and not (bodiless or length or self._chunked)
        self.part = "body" if self._left or self._chunked else None
        return len(head)
