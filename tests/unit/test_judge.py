"""From what a client reported to an outcome: every rule, with words really said, and the arithmetic beside it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, get_args

import pytest

from hangup.catalogue import load_catalogue
from hangup.judge import Outcome, Verdict, judge
from hangup.judge.ending import Ending
from hangup.judge.judge import Rule, classify, rules
from hangup.outcome import ActedOn
from hangup.store.model import Connection, Link, Observation, Operation, Request

CATALOGUE = load_catalogue()
WHOLE = CATALOGUE["normal"].announced
BODY = 1024
HEAD = CATALOGUE["reuse-after-fin-post-once"].response_head
FULL = HEAD + BODY


def link(type: str, message: str = "", errno: int | None = None, code: str | None = None) -> Link:
    return Link(type=type, message=message, errno=errno, code=code)


JAVA_PREMATURE = "fixed content-length: 1024, bytes received: 512"
UNDICI_SOCKET = link("SocketError", "other side closed", code="UND_ERR_SOCKET")
SAID: list[tuple[str, Outcome, list[Link]]] = [
    ("python/socket", Outcome.REFUSED, [
        link("ConnectionRefusedError", "[Errno 111] Connection refused", 111, "ECONNREFUSED")]),
    ("go/net", Outcome.UNREACHABLE, [
        link("*net.OpError", "dial tcp 192.0.2.9:80: connect: no route to host"),
        link("syscall.Errno", "no route to host", 113, "EHOSTUNREACH")]),
    ("go/net", Outcome.UNREACHABLE, [link("syscall.Errno", "network is unreachable", 101, "ENETUNREACH")]),
    ("node/net", Outcome.TIMEOUT, [link("Error", "connect ETIMEDOUT 192.0.2.9:80", -110, "ETIMEDOUT")]),
    ("python/socket", Outcome.ABORTED, [
        link("ConnectionAbortedError", "[Errno 103] Software caused connection abort", 103, "ECONNABORTED")]),
    ("python/http.client", Outcome.BROKEN_PIPE, [link("BrokenPipeError", "[Errno 32] Broken pipe", 32, "EPIPE")]),
    ("python/requests", Outcome.RESET, [
        link("requests.exceptions.ConnectionError", "('Connection aborted.', ConnectionResetError(104, '...'))"),
        link("urllib3.exceptions.ProtocolError", "('Connection aborted.', ConnectionResetError(104, '...'))"),
        link("ConnectionResetError", "[Errno 104] Connection reset by peer", 104, "ECONNRESET")]),
    ("node/http", Outcome.RESET, [link("Error", "socket hang up", code="ECONNRESET")]),
    ("python/requests", Outcome.EOF, [
        link("requests.exceptions.ConnectionError", "('Connection aborted.', RemoteDisconnected('...'))"),
        link("http.client.RemoteDisconnected", "Remote end closed connection without response")]),
    ("python/http.client", Outcome.TRUNCATED, [
        link("http.client.IncompleteRead", "IncompleteRead(512 bytes read, 512 more expected)")]),
    ("python/urllib3", Outcome.TRUNCATED, [
        link("urllib3.exceptions.ProtocolError", "('Connection broken: IncompleteRead(...)')"),
        link("urllib3.exceptions.IncompleteRead", "IncompleteRead(512 bytes read, 512 more expected)")]),
    ("python/asyncio-streams", Outcome.TRUNCATED, [
        link("asyncio.exceptions.IncompleteReadError", "512 bytes read on a total of 1024 expected bytes")]),
    ("python/httpx", Outcome.TRUNCATED, [
        link("httpx.RemoteProtocolError", "peer closed connection without sending complete message body"),
        link("h11._util.RemoteProtocolError",
             "peer closed connection without sending complete message body (received 512 bytes, expected 1024)")]),
    ("python/httpx", Outcome.EOF, [
        link("httpx.RemoteProtocolError", "Server disconnected without sending a response."),
        link("httpcore.RemoteProtocolError", "Server disconnected without sending a response.")]),
    ("python/aiohttp", Outcome.TRUNCATED, [
        link("aiohttp.http_exceptions.ContentLengthError", "400, message:\n  Not enough data to satisfy ...")]),
    ("python/aiohttp", Outcome.TRUNCATED, [
        link("aiohttp.client_exceptions.ClientPayloadError", "Response payload is not completed")]),
    ("python/aiohttp", Outcome.RESET, [
        link("aiohttp.client_exceptions.ClientPayloadError",
             "Response payload is not completed: <ContentLengthError: 400, message='Not enough data to satisfy content "
             "length header (received 512 of 1024 bytes).'>. ConnectionResetError(104, 'Connection reset by peer')"),
        link("aiohttp.http_exceptions.ContentLengthError", "400, message:\n  Not enough data to satisfy ...")]),
    ("python/aiohttp", Outcome.EOF, [
        link("aiohttp.client_exceptions.ServerDisconnectedError", "Server disconnected")]),
    ("python/httpx", Outcome.TIMEOUT, [link("httpx.ReadTimeout"), link("httpcore.ReadTimeout")]),
    ("python/httpx", Outcome.TIMEOUT, [link("httpx.ConnectTimeout"), link("httpcore.ConnectTimeout")]),
    ("python/asyncio-streams", Outcome.TIMEOUT, [link("TimeoutError", "timed out")]),
    ("python/asyncio-streams", Outcome.RESET, [link("ConnectionResetError", "Connection lost")]),
    ("python/http.client", Outcome.PROTOCOL, [link("http.client.BadStatusLine", "HTTP/1.1 2")]),
    ("python/requests", Outcome.EOF, [
        link("requests.exceptions.SSLError", "HTTPSConnectionPool(host='192.0.2.2', port=443): Max retries ..."),
        link("urllib3.exceptions.SSLError", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in ..."),
        link("ssl.SSLEOFError", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol",
             code="UNEXPECTED_EOF_WHILE_READING")]),
    ("python/httpx-http2", Outcome.EOF, [
        link("httpx.RemoteProtocolError", "Server disconnected"),
        link("httpcore.RemoteProtocolError", "Server disconnected")]),
    ("python/httpx-http2", Outcome.EOF, [
        link("httpcore.RemoteProtocolError", "<ConnectionTerminated error_code:0, last_stream_id:0, ...>")]),
    ("python/httpx-http2", Outcome.RESET, [
        link("httpcore.RemoteProtocolError", "<StreamReset stream_id:1, error_code:7, remote_reset:True>")]),
    ("go/net-http", Outcome.RESET, [
        link("http.http2StreamError", "stream error: stream ID 1; INTERNAL_ERROR; received from peer")]),
    ("java/httpclient", Outcome.EOF, [link("java.io.IOException", "/192.0.2.1:33832: GOAWAY received")]),
    ("java/httpclient", Outcome.RESET, [link("java.io.IOException", "Received RST_STREAM: Stream not processed")]),
    ("node/http2", Outcome.RESET, [
        link("Error", "Stream closed with error code NGHTTP2_REFUSED_STREAM", code="ERR_HTTP2_STREAM_ERROR")]),
    ("node/http2", Outcome.UNSPECIFIC, [
        link("Error", "The session has been destroyed", code="ERR_HTTP2_INVALID_SESSION")]),
    ("python/socket", Outcome.EOF, [link("ssl.SSLZeroReturnError", "TLS/SSL connection has been closed (EOF)")]),
    ("python/asyncio-streams", Outcome.RESET, [link("ConnectionResetError", "")]),
    ("python/httpx", Outcome.TLS, [
        link("httpx.ConnectError", "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)"),
        link("ssl.SSLError", "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)",
             code="SSLV3_ALERT_HANDSHAKE_FAILURE")]),
    ("python/socket", Outcome.TLS, [
        link("ssl.SSLCertVerificationError", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
             code="CERTIFICATE_VERIFY_FAILED")]),
    ("python/requests", Outcome.TRUNCATED, [
        link("requests.exceptions.ChunkedEncodingError", "Response ended prematurely"),
        link("urllib3.exceptions.ProtocolError", "Response ended prematurely")]),
    ("python/urllib3", Outcome.TRUNCATED, [
        link("urllib3.exceptions.ProtocolError", "('Connection broken: IncompleteRead(512 bytes read)', ...)"),
        link("http.client.IncompleteRead", "IncompleteRead(0 bytes read)"),
        link("ValueError", "invalid literal for int() with base 16: b'upstream error\\r\\n'")]),
    ("python/requests", Outcome.PROTOCOL, [
        link("requests.exceptions.ChunkedEncodingError", '("Connection broken: InvalidChunkLength(...)")'),
        link("urllib3.exceptions.ProtocolError", '("Connection broken: InvalidChunkLength(...)")'),
        link("urllib3.exceptions.InvalidChunkLength", "InvalidChunkLength(got length b'upstream error\\r\\n', ...)")]),
    ("python/http.client", Outcome.PROTOCOL, [
        link("http.client.LineTooLong", "got more than 65536 bytes when reading header line")]),
    ("python/httpx", Outcome.PROTOCOL, [
        link("httpx.RemoteProtocolError", "illegal chunk header: bytearray(b'upstream error\\r\\n')"),
        link("httpcore.RemoteProtocolError", "illegal chunk header: bytearray(b'upstream error\\r\\n')"),
        link("h11._util.RemoteProtocolError", "illegal chunk header: bytearray(b'upstream error\\r\\n')")]),
    ("python/aiohttp", Outcome.PROTOCOL, [
        link("aiohttp.client_exceptions.ClientResponseError", '400, message="Bad status line:\n  Expected HTTP/, ..."'),
        link("aiohttp.http_exceptions.HttpProcessingError", "400, message:\n  Bad status line:\n    ..."),
        link("aiohttp.http_exceptions.BadStatusLine", "400, message:\n  Bad status line:\n    ...")]),
    ("go/net-http", Outcome.UNSPECIFIC, [
        link("*net.OpError", "write tcp 192.0.2.1:5->192.0.2.2:80: use of closed network connection"),
        link("poll.errNetClosing", "use of closed network connection", code="net.ErrClosed")]),
    ("go/net-http", Outcome.PROTOCOL, [link("*errors.errorString", "invalid byte in chunk length")]),
    ("go/net-http", Outcome.PROTOCOL, [
        link("*fmt.wrapError", 'net/http: HTTP/1.x transport connection broken: malformed HTTP status code "x"'),
        link("*errors.errorString", 'malformed HTTP status code "mail.example"')]),
    ("go/net-http", Outcome.TRUNCATED, [link("*errors.errorString", "unexpected EOF", code="io.ErrUnexpectedEOF")]),
    ("go/net-http", Outcome.EOF, [
        link("*url.Error", 'Get "http://192.0.2.2:80/": EOF'), link("*errors.errorString", "EOF", code="io.EOF")]),
    ("go/net-http", Outcome.TIMEOUT, [link("*net.timeoutError", "i/o timeout")]),
    ("go/net", Outcome.TIMEOUT, [
        link("*net.OpError", "dial tcp 192.0.2.9:80: i/o timeout"),
        link("*poll.DeadlineExceededError", "i/o timeout", code="os.ErrDeadlineExceeded")]),
    ("go/net-http", Outcome.TIMEOUT, [
        link("*url.Error", 'Get "https://192.0.2.2:80/": net/http: TLS handshake timeout'),
        link("http.tlsHandshakeTimeoutError", "net/http: TLS handshake timeout")]),
    ("go/net-http", Outcome.PROTOCOL, [link("textproto.ProtocolError", 'malformed MIME header line: "x"')]),
    ("go/net-http", Outcome.RESET, [
        link("*url.Error", 'Post "http://192.0.2.2:80/": readLoopPeekFailLocked: ...'),
        link("http.transportReadFromServerError",
             "net/http: Transport failed to read from server: read tcp 192.0.2.1:5->192.0.2.2:80: "
             "read: connection reset by peer")]),
    ("go/net-http", Outcome.EOF, [link("*errors.errorString", "http: server closed idle connection")]),
    ("go/net", Outcome.TLS, [
        link("*net.OpError", "remote error: tls: handshake failure"), link("tls.alert", "tls: handshake failure")]),
    ("go/net", Outcome.TLS, [link("tls.RecordHeaderError", "tls: first record does not look like a TLS handshake")]),
    ("go/net-http", Outcome.PROTOCOL, [
        link("*url.Error", 'Get "https://192.0.2.2:80/": http: server gave HTTP response to HTTPS client'),
        link("*errors.errorString", "http: server gave HTTP response to HTTPS client", code="http.ErrSchemeMismatch")]),
    ("java/httpclient", Outcome.EOF, [
        link("javax.net.ssl.SSLHandshakeException", "Remote host terminated the handshake")]),
    ("java/httpclient", Outcome.RESET, [
        link("javax.net.ssl.SSLHandshakeException", "Remote host terminated the handshake"),
        link("java.net.SocketException", "Connection reset")]),
    ("java/socket", Outcome.TLS, [
        link("javax.net.ssl.SSLHandshakeException", "Received fatal alert: handshake_failure")]),
    ("java/socket", Outcome.TLS, [
        link("javax.net.ssl.SSLException", "Unsupported or unrecognized SSL message")]),
    ("node/http", Outcome.TLS, [
        link("Error", "write EPROTO 80DC4141637F0000:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert ...", 71,
             "EPROTO")]),
    ("java/socket", Outcome.REFUSED, [link("java.net.ConnectException", "Connection refused")]),
    ("java/httpclient", Outcome.REFUSED, [
        link("java.net.ConnectException", ""), link("java.nio.channels.ClosedChannelException", "")]),
    ("java/socket", Outcome.TIMEOUT, [link("java.net.ConnectException", "Connection timed out")]),
    ("java/socket", Outcome.ABORTED, [link("java.net.SocketException", "Software caused connection abort")]),
    ("java/socket", Outcome.UNREACHABLE, [link("java.net.NoRouteToHostException", "No route to host")]),
    ("java/httpclient", Outcome.UNREACHABLE, [
        link("java.net.ConnectException", "Network is unreachable"),
        link("java.net.SocketException", "Network is unreachable")]),
    ("java/httpclient", Outcome.TIMEOUT, [link("java.net.http.HttpTimeoutException", "request timed out")]),
    ("java/socket", Outcome.BROKEN_PIPE, [link("java.net.SocketException", "Broken pipe")]),
    ("java/socket", Outcome.RESET, [link("java.net.SocketException", "Connection reset")]),
    ("java/httpurlconnection", Outcome.TRUNCATED, [link("java.io.IOException", "Premature EOF")]),
    ("java/httpclient", Outcome.TRUNCATED, [
        link("java.io.IOException", JAVA_PREMATURE), link("java.io.IOException", JAVA_PREMATURE)]),
    ("java/httpurlconnection", Outcome.EOF, [link("java.net.SocketException", "Unexpected end of file from server")]),
    ("java/httpclient", Outcome.UNSPECIFIC, [
        link("java.io.IOException", "HTTP/1.1 header parser received no bytes"),
        link("java.io.IOException", "HTTP/1.1 header parser received no bytes")]),
    ("java/httpclient", Outcome.EOF, [
        link("java.io.IOException", "HTTP/1.1 header parser received no bytes"),
        link("java.io.EOFException", "EOF reached while reading")]),
    ("python/aiohttp", Outcome.ABORTED, [
        link("aiohttp.client_exceptions.ClientPayloadError", "Response payload is not completed: <ContentLengthError: "
             "400, message='Not enough data'>. ConnectionAbortedError(103, 'Software caused connection abort')")]),
    ("node/http", Outcome.RESET, [
        link("Error", "Client network socket disconnected before secure TLS connection was established",
             code="ECONNRESET")]),
    ("java/httpclient", Outcome.EOF, [link("java.io.EOFException", "")]),
    ("node/fetch", Outcome.TIMEOUT, [
        link("TypeError", "fetch failed"),
        link("ConnectTimeoutError", "Connect Timeout Error", code="UND_ERR_CONNECT_TIMEOUT")]),
    ("node/fetch", Outcome.TIMEOUT, [
        link("TypeError", "fetch failed"),
        link("HeadersTimeoutError", "Headers Timeout Error", code="UND_ERR_HEADERS_TIMEOUT")]),
    ("java/httpurlconnection", Outcome.UNSPECIFIC, [link("java.io.IOException", "Error writing to server")]),
    ("java/httpclient", Outcome.PROTOCOL, [
        link("java.net.ProtocolException", 'Invalid status line: "220 mail.example ESMTP ready"')]),
    ("java/httpclient", Outcome.PROTOCOL, [link("java.io.IOException", "Illegal character in chunk size: 117")]),
    ("java/httpurlconnection", Outcome.PROTOCOL, [link("java.io.IOException", "Bogus chunk size")]),
    ("java/httpurlconnection", Outcome.PROTOCOL, [link("java.io.IOException", "Invalid Http response")]),
    ("node/fetch", Outcome.EOF, [link("TypeError", "fetch failed"), UNDICI_SOCKET]),
    ("node/fetch", Outcome.PROTOCOL, [
        link("TypeError", "fetch failed"), link("SocketError", "bad response", code="UND_ERR_SOCKET")]),
    ("node/fetch", Outcome.PROTOCOL, [
        link("TypeError", "fetch failed"),
        link("HTTPParserError", "Response does not match the HTTP/1.1 protocol (Expected HTTP/)",
             code="HPE_INVALID_CONSTANT")]),
    ("node/fetch", Outcome.PROTOCOL, [
        link("TypeError", "fetch failed"),
        link("HeadersOverflowError", "Headers Overflow Error", code="UND_ERR_HEADERS_OVERFLOW")]),
    ("node/http", Outcome.PROTOCOL, [
        link("Error", "Parse Error: Header overflow", code="HPE_HEADER_OVERFLOW")]),
    ("node/net", Outcome.UNSPECIFIC, [
        link("Error", "Cannot call write after a stream was destroyed", code="ERR_STREAM_DESTROYED")]),
    ("node/net", Outcome.UNSPECIFIC, [link("Error", "write after end", code="ERR_STREAM_WRITE_AFTER_END")]),
    ("node/http", Outcome.TRUNCATED, [link("Error", "Premature close", code="ERR_STREAM_PREMATURE_CLOSE")]),
]  # fmt: skip


def decisive_rule(client: str, chain: list[Link]) -> Rule | None:
    """The rule that decides, found the plain way: each in turn, whose client and whose words fit."""
    scope = client.partition("/")[0]
    for rule in rules().rule:
        if rule.client in ("*", client, f"{scope}/*") and any(rule.fits(error) for error in chain):
            return rule
    return None


@pytest.mark.parametrize(("client", "outcome", "chain"), SAID, ids=lambda value: str(value)[:60])
def test_what_was_said_is_understood(client: str, outcome: Outcome, chain: list[Link]) -> None:
    assert classify(client, chain).outcome is outcome


def test_every_rule_is_needed_for_something_that_was_said() -> None:
    deciding = [decisive_rule(client, chain) for client, _outcome, chain in SAID]
    idle = [rule for rule in rules().rule if rule not in deciding]
    assert idle == []


def test_no_rule_is_written_twice() -> None:
    conditions = [rule.model_copy(update={"outcome": Outcome.SUCCESS}) for rule in rules().rule]
    assert len(set(conditions)) == len(conditions)


def test_every_rule_has_a_condition() -> None:
    for rule in rules().rule:
        assert (rule.type, rule.code, rule.text) != (None,) * 3


def test_words_of_one_language_are_not_taken_for_anothers() -> None:
    assert classify("java/socket", [link("java.net.SocketException", "Connection reset")]).outcome is Outcome.RESET
    assert classify("go/net", [link("java.net.SocketException", "Connection reset")]).outcome is Outcome.UNMAPPED


def test_the_keys_of_a_rule_must_fit_one_and_the_same_error() -> None:
    chain = [link("httpcore.RemoteProtocolError", "?"), link("E", "Server disconnected without sending a response")]
    assert classify("python/httpx", chain).outcome is Outcome.UNMAPPED


def test_the_first_rule_decides_and_not_the_first_error() -> None:
    chain = [link("TimeoutError", "timed out"), link("ConnectionResetError", "", 104, "ECONNRESET")]
    for order in (chain, chain[::-1]):
        assert classify("python/httpx", order).outcome is Outcome.RESET


def test_what_nobody_knows_is_unmapped() -> None:
    assert classify("python/socket", [link("ValueError", "embedded null byte")]).outcome is Outcome.UNMAPPED
    assert classify("python/socket", []).outcome is Outcome.UNMAPPED


def test_every_ending_says_what_is_faithful_to_it() -> None:
    assert set(rules().faithful) == set(get_args(Ending))
    for outcomes in rules().faithful.values():
        assert not {Outcome.UNMAPPED, Outcome.SILENT_TRUNCATION, Outcome.SUCCESS} & set(outcomes)


def op(name: str = "exchange", **keys: object) -> Operation:
    return Operation.model_validate({"op": name, **keys})


def failed(*, name: str = "exchange", received: int | None = None, **keys: Any) -> Operation:
    """An operation with an error of this type, text or code."""
    return op(name, received=received, error=(link(keys.pop("type", "E"), **keys),))


def reset(name: str = "exchange", **keys: Any) -> Operation:
    return failed(name=name, errno=104, code="ECONNRESET", **keys)


WIRE: dict[str, dict[str, Any]] = {
    # how a connection ended, and its packets' evidence
    "fin": {"state": "SF", "history": "ShDdFf", "first_fin": "peer", "peer_fin": True},
    "rst": {"state": "RSTR", "history": "ShDdr", "rst": ("peer",)},
    "fin, rst": {
        "state": "RSTR", "history": "ShDdfDr", "first_fin": "peer", "peer_fin": True, "rst": ("peer",),
        "rst_after_fin": True,
    },
    "refused": {"state": "REJ", "history": "Sr", "rst": ("peer",)},
    "unreachable": {"state": "S1", "history": "ShDd", "icmp": ("host-unreachable",)},
    "no host": {"state": "S0", "history": "S", "icmp": ("host-unreachable",)},
    "aborted": {"state": "RSTO", "history": "ShDdR", "rst": ("client",)},
    "open": {"state": "S1", "history": "ShDd"},
    "connected": {"state": "S1", "history": "Sh"},
}  # fmt: skip


def asked(method: str, read: str = "whole", **keys: Any) -> Request:
    """A request that left the client; ``read`` is how much of it the peer read."""
    return Request(method=method, read=read, **keys)  # type: ignore[arg-type]


def conn(wire: str, sent: int = 0, *requests: str | Request) -> Connection:
    """A connection that ended so, on which the peer sent so many bytes; a request named alone was read whole."""
    made = tuple(asked(request) if isinstance(request, str) else request for request in requests)
    return Connection(sent=sent, requests=made, **WIRE[wire])


def observation(operations: list[Operation], connections: list[Connection], *, proved: bool = True) -> Observation:
    return Observation(share="always", operations=tuple(operations), connections=tuple(connections), proved=proved)


def verdict_on(
    scenario: str, operations: list[Operation], connections: list[Connection], *,
    client: str = "python/x", layer: str = "http", proved: bool = True,
) -> Verdict:  # fmt: skip
    seen = observation(operations, connections, proved=proved)
    return judge(client, layer, CATALOGUE[scenario], seen)  # type: ignore[arg-type]


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


CONTENT, RESPONSE = CATALOGUE["normal"].content, CATALOGUE["normal"].response
HTTP_WHOLE = [op(received=BODY, status=200)]
OUTCOMES: dict[str, tuple[str, str, list[Operation], list[Connection], Outcome, int]] = {
    "a whole response": ("http", "normal", HTTP_WHOLE, [conn("fin", WHOLE, "GET")], Outcome.SUCCESS, 0),
    "a whole response, byte by byte": (
        "http", "normal", [op(received=BODY, status=200, sha256=digest(CONTENT))], [conn("fin", WHOLE, "GET")],
        Outcome.SUCCESS, 0,
    ),
    "other bytes, as many": (
        "http", "normal", [op(received=BODY, status=200, sha256=digest(CONTENT[:-1] + b"?"))],
        [conn("fin", WHOLE, "GET")], Outcome.WRONG_ANSWER, 0,
    ),
    "other bytes, fewer": (
        "http", "fin-mid-body", [op(received=512, status=200, sha256=digest(b"?" * 512))],
        [conn("fin", 39 + 512, "GET")], Outcome.WRONG_ANSWER, 0,
    ),
    "a whole stream": (
        "stream", "normal", [op(received=WHOLE, sha256=digest(RESPONSE))], [conn("fin", WHOLE, "GET")],
        Outcome.SUCCESS, 0,
    ),
    "another stream": (
        "stream", "normal", [op(received=WHOLE, sha256=digest(CONTENT))], [conn("fin", WHOLE, "GET")],
        Outcome.WRONG_ANSWER, 0,
    ),
    "more than the announced length": (
        "http", "excess-body", [op(received=1032, status=200)], [conn("fin", WHOLE + 8, "GET")],
        Outcome.WRONG_ANSWER, 0,
    ),
    "one byte more": (
        "http", "excess-body", [op(received=1025, status=200)], [conn("fin", WHOLE + 8, "GET")],
        Outcome.WRONG_ANSWER, 0,
    ),
    "one byte fewer": (
        "http", "excess-body", [op(received=1023, status=200)], [conn("fin", WHOLE + 8, "GET")],
        Outcome.SILENT_TRUNCATION, 0,
    ),
    "a stream of one byte fewer": (
        "stream", "normal", [op(received=WHOLE - 1, eof=True)], [conn("fin", WHOLE - 1, "GET")], Outcome.EOF, 0,
    ),
    "half a body without an error": (
        "http", "fin-mid-body", [op(received=512, status=200, sha256=digest(CONTENT[:512]))],
        [conn("fin", 39 + 512, "GET")], Outcome.SILENT_TRUNCATION, 0,
    ),
    "half of a body that no length announced": (
        "http", "rst-close-delimited", [op(received=512, status=200)], [conn("rst", 19 + 512, "GET")],
        Outcome.SILENT_TRUNCATION, 0,
    ),
    "an interim response taken for the final one": (
        "http", "early-hints-then-rst", [op(received=0, status=103)], [conn("rst", 28, "GET")],
        Outcome.WRONG_ANSWER, 0,
    ),
    "another status with a whole body": (
        "http", "normal", [op(received=BODY, status=500)], [conn("fin", WHOLE, "GET")], Outcome.WRONG_ANSWER, 0,
    ),
    "the status that the peer sent, though it is no success": (
        "http", "early-response-lingering", [op(received=BODY, status=413)], [conn("fin", FULL, "POST")],
        Outcome.SUCCESS, 0,
    ),
    "half a stream and its end": (
        "stream", "fin-mid-body", [op(received=551, eof=True)], [conn("fin", 551, "GET")], Outcome.EOF, 0,
    ),
    "an error": ("http", "rst-before-response", [reset()], [conn("rst", 0, "GET")], Outcome.RESET, 0),
    "an error beside a whole answer": (
        "http", "normal", [reset(received=BODY)], [conn("rst", WHOLE, "GET")], Outcome.RESET, 0,
    ),
    "a hang": ("http", "silence-before-response", [op(hang=True)], [conn("open", 0, "GET")], Outcome.HANG, 0),
    "the first that fails decides": (
        "stream", "read-after-rst", [op("connect"), reset("recv"), op("recv", eof=True), op("send")],
        [conn("rst")], Outcome.RESET, 1,
    ),
    "a second failure does not decide": (
        "stream", "write-after-rst",
        [op("connect"), reset("send"), failed(name="send", errno=32, code="EPIPE")],
        [conn("rst")], Outcome.RESET, 1,
    ),
    "where none fails the last decides": (
        "http", "reuse-after-fin-get-once", HTTP_WHOLE * 2, [conn("fin", WHOLE, "GET")] * 2, Outcome.SUCCESS, 1,
    ),
    "the rest of a stream up to its end": (
        "stream", "half-close-by-client",
        [op("connect"), op("send"), op("shutdown"), op("recv", received=1024, eof=True)],
        [conn("fin", 1024)], Outcome.SUCCESS, 3,
    ),
    "an end where nothing came": (
        "stream", "write-after-fin", [op("connect"), op("send"), op("recv", received=0, eof=True)],
        [conn("fin")], Outcome.EOF, 2,
    ),
    "an end where something came, and more was to come": (
        "stream", "half-close-by-client",
        [op("connect"), op("send"), op("shutdown"), op("recv", received=1023, eof=True)],
        [conn("fin", 1023)], Outcome.EOF, 3,
    ),
    "an end, and more than was sent": (
        "stream", "half-close-by-client",
        [op("connect"), op("send"), op("shutdown"), op("recv", received=1025, eof=True)],
        [conn("fin", 1024)], Outcome.EOF, 3,
    ),
    "bytes and no end yet": (
        "stream", "half-close-by-client", [op("connect"), op("recv", received=12, eof=False)], [conn("open", 12)],
        Outcome.SUCCESS, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "scenario", "operations", "connections", "outcome", "decisive"), OUTCOMES.values(), ids=OUTCOMES
)
def test_an_outcome_and_its_operation(layer, scenario, operations, connections, outcome, decisive) -> None:
    verdict = verdict_on(scenario, operations, connections, layer=layer)
    assert (verdict.outcome, verdict.decisive) == (outcome, decisive)


EOF, TRUNCATED = failed(code="io.EOF"), failed(code="io.ErrUnexpectedEOF")
REFUSED, UNREACHABLE = failed(code="ECONNREFUSED"), failed(code="EHOSTUNREACH")
HANG_UP = failed(type="Error", message="socket hang up", code="ECONNRESET")
PAYLOAD = "Response payload is not completed: <ContentLengthError: 400, message='...'>. ConnectionResetError(104, "
FAITHFUL: dict[str, tuple[str, Operation, bool | None]] = {
    "a FIN called an end": ("fin", EOF, True),
    "a FIN called a reset": ("fin", reset(), False),
    "a FIN called a broken message": ("fin", TRUNCATED, True),
    "a FIN called a broken pipe": ("fin", failed(code="EPIPE"), True),
    "a FIN called a refusal": ("fin", REFUSED, False),
    "a FIN called a timeout": ("fin", failed(type="TimeoutError"), False),
    "a FIN called node's hang-up": ("fin", HANG_UP, False),
    "a RST called a reset": ("rst", reset(), True),
    "a RST called an end": ("rst", EOF, False),
    "a RST called a broken message": ("rst", TRUNCATED, False),
    "a RST called a broken pipe": ("rst", failed(code="EPIPE"), False),
    "a RST kept": ("rst", op(hang=True), False),
    "a RST called node's hang-up": ("rst", HANG_UP, True),
    "a RST behind a FIN called a reset": ("fin, rst", reset(), True),
    "a RST behind a FIN called an end": ("fin, rst", EOF, True),
    "a RST behind a FIN called a broken message": ("fin, rst", TRUNCATED, True),
    "a RST behind a FIN called node's hang-up, which it says of the FIN": ("fin, rst", HANG_UP, False),
    "a RST that a text names": ("rst", failed(
        type="aiohttp.client_exceptions.ClientPayloadError", message=PAYLOAD + "'Connection reset by peer')"), True),
    "a FIN of which a text names a RST": ("fin", failed(
        type="aiohttp.client_exceptions.ClientPayloadError", message=PAYLOAD + "'Connection reset by peer')"), False),
    "a RST that no text names": ("rst", failed(
        type="aiohttp.client_exceptions.ClientPayloadError", message="Response payload is not completed"), False),
    "silence called a timeout": ("open", failed(type="TimeoutError"), True),
    "silence called a reset": ("open", reset(), False),
    "silence kept": ("open", op(hang=True), True),
    "ICMP called unreachable": ("unreachable", UNREACHABLE, True),
    "a deadline while TCP goes on trying": ("unreachable", failed(type="TimeoutError"), True),
    "ICMP called a refusal": ("unreachable", REFUSED, False),
    "a refusal": ("refused", REFUSED, True),
    "a refusal called a reset": ("refused", reset(), False),
    "half a body called a success": ("fin", op(received=512, status=200), False),
    "too much of a body called a success": ("fin", op(received=1032, status=200), False),
    "a success": ("fin", HTTP_WHOLE[0], True),
    "something unknown": ("fin", failed(type="ValueError"), None),
    "what names no ending, of a FIN": ("fin", failed(code="ERR_STREAM_DESTROYED"), None),
    "what names no ending, of a RST": ("rst", failed(code="net.ErrClosed"), None),
    "what names no ending, of silence": ("open", failed(code="ERR_HTTP2_INVALID_SESSION"), None),
}  # fmt: skip


@pytest.mark.parametrize(("wire", "operation", "faithful"), FAITHFUL.values(), ids=FAITHFUL)
def test_a_report_agrees_with_the_wire_or_misleads(wire: str, operation: Operation, faithful: bool | None) -> None:
    sent = 100 if wire == "open" else WHOLE
    seen = [conn(wire, sent, *(() if wire == "refused" else ("GET",)))]
    assert verdict_on("normal", [operation], seen, client="node/x").faithful is faithful


@pytest.mark.parametrize(("told", "faithful"), [(failed(code="ECONNABORTED"), True), (reset(), False)])
def test_its_own_kernels_abort(told: Operation, faithful: bool) -> None:
    verdict = verdict_on("local-abort", [told], [conn("aborted", 551, "GET")])
    assert (verdict.ending, verdict.faithful) == ("aborted", faithful)


def test_an_answer_and_nothing_more_is_no_ending_that_an_error_could_tell() -> None:
    for told in (reset(), EOF, failed(type="TimeoutError"), op(hang=True)):
        verdict = verdict_on("normal", [told], [conn("open", WHOLE, "GET")])
        assert (verdict.ending, verdict.faithful) == ("none", False)


def test_a_scenario_may_have_truths_of_its_own() -> None:
    """A parse error is the truth of what cannot be parsed, whatever ended the connection; elsewhere it is none."""
    told, seen = [failed(type="HTTPParserError")], [conn("fin", 30, "GET")]
    assert verdict_on("garbage-status", told, seen, client="node/x").faithful is True
    assert verdict_on("fin-before-response", told, seen, client="node/x").faithful is False


AGAIN: dict[str, tuple[Operation, list[Connection], bool]] = {
    # what the client is told at last, its connections for one request, and whether that is the truth
    "a reset, though an earlier connection ended by a FIN": (
        reset(), [conn("fin", 0, "GET"), conn("rst", 0, "GET")], True),
    "an end, though it was the earlier connection's": (EOF, [conn("fin", 0, "GET"), conn("rst", 0, "GET")], False),
    "refused, and the request had been read before": (REFUSED, [conn("fin", 0, "GET"), conn("refused")], False),
    "refused, and the request had left before": (
        REFUSED, [conn("rst", 0, asked("GET", "none")), conn("refused")], False),
    "refused, and nothing had left before": (REFUSED, [conn("rst"), conn("refused")], True),
    "refused twice": (REFUSED, [conn("refused"), conn("refused")], True),
    "unreachable, and the earlier connection ended so too": (
        UNREACHABLE, [conn("unreachable", 0, "GET"), conn("no host")], True),
    "unreachable, and the earlier connection was reset": (
        UNREACHABLE, [conn("rst", 0, "GET"), conn("no host")], False),
    "a reset, then a refusal, told as the reset": (reset(), [conn("rst", 0, "GET"), conn("refused")], False),
    "sent, sent again, refused": (REFUSED, [conn("rst", 0, "GET"), conn("rst", 0, "GET"), conn("refused")], False),
}  # fmt: skip


@pytest.mark.parametrize(("told", "connections", "faithful"), AGAIN.values(), ids=AGAIN)
def test_every_connection_that_the_request_left_on_counts(
    told: Operation, connections: list[Connection], faithful: bool
) -> None:
    assert verdict_on("fin-before-response", [told], connections).faithful is faithful


def test_the_ending_of_a_connection_of_an_earlier_request_does_not_count() -> None:
    twice = [HTTP_WHOLE[0], REFUSED]
    verdict = verdict_on("reuse-after-fin-post-once", twice, [conn("fin", FULL, "GET"), conn("refused")])
    assert (verdict.ending, verdict.faithful, verdict.acted_on) == ("refused", True, ActedOn.NO)


def test_where_no_packet_was_sent_the_host_was_unreachable() -> None:
    verdict = verdict_on("no-route", [failed(code="ENETUNREACH")], [])
    assert (verdict.outcome, verdict.faithful, verdict.acted_on) == (Outcome.UNREACHABLE, True, ActedOn.NO)
    assert (verdict.ending, verdict.tries, verdict.sent, verdict.lost) == ("unreachable", 1, {}, None)


def test_without_evidence_nothing_is_faithful_or_misleading() -> None:
    verdict = verdict_on("normal", HTTP_WHOLE, [], proved=False)
    assert (verdict.outcome, verdict.faithful, verdict.lost) == (Outcome.SUCCESS, None, None)
    assert (verdict.acted_on, verdict.sent) == (None, None)


CHUNKED = CATALOGUE["rst-mid-chunk"].framing + 768
YES, NO, MAYBE = ActedOn.YES, ActedOn.NO, ActedOn.MAYBE
POSTS = "reuse-after-fin-post-again"
Arithmetic = tuple[int, dict[str, int] | None, ActedOn | None, int | None]
ARITHMETIC: dict[str, tuple[str, str, list[Operation], list[Connection], Arithmetic]] = {
    # scenario, operations, connections: tries, requests that left, whether one was acted on, bytes lost
    "one answered request": ("http", "normal", HTTP_WHOLE, [conn("fin", WHOLE, "GET")], (1, {"GET": 1}, YES, 0)),
    "a connection that is refused": ("http", "refused", [REFUSED], [conn("refused")], (1, {}, NO, 0)),
    "a request that nobody read": (
        "http", "rst-on-accept", [reset()], [conn("rst", 0, asked("GET", "none"))], (1, {"GET": 1}, MAYBE, 0)),
    "a request read in part": (
        "http", "rst-unread-request", [reset()], [conn("rst", 0, asked("POST", "partly"))],
        (1, {"POST": 1}, MAYBE, 0)),
    "a request read and not answered": (
        "http", "rst-before-response", [reset()], [conn("rst", 0, "GET")], (1, {"GET": 1}, YES, 0)),
    "answered with success, its trailer unread": (
        "http", "rst-after-body-unread-trailer", [reset()],
        [conn("rst", CATALOGUE["rst-after-body-unread-trailer"].announced, asked("POST", "partly", answered=200))],
        (1, {"POST": 1}, YES, 1024)),
    "drained behind a 413": (
        "http", "early-response-lingering", [op(status=413)],
        [conn("fin", HEAD, asked("POST", answered=413, drained=True))], (1, {"POST": 1}, MAYBE, 0)),
    "refused by HTTP/2": (
        "http", "h2-rst-stream-refused", [failed(type="http.http2StreamError")],
        [conn("fin", 0, asked("GET", refused=True))], (1, {"GET": 1}, NO, 0)),
    "in the kernel's queue": (
        "http", "silence-on-accept", [op(hang=True)], [conn("connected")], (1, {}, MAYBE, None)),
    "a silent retry": (
        "http", "rst-before-response", [reset()], [conn("rst", 0, "GET"), conn("rst", 0, "GET")],
        (2, {"GET": 2}, YES, 0)),
    "a retry that never arrived": (
        "http", "rst-on-accept", [reset()], [conn("rst", 0, asked("GET", "none"))] * 2, (2, {"GET": 2}, MAYBE, 0)),
    "a retry on the same connection": (
        "http", "rst-before-response", [reset()], [conn("rst", 0, "GET", "GET")], (2, {"GET": 2}, YES, 0)),
    "a retry that is refused": (
        "http", "fin-before-response", [REFUSED], [conn("fin", 0, "GET"), conn("refused")], (2, {"GET": 1}, YES, 0)),
    "a dead connection is replaced": (
        "http", "reuse-after-fin-post-once", HTTP_WHOLE * 2, [conn("fin", FULL, "GET"), conn("fin", FULL, "POST")],
        (1, {"POST": 1}, YES, 0)),
    "the second request was lost": (
        "http", "reuse-after-fin-post-once", [HTTP_WHOLE[0], reset()],
        [conn("fin, rst", FULL, "GET", asked("POST", "none"))], (1, {"POST": 1}, MAYBE, 0)),
    "the second request never left": (
        "http", "reuse-after-fin-post-once", [HTTP_WHOLE[0], reset()], [conn("fin", FULL, "GET")], (1, {}, NO, 0)),
    "a POST is sent twice, elsewhere": (
        "http", POSTS, [HTTP_WHOLE[0], reset()],
        [conn("fin", FULL, "GET"), conn("fin", 0, "POST"), conn("fin", 0, "POST")], (2, {"POST": 2}, YES, 0)),
    "a POST is sent twice, first where the GET was": (
        "http", POSTS, HTTP_WHOLE * 2,
        [conn("fin, rst", FULL, "GET", asked("POST", "none")), conn("fin", FULL, "POST")], (2, {"POST": 2}, YES, 0)),
    "only the first exchange was made": ("http", POSTS, [reset()], [conn("rst", 0, "GET")], (1, {"GET": 1}, YES, 0)),
    "bytes that the application never got": (
        "http", "rst-mid-body", [reset(received=0)], [conn("rst", HEAD + 512, "GET")], (1, {"GET": 1}, YES, 512)),
    "bytes that it kept": (
        "http", "rst-mid-body", [reset(received=512)], [conn("rst", HEAD + 512, "GET")], (1, {"GET": 1}, YES, 0)),
    "some that it kept": (
        "http", "rst-mid-body", [reset(received=500)], [conn("rst", HEAD + 512, "GET")], (1, {"GET": 1}, YES, 12)),
    "bytes of a hang are nobody's business": (
        "http", "silence-mid-body", [op(hang=True)], [conn("open", HEAD + 512, "GET")], (1, {"GET": 1}, YES, None)),
    "only the last connection's bytes count": (
        "http", "rst-mid-body", [reset(received=0)], [conn("rst", HEAD + 512, "GET"), conn("rst", HEAD + 9, "GET")],
        (2, {"GET": 2}, YES, 9)),
    "a head cut short is no body": (
        "http", "fin-mid-head", [reset()], [conn("fin", 30, "GET")], (1, {"GET": 1}, YES, 0)),
    "what frames the chunks is no body": (
        "http", "rst-mid-chunk", [reset(received=512)], [conn("rst", CHUNKED, "GET")], (1, {"GET": 1}, YES, 256)),
    "an interim head is no body": (
        "http", "early-hints-then-rst", [op(status=103, received=0)], [conn("rst", 28, "GET")],
        (1, {"GET": 1}, YES, 0)),
    "what is sent beyond the announced length is nobody's": (
        "http", "short-content-length", [op(status=200, received=512)], [conn("fin", 59 + 1024, "GET")],
        (1, {"GET": 1}, YES, 0)),
    "nor is it where the application got less": (
        "http", "short-content-length", [reset(received=500)], [conn("fin", 59 + 1024, "GET")],
        (1, {"GET": 1}, YES, 12)),
    "a stream counts the head": (
        "stream", "rst-mid-body", [reset(received=100)], [conn("rst", HEAD + 512, "GET")],
        (1, {"GET": 1}, YES, HEAD + 412)),
    "a stream that got more than was sent for it has lost nothing": (
        "stream", "rst-mid-body", [reset(received=HEAD + 600)], [conn("rst", HEAD + 512, "GET")],
        (1, {"GET": 1}, YES, 0)),
    "what an earlier exchange got is not lost": (
        "http", "server-interrupted", [*HTTP_WHOLE, reset()],
        [conn("fin", FULL + HEAD + 9, "GET", asked("GET", "partly"))], (1, {"GET": 1}, MAYBE, 9)),
    "each answer has a head of its own": (
        "http", "reuse-after-response-rst-get-once", [*HTTP_WHOLE, reset()],
        [conn("rst", FULL + HEAD + 9, "GET", "GET")],
        (1, {"GET": 1}, YES, 9)),
    "nor is what it got elsewhere": (
        "http", "reuse-after-fin-get-again", [*HTTP_WHOLE, reset()],
        [conn("fin", FULL, "GET"), conn("fin", HEAD + 9, "GET")],
        (1, {"GET": 1}, YES, 9)),
    "no request at all": (
        "stream", "write-after-fin", [op("connect"), op("send"), reset("recv", received=0)], [conn("fin, rst")],
        (1, None, None, 0)),
    "nothing was asked for": (
        "stream", "write-after-fin", [op("connect"), reset("send")], [conn("fin, rst", 9)], (1, None, None, None)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "scenario", "operations", "connections", "expected"), ARITHMETIC.values(), ids=ARITHMETIC
)
def test_tries_sent_acted_on_and_lost(layer, scenario, operations, connections, expected) -> None:
    verdict = verdict_on(scenario, operations, connections, layer=layer)
    assert (verdict.tries, verdict.sent, verdict.acted_on, verdict.lost) == expected
    assert verdict.retried is (verdict.tries > 1)
