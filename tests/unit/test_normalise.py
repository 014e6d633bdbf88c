"""What changes from run to run is taken out of a text, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangup.store.normalise import Normaliser

FOLDER = Path("/home/ada/.cache/hangup/agents/python-0123456789abcdef")
NORMALISE = Normaliser(
    hosts={"192.0.2.2": "PEER", "192.0.2.1": "CLIENT", "198.51.100.1": "PEER"},
    port=40123,
    ports=[50456, 5045],
    folder=FOLDER,
)

CASES = {
    "addresses and ports": (
        "read tcp 192.0.2.1:50456->192.0.2.2:40123: read: connection reset by peer",
        "read tcp CLIENT:CLIENTPORT->PEER:PORT: read: connection reset by peer",
    ),
    "a URL": ('Get "http://192.0.2.2:40123/": EOF', 'Get "http://PEER:PORT/": EOF'),
    "an address that only begins alike": ("dial 192.0.2.20:80", None),
    "a port in a longer number": ("140123 401230 0.40123 40123.5", None),
    "a port of the client that is part of another": ("from 50456, then 5045", "from CLIENTPORT, then CLIENTPORT"),
    "a port at the end of a sentence": ("nothing listens on port 40123.", "nothing listens on port PORT."),
    "a port in brackets": ("('192.0.2.2', 40123)", "('PEER', PORT)"),
    "an errno": ("[Errno 104] Connection reset by peer", None),
    "byte counts": ("IncompleteRead(512 bytes read, 512 more expected)", None),
    "an object's address": (
        "<urllib3.connection.HTTPConnection object at 0x7f15d1e46dd0>: refused",
        "<urllib3.connection.HTTPConnection object at 0x…>: refused",
    ),
    "OpenSSL's error, as Node tells it": (
        "write EPROTO 80DC4141637F0000:error:0A00010B:SSL routines::wrong version number:../ssl3_record.c:355:",
        "write EPROTO …:error:0A00010B:SSL routines::wrong version number:../ssl3_record.c:…:",
    ),
    "an address of six digits, the least": ("at 0x7f15d1", "at 0x…"),
    "an address in capitals": ("@ 0x7F15D1E4", "@ 0x…"),
    "a short hexadecimal number": ("flags 0x14, mask 0xfffff", None),
    "OpenSSL's error of a thread with a small number": (
        "7F001122:error:0A000126:SSL routines::eof", "…:error:0A000126:SSL routines::eof",
    ),
    "a file of the agent": (f"cannot find module '{FOLDER}/x'", "cannot find module '…/x'"),
    "a Go frame": ("client_net.go:42 +0x1d", "client_net.go:… +0x1d"),
    "what undici found of the socket": (
        "{\n  localAddress: undefined,\n  localPort: 50456,\n  remoteFamily: 'IPv4',\n  timeout: 7\n}",
        "{\n  localAddress: …,\n  localPort: …,\n  remoteFamily: …,\n  timeout: 7\n}",
    ),
    "from where Node's event loop came": (
        ("Error: x\n    at f (node:net:1:2)\n    at listOnTimeout (node:internal/timers:581:17)"
        "\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"),
        "Error: x\n    at f (node:net:…)",
    ),
    "what Java handed over": (
        ("a\n\tat x.Y.z(Y.java:2)\n\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(A.java:1)"
        "\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n"),
        "a\n\tat x.Y.z(Y.java:…)\n\t… (handed over by another thread)\n",
    ),
    "what other Java traces share": ("a\n\tat x.Y.z(Y.java:1)\nCaused by: b\n\t... 2 more",
        "a\n\tat x.Y.z(Y.java:…)\nCaused by: b\n\t... … more",
    ),
    "a socket": (
        "<socket.socket fd=11, family=2, laddr=('192.0.2.1', 50456)>",
        "<socket.socket fd=…, family=2, laddr=('CLIENT', CLIENTPORT)>",
    ),
    "a frame of the agent": (
        f'  File "{FOLDER}/clients/socket.py", line 21, in send', '  File "…/clients/socket.py", line …, in send',
    ),
    "source lines and marks of frames": (
        ('Traceback (most recent call last):\n'
        f'  File "{FOLDER}/clients/socket.py", line 21, in send\n'
        '    sock.sendall(\n'
        '    ~~~~~~~~~~~~^\n'
        '        data,\n'
        '    )\n'
        '    ^\n'
        '  File "/usr/lib/python3.13/socket.py", line 5, in recv\n'
        '  [Previous line repeated 2 more times]\n'
        'OSError: [Errno 32] Broken pipe\n'
        '    and what a message says below itself\n'),
        ('Traceback (most recent call last):\n'
        '  File "…/clients/socket.py", line …, in send\n'
        '  File "…/socket.py", line …, in recv\n'
        '  [Previous line repeated 2 more times]\n'
        'OSError: [Errno 32] Broken pipe\n'
        '    and what a message says below itself\n'),
    ),
    "source lines of frames in a group of exceptions": (
        ('  + Exception Group Traceback (most recent call last):\n'
        '  |   File "/usr/lib/python3.13/asyncio/taskgroups.py", line 9, in __aexit__\n'
        '  |     raise me from None\n'
        '  | ExceptionGroup: one (1 sub-exception)\n'
        '  +-+---------------- 1 ----------------\n'
        '    | Traceback (most recent call last):\n'
        '    |   File "/usr/lib/python3.13/socket.py", line 5, in recv\n'
        '    |     return self._sock.recv(size)\n'
        '    |            ^^^^^^^^^^^^^^^^^^^^^\n'
        '    | ConnectionResetError: [Errno 104] Connection reset by peer\n'),
        ('  + Exception Group Traceback (most recent call last):\n'
        '  |   File "…/asyncio/taskgroups.py", line …, in __aexit__\n'
        '  | ExceptionGroup: one (1 sub-exception)\n'
        '  +-+---------------- 1 ----------------\n'
        '    | Traceback (most recent call last):\n'
        '    |   File "…/socket.py", line …, in recv\n'
        '    | ConnectionResetError: [Errno 104] Connection reset by peer\n'),
    ),
    "a frame of a library": (
        f'  File "{FOLDER}/site/urllib3/connectionpool.py", line 787, in urlopen',
        '  File "…/urllib3/connectionpool.py", line …, in urlopen',
    ),
    "a frame of the standard library": (
        '  File "/usr/lib/python3.11/http/client.py", line 1390, in getresponse',
        '  File "…/http/client.py", line …, in getresponse',
    ),
    "a frame of another interpreter's library": (
        '  File "/opt/pyenv/versions/3.13.1/lib/python3.13/socket.py", line 5, in create_connection',
        '  File "…/socket.py", line …, in create_connection',
    ),
    "a Java frame": (
        "\tat java.base/java.net.Socket.connect(Socket.java:757)",
        "\tat java.base/java.net.Socket.connect(Socket.java:…)",
    ),
    "what tasks of Java's HttpClient did": (
        "java.io.IOException: cut\n\tat java.net.http/jdk.internal.A.b(A.java:1)\n\t... 9 more\n\tat x.Y.z(Y.java:2)",
        "java.io.IOException: cut\n\t… (tasks of java.net.http)\n\tat x.Y.z(Y.java:…)",
    ),
    "what they share with another trace": (
        "a\n\tat java.net.http/jdk.internal.net.http.A.b(A.java:1)\nCaused by: b\n\t... 2 more",
        "a\n\t… (tasks of java.net.http)\nCaused by: b\n\t… (tasks of java.net.http)",
    ),
    "a thread": ('Exception in thread "Thread-17" ...', 'Exception in thread "Thread-…" ...'),
    "a pool's thread": ("pool-3-thread-12", "pool-…-thread-…"),
    "a Node frame": (
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)",
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:…)",
    ),
    "a frame of a Node client": (
        f"    at file://{FOLDER}/clients/fetch.js:31:9", "    at …/clients/fetch.js:…",
    ),
    "nothing to take out": ("socket hang up", None),
    "nothing at all": ("", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_text_without_what_changes(text: str, expected: str | None) -> None:
    assert NORMALISE(text) == (text if expected is None else expected)


def test_a_port_of_two_digits_is_one_too() -> None:
    normalise = Normaliser(hosts={"127.0.0.1": "HOST"}, port=80, ports=[], folder=None)
    assert normalise("127.0.0.1:80, 180 and 8") == "HOST:PORT, 180 and 8"


@pytest.mark.parametrize(
    "frame", ["at Fetch.onAborted (node:internal/deps/undici/undici:{}:53)", "at a.B.c(B.java:{})", "line {}"]
)
def test_a_line_with_the_number_of_a_port_is_a_line(frame: str) -> None:
    normalise = Normaliser(hosts={"127.0.0.1": "HOST"}, port=15_358, ports=[40_123], folder=None)
    assert len({normalise(frame.format(number)) for number in (15_358, 40_123, 77)}) == 1


def test_two_runs_say_the_same() -> None:
    """The point of it: other ports, other folder, other addresses in memory, the same bytes."""
    texts = set()
    for port, client, folder, at in ((40123, 50456, "a-1", "7f15d1e4"), (33333, 61000, "b-22", "7fa4fa5a94d0")):
        normalise = Normaliser(hosts={"127.0.0.1": "HOST"}, port=port, ports=[client], folder=Path("/cache") / folder)
        texts.add(
            normalise(
                f'File "/cache/{folder}/clients/x.py", line {port}, in f\n'
                f"<C object at 0x{at}>: 127.0.0.1:{client}->127.0.0.1:{port}"
            )
        )
    assert len(texts) == 1


PIECES = st.sampled_from(
    [
        "192.0.2.2", "192.0.2.1", "198.51.100.1", "40123", "50456", "5045", ":", "->", " ", "\n", "\n\tat ",
        "\n    at ",
        "0x", "7f15d1e46dd0", 'File "', '"', ", line 12", ".py", ".java", ".js", "file://", "node:net", "/", "clients/",
        "node_modules/", f"{FOLDER}/", "/lib/python3.11/", "site-packages/", "Thread-", "pool-", "7", "(", ")", "…",
        "java.util.concurrent.", "node:internal/timers", "\n\t... 3 more", "<socket.socket fd=", "remotePort: ", "x",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    once = NORMALISE(text)
    assert NORMALISE(once) == once
