"""TLS at the peer: records in, records out, on a socket that others hold.

The steps work on whole records, so that an ending falls where a script puts it: between two records, or inside one.
It reads one record at a time and never a byte behind it, so what the client sends later stays in the kernel as it
does without TLS. It knows neither sockets nor steps nor what the plaintext means.

One certificate serves all connections: the PEM file, with key and chain, that HANGUP_CERTIFICATE names. A session is
resumed by nobody: a server's tickets would arrive at the client at a moment of their own. If SSLKEYLOGFILE names a
file, the keys of all sessions are appended to it, so that Wireshark and tshark can decrypt a capture.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import TYPE_CHECKING

from hangup_server.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CERTIFICATE = "HANGUP_CERTIFICATE"
KEY_LOG = "SSLKEYLOGFILE"
"""The variable that browsers and curl use too."""

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

ALERTS = {
    "unexpected_message": 10,
    "handshake_failure": 40,
    "protocol_version": 70,
    "internal_error": 80,
    "unrecognized_name": 112,
}
"""Fatal alerts that a server gives to a ClientHello: RFC 8446 section 6.2."""

_HEADER = 5
_ALERT_RECORD = b"\x15\x03\x03\x00\x02\x02"
"""An alert record up to its description: type, legacy version, length, fatal (RFC 8446 sections 5.1 and 6)."""


@cache
def _context(version: str, protocol: str | None) -> ssl.SSLContext:
    path = os.environ.get(CERTIFICATE)
    if path is None:
        raise StepError(f"there is no certificate: {CERTIFICATE} is not set")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    context.load_cert_chain(path)
    if KEY_LOG in os.environ:
        try:
            context.keylog_filename = os.environ[KEY_LOG]
        except OSError as error:
            raise StepError(f"{KEY_LOG}: {os.environ[KEY_LOG]}: cannot be written: {error.strerror}") from error
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    return context


class Tls:
    """One connection's TLS. Every method raises StepError or OSError where it cannot be done."""

    def __init__(
        self, read: Callable[[int], Awaitable[bytes]], write: Callable[[bytes, bool], Awaitable[None]]
    ) -> None:
        """`read` takes at most so many bytes from the connection, none at its end.

        `write` sends all; where its second argument is true, in one segment with the FIN that follows.
        """
        self._read = read
        self._write = write
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._hello = b""
        self._session: ssl.SSLObject | None = None
        self._text = b""
        """Decrypted, and not taken yet."""
        self.established = False

    # The handshake

    async def recv_hello(self) -> None:
        """Reads the record of the ClientHello."""
        self._hello = await self._record()
        if not self._hello:
            raise StepError("the client ended its side without a ClientHello")

    async def send_hello(self, version: str) -> None:
        """Sends the ServerHello, and holds the rest of the flight back for ever."""
        session = await self._answer(version, None)
        _advance(session)
        flight = self._out.read()
        await self._write(flight[: _size(flight)], False)

    async def send_alert(self, description: str, *, with_fin: bool) -> None:
        """Sends a fatal alert, in the clear as it is in answer to a ClientHello."""
        if self._session is not None:
            raise StepError("an alert is sent in answer to the ClientHello, before anything else")
        await self._write(_ALERT_RECORD + bytes([ALERTS[description]]), with_fin)

    async def handshake(self, version: str, protocol: str | None) -> None:
        """Goes through the whole handshake; reads the ClientHello where that was not done."""
        session = await self._answer(version, protocol)
        while not _advance(session):
            await self._flush()
            record = await self._record()
            if not record:
                raise StepError("the client ended its side in the handshake")
            self._in.write(record)
        await self._flush()
        if protocol is not None and session.selected_alpn_protocol() != protocol:
            raise StepError(f"the client did not offer {protocol}")
        self.established = True

    async def _answer(self, version: str, protocol: str | None) -> ssl.SSLObject:
        if self._session is not None:
            raise StepError("the handshake was begun before")
        if not self._hello:
            await self.recv_hello()
        self._session = _context(version, protocol).wrap_bio(self._in, self._out, server_side=True)
        self._in.write(self._hello)
        return self._session

    # The session

    async def recv(self, size: int, *, peek: bool = False) -> bytes:
        """At most `size` bytes of plaintext; none when the client has ended its side, in order or not."""
        while not self._text:
            record = await self._record()
            if not record:
                return b""
            self._in.write(record)
            try:
                self._text = self._established().read(len(record))
            except ssl.SSLWantReadError:
                await self._flush()  # the record had no data; it may want an answer
                continue
            except ssl.SSLError as error:
                raise StepError(_reason(error)) from error
            if not self._text:
                return b""  # the client's close_notify
        taken = self._text[:size]
        if not peek:
            self._text = self._text[size:]
        return taken

    async def send(self, data: bytes, with_fin: bool) -> None:
        """Sends the data, in records of at most 16 kB."""
        await self._write(self._sealed(data), with_fin)

    async def send_half_record(self, data: bytes) -> None:
        """Sends the first half of the one record that would hold the data."""
        record = self._sealed(data)
        await self._write(record[: len(record) // 2], False)

    async def close_notify(self, *, with_fin: bool) -> None:
        """Says that nothing more comes (RFC 8446 section 6.1)."""
        session = self._established()
        try:
            session.unwrap()
        except ssl.SSLWantReadError:
            pass  # the client's own is another matter
        except ssl.SSLError as error:
            raise StepError(_reason(error)) from error
        await self._flush(with_fin=with_fin)

    def _sealed(self, data: bytes) -> bytes:
        self._established().write(data)
        return self._out.read()

    def _established(self) -> ssl.SSLObject:
        if self._session is None or not self.established:
            raise StepError("there is no TLS session yet; the step 'handshake' makes one")
        return self._session

    # Records

    async def _flush(self, *, with_fin: bool = False) -> None:
        if self._out.pending:
            await self._write(self._out.read(), with_fin)

    async def _record(self) -> bytes:
        """The next record; nothing when the client has ended its side."""
        header = await self._exactly(_HEADER)
        if not header:
            return b""
        if header[0] not in _CONTENT_TYPES:
            raise StepError("what the client sent is not TLS")
        return header + await self._exactly(_size(header) - _HEADER)

    async def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (piece := await self._read(size - len(data))):
            data += piece
        return data


_CONTENT_TYPES = range(20, 24)
"""change_cipher_spec, alert, handshake, application_data."""


def _size(record: bytes) -> int:
    """Bytes of the record that begins here."""
    return _HEADER + int.from_bytes(record[3:_HEADER], "big")


def _advance(session: ssl.SSLObject) -> bool:
    """Whether the handshake is complete; if not, more of the client's records are needed."""
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError as error:
        raise StepError(_reason(error)) from error
    return True


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's own word; its numbers are not those of the system."""
    return f"TLS failed: {error.reason or error}"
