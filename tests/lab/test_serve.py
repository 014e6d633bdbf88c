"""`hangup serve`: a scenario's peer for any client."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

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


@pytest.mark.parametrize(("scenario", "words"), [("refused", "nothing that a server"), ("fin-mid-bdy", "did you mean")])
def test_what_cannot_be_served(scenario: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hangup", "serve", scenario], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr
