"""`hangup serve`: a scenario's peer for any client."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest


def test_any_client_meets_the_ending() -> None:
    command = [sys.executable, "-m", "hangup", "serve", "fin-mid-body", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        found = re.search(r"port (\d+)", server.stderr.readline())
        assert found is not None
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", int(found[1]))) as client, client.makefile("rb") as reader:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                head, _, body = reader.read().partition(b"\r\n\r\n")
            assert b"Content-Length: 1024" in head
            assert len(body) == 512
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
        assert server.returncode == 0


def test_over_tls_it_says_whom_to_trust() -> None:
    command = [sys.executable, "-m", "hangup", "serve", "tls13-close-notify-mid-body", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        trust = server.stderr.readline().split()[-1]
        found = re.search(r"port (\d+)", server.stderr.readline())
        assert found is not None
        context = ssl.create_default_context(cafile=trust)
        raw = socket.create_connection(("127.0.0.1", int(found[1])))
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as client, client.makefile("rb") as reader:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert len(reader.read().partition(b"\r\n\r\n")[2]) == 512
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
        assert server.returncode == 0
    assert not Path(trust).exists()


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("refused", "accepts no connection"),
        ("injected-rst", "hangup play injected-rst --client CLIENT`"),
        ("container-killed", "hangup play container-killed --client CLIENT --lab docker`"),
        ("fin-mid-bdy", "did you mean"),
    ],
)
def test_what_cannot_be_served(scenario: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hangup", "serve", scenario], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
