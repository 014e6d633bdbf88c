"""From what a client reported to an outcome: every rule, with words really said, and the arithmetic beside it."""

from __future__ import annotations

from typing import get_args

import pytest

from hangup.catalogue import load_catalogue
from hangup.judge import Outcome, judge
from hangup.judge.judge import Rule, classify, rules
from hangup.store.model import Connection, Ending, Link, Observation, Operation, Request

CATALOGUE = load_catalogue()
WHOLE = CATALOGUE["normal"].announced
BODY = 1024


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
    ("node/http2", Outcome.BROKEN_PIPE, [
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
    ("go/net-http", Outcome.BROKEN_PIPE, [
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
    ("java/httpclient", Outcome.EOF, [
        link("java.io.IOException", "HTTP/1.1 header parser received no bytes"),
        link("java.io.IOException", "HTTP/1.1 header parser received no bytes")]),
    ("java/httpclient", Outcome.EOF, [link("java.io.EOFException", "")]),
    ("node/fetch", Outcome.TIMEOUT, [
        link("TypeError", "fetch failed"),
        link("ConnectTimeoutError", "Connect Timeout Error", code="UND_ERR_CONNECT_TIMEOUT")]),
    ("node/fetch", Outcome.TIMEOUT, [
        link("TypeError", "fetch failed"),
        link("HeadersTimeoutError", "Headers Timeout Error", code="UND_ERR_HEADERS_TIMEOUT")]),
    ("java/httpurlconnection", Outcome.BROKEN_PIPE, [link("java.io.IOException", "Error writing to server")]),
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
    ("node/net", Outcome.BROKEN_PIPE, [
        link("Error", "Cannot call write after a stream was destroyed", code="ERR_STREAM_DESTROYED")]),
    ("node/net", Outcome.BROKEN_PIPE, [link("Error", "write after end", code="ERR_STREAM_WRITE_AFTER_END")]),
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
    assert classify(client, chain) is outcome


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
    assert classify("java/socket", [link("java.net.SocketException", "Connection reset")]) is Outcome.RESET
    assert classify("go/net", [link("java.net.SocketException", "Connection reset")]) is Outcome.UNMAPPED


def test_the_keys_of_a_rule_must_fit_one_and_the_same_error() -> None:
    chain = [link("httpcore.RemoteProtocolError", "?"), link("E", "Server disconnected without sending a response")]
    assert classify("python/httpx", chain) is Outcome.UNMAPPED


def test_the_first_rule_decides_and_not_the_first_error() -> None:
    chain = [link("TimeoutError", "timed out"), link("ConnectionResetError", "", 104, "ECONNRESET")]
    assert classify("python/httpx", chain) is classify("python/httpx", chain[::-1]) is Outcome.RESET


def test_what_nobody_knows_is_unmapped() -> None:
    assert classify("python/socket", [link("ValueError", "embedded null byte")]) is Outcome.UNMAPPED
    assert classify("python/socket", []) is Outcome.UNMAPPED


def test_every_ending_says_what_is_faithful_to_it() -> None:
    assert set(rules().faithful) == set(get_args(Ending))
    for outcomes in rules().faithful.values():
        assert not {Outcome.UNMAPPED, Outcome.SILENT_TRUNCATION, Outcome.SUCCESS} & set(outcomes)


def op(name: str = "exchange", **keys: object) -> Operation:
    return Operation.model_validate({"op": name, **keys})


def reset(name: str = "exchange", **keys: object) -> Operation:
    return op(name, error=(link("E", "", 104, "ECONNRESET"),), **keys)


def conn(ending: Ending, sent: int, *methods: str, complete: bool = True) -> Connection:
    requests = tuple(Request(method=method, complete=complete) for method in methods)
    return Connection(ending=ending, sent=sent, requests=requests)


def observation(operations: list[Operation], connections: list[Connection], state: str | None = "SF") -> Observation:
    return Observation(share="always", operations=tuple(operations), state=state, connections=tuple(connections))


HTTP_WHOLE = [op(received=BODY, status=200)]
OUTCOMES = {
    "a whole response": ("http", "normal", HTTP_WHOLE, [conn("fin", WHOLE, "GET")], Outcome.SUCCESS, 0),
    "a whole stream": ("stream", "normal", [op(received=WHOLE)], [conn("fin", WHOLE, "GET")], Outcome.SUCCESS, 0),
    "half a body without an error": (
        "http", "fin-mid-body", [op(received=512, status=200)], [conn("fin", 39 + 512, "GET")],
        Outcome.SILENT_TRUNCATION, 0,
    ),
    "half of a body that no length announced": (
        "http", "rst-close-delimited", [op(received=512, status=200)], [conn("rst", 19 + 512, "GET")],
        Outcome.SILENT_TRUNCATION, 0,
    ),
    "an interim response taken for the final one": (
        "http", "early-hints-then-rst", [op(received=0, status=103)], [conn("rst", 28, "GET")],
        Outcome.SILENT_TRUNCATION, 0,
    ),
    "half a stream and its end": (
        "stream", "fin-mid-body", [op(received=551, eof=True)], [conn("fin", 551, "GET")], Outcome.EOF, 0,
    ),
    "an error": ("http", "rst-before-response", [reset()], [conn("rst", 0, "GET")], Outcome.RESET, 0),
    "a hang": ("http", "silence-before-response", [op(hang=True)], [conn("silence", 0, "GET")], Outcome.HANG, 0),
    "the first that fails decides": (
        "stream", "read-after-rst", [op("connect"), reset("recv"), op("recv", eof=True), op("send")],
        [conn("rst", 0)], Outcome.RESET, 1,
    ),
    "a second failure does not decide": (
        "stream", "write-after-rst",
        [op("connect"), reset("send"), op("send", error=(link("E", "", 32, "EPIPE"),))],
        [conn("rst", 0)], Outcome.RESET, 1,
    ),
    "where none fails the last decides": (
        "http", "reuse-after-fin-get-once", HTTP_WHOLE * 2, [conn("fin", WHOLE, "GET")] * 2, Outcome.SUCCESS, 1,
    ),
    "the rest of a stream up to its end": (
        "stream", "half-close-by-client",
        [op("connect"), op("send"), op("shutdown"), op("recv", received=1024, eof=True)],
        [conn("fin", 1024)], Outcome.SUCCESS, 3,
    ),
    "an end where more was to come": (
        "stream", "write-after-fin", [op("connect"), op("send"), op("recv", received=0, eof=True)],
        [conn("fin", 0)], Outcome.EOF, 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "scenario", "operations", "connections", "outcome", "decisive"), OUTCOMES.values(), ids=OUTCOMES
)
def test_an_outcome_and_its_operation(layer, scenario, operations, connections, outcome, decisive) -> None:
    verdict = judge("python/x", layer, CATALOGUE[scenario], observation(operations, connections))
    assert (verdict.outcome, verdict.decisive) == (outcome, decisive)


FAITHFUL = {
    "a FIN called an end": ("fin", op(error=(link("E", code="io.EOF"),)), True),
    "a FIN called a reset": ("fin", reset(), False),
    "a FIN called a broken message": ("fin", op(error=(link("E", code="io.ErrUnexpectedEOF"),)), True),
    "a RST called a reset": ("rst", reset(), True),
    "a RST called an end": ("rst", op(error=(link("E", code="io.EOF"),)), False),
    "a RST behind a FIN called a reset": ("fin, rst", reset(), True),
    "silence called a timeout": ("silence", op(error=(link("TimeoutError"),)), True),
    "silence called a reset": ("silence", reset(), False),
    "silence kept": ("silence", op(hang=True), True),
    "ICMP called unreachable": ("unreachable", op(error=(link("E", code="EHOSTUNREACH"),)), True),
    "a deadline while TCP goes on trying": ("unreachable", op(error=(link("TimeoutError"),)), True),
    "ICMP called a refusal": ("unreachable", op(error=(link("E", code="ECONNREFUSED"),)), False),
    "its own kernel's abort": ("aborted", op(error=(link("E", code="ECONNABORTED"),)), True),
    "its own kernel's abort called a reset": ("aborted", reset(), False),
    "a refusal": ("refused", op(error=(link("E", code="ECONNREFUSED"),)), True),
    "half a body called a success": ("fin", op(received=512, status=200), False),
    "a success": ("fin", HTTP_WHOLE[0], True),
    "something unknown": ("fin", op(error=(link("ValueError"),)), False),
}


def test_a_scenario_may_have_truths_of_its_own() -> None:
    """A parse error is the truth of what cannot be parsed, whatever ended the connection; elsewhere it is none."""
    parsed = observation([op(error=(link("HTTPParserError"),))], [conn("fin", 30, "GET")])
    assert judge("node/x", "http", CATALOGUE["garbage-status"], parsed).faithful is True
    assert judge("node/x", "http", CATALOGUE["fin-before-response"], parsed).faithful is False


@pytest.mark.parametrize(("ending", "operation", "faithful"), FAITHFUL.values(), ids=FAITHFUL)
def test_a_report_agrees_with_the_wire_or_misleads(ending: Ending, operation: Operation, faithful: bool) -> None:
    seen = observation([operation], [conn(ending, WHOLE, "GET")])
    assert judge("python/x", "http", CATALOGUE["normal"], seen).faithful is faithful


def test_the_ending_of_the_last_connection_counts() -> None:
    seen = observation([HTTP_WHOLE[0], reset()], [conn("fin", WHOLE, "GET"), conn("rst", 0, "GET")])
    assert judge("python/x", "http", CATALOGUE["reuse-after-fin-get-again"], seen).faithful is True


def test_where_no_packet_was_sent_the_host_was_unreachable() -> None:
    told = [op(error=(link("E", code="ENETUNREACH"),))]
    verdict = judge("python/x", "http", CATALOGUE["no-route"], observation(told, [], state="nothing"))
    assert (verdict.outcome, verdict.faithful, verdict.processed) == (Outcome.UNREACHABLE, True, 0)


def test_without_evidence_nothing_is_faithful_or_misleading() -> None:
    verdict = judge("python/x", "http", CATALOGUE["normal"], observation(HTTP_WHOLE, [], state=None))
    assert (verdict.outcome, verdict.faithful, verdict.lost) == (Outcome.SUCCESS, None, None)


HEAD = CATALOGUE["reuse-after-fin-post-once"].response_head
FULL = HEAD + BODY
CHUNKED = CATALOGUE["rst-mid-chunk"].framing + 768
ARITHMETIC = {
    # scenario, operations, connections: extra connections, extra requests, processed, lost
    "one answered request": ("http", "normal", HTTP_WHOLE, [conn("fin", WHOLE, "GET")], (0, {}, 1, 0)),
    "a request that nobody read": ("http", "rst-on-accept", [reset()], [conn("rst", 0)], (0, {}, 0, 0)),
    "a request read in part": (
        "http", "rst-unread-request", [reset()], [conn("rst", 0, "POST", complete=False)], (0, {}, 0, 0),
    ),
    "a request read and not answered": (
        "http", "rst-before-response", [reset()], [conn("rst", 0, "GET")], (0, {}, 1, 0),
    ),
    "a silent retry": (
        "http", "rst-before-response", [reset()], [conn("rst", 0, "GET"), conn("rst", 0, "GET")],
        (1, {"GET": 1}, 2, 0),
    ),
    "a retry that never arrived": (
        "http", "rst-on-accept", [reset()], [conn("rst", 0), conn("rst", 0)], (1, {}, 0, 0),
    ),
    "a dead connection is replaced": (
        "http", "reuse-after-fin-post-once", HTTP_WHOLE * 2, [conn("fin", FULL, "GET"), conn("fin", FULL, "POST")],
        (0, {}, 1, 0),
    ),
    "the second request was lost": (
        "http", "reuse-after-fin-post-once", [HTTP_WHOLE[0], reset()], [conn("fin, rst", FULL, "GET")], (0, {}, 0, 0),
    ),
    "a POST is sent twice": (
        "http", "reuse-after-fin-post-again", [HTTP_WHOLE[0], reset()],
        [conn("fin", FULL, "GET"), conn("fin", 0, "POST"), conn("fin", 0, "POST")], (1, {"POST": 1}, 2, 0),
    ),
    "only the first exchange was made": (
        "http", "reuse-after-fin-post-again", [reset()], [conn("rst", 0, "GET")], (0, {}, 1, 0),
    ),
    "bytes that the application never got": (
        "http", "rst-mid-body", [reset(received=0)], [conn("rst", HEAD + 512, "GET")], (0, {}, 1, 512),
    ),
    "bytes that it kept": (
        "http", "rst-mid-body", [reset(received=512)], [conn("rst", HEAD + 512, "GET")], (0, {}, 1, 0),
    ),
    "a head cut short is no body": ("http", "fin-mid-head", [reset()], [conn("fin", 30, "GET")], (0, {}, 1, 0)),
    "what frames the chunks is no body": (
        "http", "rst-mid-chunk", [reset(received=512)], [conn("rst", CHUNKED, "GET")], (0, {}, 1, 256),
    ),
    "an interim head is no body": (
        "http", "early-hints-then-rst", [op(status=103, received=0)], [conn("rst", 28, "GET")], (0, {}, 1, 0),
    ),
    "what is sent beyond the announced length is nobody's": (
        "http", "short-content-length", [op(status=200, received=512)], [conn("fin", 59 + 1024, "GET")],
        (0, {}, 1, 0),
    ),
    "a stream counts the head": (
        "stream", "rst-mid-body", [reset(received=100)], [conn("rst", HEAD + 512, "GET")], (0, {}, 1, HEAD + 412),
    ),
    "what an earlier exchange got is not lost": (
        "http", "server-interrupted", [*HTTP_WHOLE * 2, reset()], [conn("fin", 2 * FULL, "GET", "GET")],
        (0, {}, 0, 0),
    ),
    "no request at all": (
        "stream", "write-after-fin", [op("connect"), op("send"), reset("recv", received=0)], [conn("fin, rst", 0)],
        (0, {}, None, 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "scenario", "operations", "connections", "expected"), ARITHMETIC.values(), ids=ARITHMETIC
)
def test_retried_processed_lost(layer, scenario, operations, connections, expected) -> None:
    verdict = judge("python/x", layer, CATALOGUE[scenario], observation(operations, connections))
    assert (verdict.extra_connections, verdict.extra_requests, verdict.processed, verdict.lost) == expected
