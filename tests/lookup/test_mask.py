"""What is masked, and what must not be."""

from __future__ import annotations

import pytest

from hangup.lookup.mask import MASKS_FILE, Masker, read_masks

MASKER = Masker(read_masks())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dial tcp PEER:PORT: connect: connection refused", "dial tcp 10.1.2.3:443: connect: connection refused"),
        ("dial tcp PEER:PORT: connect: connection refused", "dial tcp [2001:db8::1]:443: connect: connection refused"),
        ("dial tcp PEER:PORT: connect: connection refused", "dial tcp db.internal:5432: connect: connection refused"),
        ("connect ECONNREFUSED PEER:PORT", "connect ECONNREFUSED redis:6379"),
        ('Get "http://PEER:PORT/": EOF', 'Get "https://user@api.example.com/v1?q=1": EOF'),
        ("HTTPConnectionPool(host='PEER', port=PORT)", "HTTPConnectionPool(host='api.example.com', port=443)"),
        ('Get "http://a/": EOF', 'Post "http://a/": EOF'),
        ('Get "http://a/": EOF', 'Put \\"http://a/\\": EOF'),
        ("with url: / (Caused", "with url: /v1/orders?id=4711 (Caused"),
        ('File "…/http/client.py", line …, in send', 'File "/usr/lib/python3.12/http/client.py", line 1093, in send'),
        ('File "…/http/client.py", line …, in send', 'File "C:\\Python312\\http\\client.py", line 1093, in send'),
        ("at java.base/java.net.Socket.connect(Socket.java:…)", "at java.net.Socket.connect(Socket.java:633)"),
        (
            "at TCP.onread (node:internal/stream_base_commons:…)",
            "at TCP.onread (node:internal/stream_base_commons:217:20)",
        ),
        ("HTTPConnection at 0x…", "HTTPConnection at 0x7f3a5c0d2b90"),
        ("[Errno 104] Connection reset by peer", "errno 104: Connection reset by peer"),
        ("errno: -104", "errno: 104"),
        ('"errno":-104', "[Errno 104]"),
        ("IncompleteRead(512 bytes read, 512 more)", "IncompleteRead(0 bytes read, 81920 more)"),
        (
            "'Connection to PEER timed out. (connect timeout=None)'",
            "'Connection to api timed out. (connect timeout=3.5)'",
        ),
        ("Caused by: java.net.ConnectException", 'Exception in thread "pool-1-thread-7" java.net.ConnectException'),
        ("Error: read ECONNRESET", "\x1b[31mError\x1b[0m: read ECONNRESET"),
        ("Connection reset by peer", "connection reset by peer"),
        ("write: Broken pipe", "write: broken pipe"),
        ("SH--", "SHVN 12/3/0/0/0 0/0"),
        ("Connection to a.example closed by remote host.", "Connection to web1 closed by remote host."),
        ("Timeout, server a.example not responding.", "Timeout, server 10.1.2.3 not responding."),
        ("HTTPSConnection(host='a', port=443)", "HTTPConnection(host='b', port=80)"),
        ("getaddrinfo ENOTFOUND a.example", "getaddrinfo ENOTFOUND db"),
        ("Could not resolve host: a.example", "Could not resolve host: b"),
        ('could not translate host name "a" to', 'could not translate host name "b.example" to'),
        ("Failed to connect to a.example port 443", "Failed to connect to 10.1.2.3 port 80"),
        ("SC--", '"termination_state":"SC"'),
        ("sQ--", "termination_state=sQ--"),
        ('HTTP/1.1" 503 UF,URX -', 'HTTP/2" 503 response_flags UF,URX -'),
        ("Recv failure: Connection reset by peer", "Recv failure: Connexion ré-initialisée par le correspondant"),
        ("connect: Connection refused", "connect: Verbindungsaufbau abgelehnt"),
    ],
)
def test_what_differs_from_case_to_case_does_not_count(one: str, other: str) -> None:
    assert MASKER.words(one) == MASKER.words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Connection reset", "Connection reset by peer"),
        ("Connection aborted", "connection aborted"),
        ("[Errno 104] x", "[Errno 111] x"),
        ("errno=10053", "errno=10054"),
        ("[Errno 54] x", "[Errno -54] x"),
        ("error_code:2", "error_code:8"),
        ("SH--", "sH--"),
        ("SH--", "SH"),
        ('File "a/http/client.py", line 1, in send', 'File "a/http/client.py", line 1, in recv'),
        ("java.net.SocketException: x", "System.Net.Sockets.SocketException: x"),
        ("java.net.SocketException: x", "SocketException: x"),
        ('"termination_state":"SC"', '"termination_state":"sC"'),
        ('HTTP/1.1" 503 UF -', 'HTTP/1.1" 503 UC -'),
        ("lookup api.example: no such host", "lookup api.example: i/o timeout"),
    ],
)
def test_what_tells_errors_apart_is_kept(one: str, other: str) -> None:
    assert MASKER.words(one) != MASKER.words(other)


def test_a_text_on_one_line_has_its_lines_again() -> None:
    assert [words for _raw, words in MASKER.lines(r"Traceback:\n\tEOFError\r\nend")] == ["Traceback", "EOFError", "end"]


def test_a_number_counts_only_where_it_is_all_of_the_text() -> None:
    assert [words for _raw, words in MASKER.lines(" 104\n")] == ["number_104"]
    assert [words for _raw, words in MASKER.lines("104\n111")] == []


def test_every_mask_has_a_reason() -> None:
    lines = MASKS_FILE.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(read_masks()) + 2, "a mask a line, so that a difference shows which"
