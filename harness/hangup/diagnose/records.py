"""What TLS records tell without their keys: who asked, who answered since, and who took leave of the other.

A record's type and length are in the clear, and so are the two hellos. From them, and from the few messages that have
one length only, follows which records may carry a request or an answer, and which are too short for either:

* TLS 1.3 hides the end of the handshake, but a Finished is as long as its hash (RFC 8446 section 4.4.4), which the
  ServerHello names. What its record has beyond that is padding: JDK's pads each record by 16 bytes, others do not.
* An alert has 2 bytes (RFC 8446 section 6).
* HTTP/2's housekeeping has 9, 13 or 17: SETTINGS with ACK; WINDOW_UPDATE and RST_STREAM; PING and GOAWAY (RFC 9113
  section 6). Both sides must acknowledge the other's SETTINGS, so both send one of 9, unless the server's ACK is in one
  record with its own SETTINGS, which are its first words (section 3.4).

* The session tickets of TLS 1.3 follow the handshake of their own accord. OpenSSL sends two of the same length, as no
  answer begins; a single one cannot be told from an answer, and counts as one.

Where a hello was not captured, the cipher is of another kind, or a Finished has no record of its own, `ready` stays
False, and nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hangup.wire import By

Version = Literal["1.2", "1.3"]

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23

_MAX_HELLO = 4096
_ALPN, _SUPPORTED_VERSIONS = 16, 43
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_TLS12, _TLS13 = 0x0303, 0x0304

_TAG13 = 17
"""What TLS 1.3 adds to a record: its type and the tag (RFC 8446 section 5.2)."""
_SHA384 = 0x1302
"""The one cipher suite of TLS 1.3 whose hash has 48 bytes, not 32 (RFC 8446 appendix B.4)."""
_PADDINGS = (0, 16)

_GCM, _CHACHA20 = 24, 16
"""What TLS 1.2 adds: a nonce of 8 and a tag of 16 (RFC 5288 section 3), or the tag alone (RFC 7905 section 2)."""
_GCM_SUITES = (*range(0x009C, 0x00A8), *range(0xC02B, 0xC033))
_CHACHA20_SUITES = range(0xCCA8, 0xCCAF)

_ALERT_SIZE = 2
_SETTINGS_ACK, _RST_STREAM, _GOAWAY = 9, 13, 17
_HOUSEKEEPING = (_SETTINGS_ACK, _RST_STREAM, _GOAWAY)
_PREFACE = 79
"""At most: SETTINGS with 8 values, WINDOW_UPDATE, and the ACK of the client's."""


_TICKETS = range(_PREFACE + 1, 513)
"""Bytes of a session ticket, with what lies around it."""
_ANSWERED = 2
"""Turns: a request, its answer."""


class _Talk:
    """Turns of a conversation."""

    __slots__ = ("last", "turns")

    def __init__(self) -> None:
        self.turns = 0
        self.last: By | None = None

    def speaks(self, by: By) -> None:
        self.turns += by != self.last
        self.last = by

    def take_back(self) -> None:
        """What seemed to be the first answer was none."""
        if self.turns == _ANSWERED and self.last == "resp":
            self.turns, self.last = 1, "orig"


class Records:
    """Of both sides of one connection, fed in the order of the capture."""

    __slots__ = (
        "_acknowledged_settings", "_added", "_but_preface", "_first", "_hellos", "_keys", "_last", "_padding", "_said",
        "_suite", "_talk", "alerted", "h2_chosen", "h2_offered", "version",
    )  # fmt: skip

    def __init__(self) -> None:
        self._hellos: dict[By, bytes] = {"orig": b"", "resp": b""}
        """As far as they have come; those that were read, or never will be, are taken out."""
        self._keys: frozenset[By] = frozenset()
        """Of TLS 1.2: who protects what it sends."""
        self._suite = 0
        self._added: int | None = None
        """Bytes of a record that are not the message's, padding apart."""
        self._padding: dict[By, int] = {}
        """Of TLS 1.3, for each side whose Finished was seen."""
        self._acknowledged_settings: frozenset[By] = frozenset()
        self._said = 0
        """Records of the server's that may be answers."""
        self._first = 0
        """The length of the first of them."""
        self._talk, self._but_preface = _Talk(), _Talk()
        """All that may be requests and answers; and the same without the server's first words, if those were short."""
        self._last: dict[By, int] = {}
        """The length of what each side said last, alerts apart."""
        self.version: Version | None = None
        self.h2_offered: bool | None = None
        """The client would speak HTTP/2; None where its hello was not captured."""
        self.h2_chosen: bool | None = None
        """The server's choice, where it is in the clear: in TLS 1.2."""
        self.alerted: frozenset[By] = frozenset()
        """Who sent an encrypted alert: as a rule close_notify."""

    @property
    def ready(self) -> bool:
        """The handshake is over, and what came since can be told apart."""
        return "orig" in self._padding if self.version == "1.3" else len(self._keys) == 2

    @property
    def h2(self) -> bool | None:
        """They speak HTTP/2; None where that cannot be told."""
        if self.h2_chosen is not None or self.h2_offered is False:
            return bool(self.h2_chosen)
        acked = self._acknowledged_settings
        return True if len(acked) == 2 or ("orig" in acked and 0 < self._first <= _PREFACE) else None

    @property
    def turns(self) -> int:
        """How often the other side had begun to speak: 1 with the first request."""
        return self._conversation.turns

    @property
    def unanswered(self) -> bool:
        """The client asked, and nothing since can be an answer."""
        return self._conversation.last == "orig"

    @property
    def _conversation(self) -> _Talk:
        return self._but_preface if self.h2 else self._talk

    @property
    def last_words(self) -> Literal["GOAWAY", "RST_STREAM"] | None:
        """Of HTTP/2: what the server's last ones may be, by their length."""
        last = self._last.get("resp") if self.h2 else None
        return "GOAWAY" if last == _GOAWAY else "RST_STREAM" if last == _RST_STREAM else None

    def plaintext(self, by: By, payload: bytes, *, whole: bool) -> None:
        """What a side says next, before any record of it is taken. `whole`: nothing of the segment is missing."""
        held = self._hellos.get(by)
        if held is None:
            return
        held += payload
        size = 9 + int.from_bytes(held[6:9], "big")
        if len(held) >= max(size, 10):
            self._read(by, held[5:size])
        elif whole and len(held) <= _MAX_HELLO:
            self._hellos[by] = held
            return
        del self._hellos[by]

    def _read(self, by: By, hello: bytes) -> None:
        """A hello, from its type on (RFC 8446 sections 4.1.2 and 4.1.3)."""
        at = 39 + hello[38] if len(hello) > 38 else len(hello)  # behind the session's id
        if by == "orig" and hello[0] == _CLIENT_HELLO:
            at += 2 + int.from_bytes(hello[at : at + 2], "big")
            at += 1 + int.from_bytes(hello[at : at + 1], "big")
            self.h2_offered = b"\x02h2" in dict(_extensions(hello, at)).get(_ALPN, b"")
        elif by == "resp" and hello[0] == _SERVER_HELLO:
            self._suite = int.from_bytes(hello[at : at + 2], "big")
            chosen = dict(_extensions(hello, at + 3))
            version = int.from_bytes(chosen.get(_SUPPORTED_VERSIONS, hello[4:6]), "big")
            if version == _TLS13:
                self.version, self._added = "1.3", _TAG13
            elif version == _TLS12:
                self.version = "1.2"
                self._added = (
                    _GCM if self._suite in _GCM_SUITES else _CHACHA20 if self._suite in _CHACHA20_SUITES else None
                )
                self.h2_chosen = b"\x02h2" in chosen.get(_ALPN, b"")

    def record(self, by: By, kind: int, length: int) -> None:
        """The head of a side's next record."""
        if self.version == "1.2":
            if kind == CHANGE_CIPHER_SPEC:
                self._keys |= {by}
            if kind == ALERT and by in self._keys:
                self.alerted |= {by}
        if kind != APPLICATION_DATA:
            return
        if self.version == "1.3" and not self.ready:
            self._shakes_hands(by, length)
        elif self.ready:
            self._says(by, None if self._added is None else length - self._added - self._padding.get(by, 0))

    def _shakes_hands(self, by: By, length: int) -> None:
        """A protected record before the client's Finished, or that one. The server's may be one of several in a record:
        then nothing is known of its padding, and none is the rule."""
        finished = 4 + (48 if self._suite == _SHA384 else 32) + _TAG13
        if length - finished in _PADDINGS:
            self._padding[by] = length - finished

    def _says(self, by: By, size: int | None) -> None:
        """`size`: of what is in the record; None where the cipher hides it."""
        if size == _ALERT_SIZE and self.version == "1.3":
            self.alerted |= {by}
            return
        self._last[by] = size or 0
        if self.h2_offered and size in _HOUSEKEEPING:
            if size == _SETTINGS_ACK:
                self._acknowledged_settings |= {by}
            return
        preface = False
        if by == "resp":
            self._said += 1
            if self._said == 1:
                self._first = size or 0
                preface = 0 < self._first <= _PREFACE
            elif self._said == 2 and size == self._first and size in _TICKETS and self.version == "1.3":
                self._were_tickets()
                return
            if self._talk.last is None:
                return  # before it was asked anything
        self._talk.speaks(by)
        if not preface:
            self._but_preface.speaks(by)

    def _were_tickets(self) -> None:
        """The server's first two records of the same length: OpenSSL's session tickets."""
        self._said = 0
        self._talk.take_back()
        self._but_preface.take_back()


def _extensions(hello: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Type and content (RFC 8446 section 4.2); `at`: where their length stands."""
    end = min(len(hello), at + 2 + int.from_bytes(hello[at : at + 2], "big"))
    at += 2
    while at + 4 <= end:
        size = int.from_bytes(hello[at + 2 : at + 4], "big")
        yield int.from_bytes(hello[at : at + 2], "big"), hello[at + 4 : at + 4 + size]
        at += 4 + size
