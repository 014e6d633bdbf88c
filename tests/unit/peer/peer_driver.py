"""A peer that really runs, driven over its pipes as the harness does, and a plain socket client.

What is awaited is an answer of the peer or a state of a socket; DEADLINE only bounds how long a broken peer
can keep a test from failing.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hangup_server
from hangup_server.tls import CERTIFICATE, KEY_LOG

DEADLINE = 20.0
SERVER = Path(hangup_server.__file__).resolve().parents[1]
GET = b"GET /page HTTP/1.1\r\nHost: peer\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: peer\r\nContent-Length: 5\r\n\r\nhello"

Json = dict[str, Any]
Connect = Callable[..., socket.socket]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SERVER), "PYTHONWARNINGS": "error", "PYTHONASYNCIODEBUG": ""}


def step(name: str, **parameters: object) -> Json:
    return {"step": name, **parameters}


def logged(method: str, path: str, size: int, **changed: object) -> Json:
    """A request in the peer's log: read whole and not answered, but for what is changed."""
    plain = {"complete": True, "answered": None, "drained": False, "refused": False}
    return {"method": method, "path": path, "bytes": size, **plain, **changed}


class Peer:
    """One peer process. Answers are matched to messages by id, so any number may be in flight."""

    def __init__(
        self, *arguments: str, certificate: Path | None = None, keys: Path | None = None, **options: Any
    ) -> None:
        files = {CERTIFICATE: certificate, KEY_LOG: keys}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hangup_server", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment() | {name: str(path) for name, path in files.items() if path is not None},
            **options,
        )
        self._buffer = b""
        self._answers: dict[object, Json] = {}
        self._last = 0
        self.trials: set[str] = set()
        self.hello: Json = self.line()["hello"]

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self) -> Json:
        """The next line that the peer writes."""
        assert self.process.stdout is not None
        out = self.process.stdout.fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([out], [], [], DEADLINE)
            assert ready, "the peer does not answer"
            data = os.read(out, 1 << 16)
            assert data, "the peer has ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: Json = json.loads(line)
        return message

    def start(self, do: str, **fields: object) -> int:
        self._last += 1
        if do == "close":
            self.trials.discard(str(fields.get("trial")))
        self.write(json.dumps({"id": self._last, "do": do, **fields}).encode() + b"\n")
        return self._last

    def wait(self, number: int | None) -> Json:
        while number not in self._answers:
            message = self.line()
            self._answers[message["id"]] = message
        return self._answers.pop(number)

    def call(self, do: str, **fields: object) -> Json:
        return self.wait(self.start(do, **fields))

    def open(self, trial: str = "t", host: str = "127.0.0.1", **fields: object) -> int:
        answer = self.call("open", trial=trial, host=host, **fields)
        assert answer["ok"], answer
        self.trials.add(trial)
        port: int = answer["port"]
        return port

    def run(self, *steps: Json, trial: str = "t") -> Json:
        """Runs steps that must succeed."""
        answer = self.call("run", trial=trial, steps=list(steps))
        assert answer["ok"], answer
        return answer

    def fails(self, *steps: Json, trial: str = "t") -> str:
        """Runs steps that must fail, and says why they did."""
        answer = self.call("run", trial=trial, steps=list(steps))
        assert not answer["ok"], answer
        why: str = answer["why"]
        return why

    def close(self, trial: str = "t") -> list[Json]:
        answer = self.call("close", trial=trial)
        assert answer["ok"], answer
        log: list[Json] = answer["log"]
        return log

    def end(self) -> int:
        """Closes its input; its exit status. Whatever it wrote to standard error is a failure."""
        _, complaints = self.process.communicate(timeout=DEADLINE)
        assert complaints == b"", complaints.decode()
        return self.process.returncode


@contextmanager
def running_peer(*arguments: str, **options: Any) -> Iterator[Peer]:
    """A peer of the test's own, which must end well unless the test has ended it."""
    peer = Peer(*arguments, **options)
    try:
        yield peer
        if peer.process.returncode is None:
            assert peer.end() == 0
    finally:
        if peer.process.poll() is None:
            peer.process.kill()
            peer.process.communicate()


class Server:
    """The peer with a list of steps, and what it tells."""

    def __init__(self, file: Path, steps: object, *more: str) -> None:
        file.write_text(steps if isinstance(steps, str) else json.dumps(steps))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hangup_server", "--steps", str(file), *more],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def told(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline().rstrip()

    def port(self) -> int:
        words = self.told().split()
        assert words[:4] == ["listening", "on", "127.0.0.1", "port"]
        return int(words[4].rstrip(";"))

    def end(self) -> tuple[int, str]:
        """Exit status, and what it told last."""
        out, told = self.process.communicate(timeout=DEADLINE)
        assert out == ""
        return self.process.returncode, told


def read_all(sock: socket.socket) -> bytes:
    """All bytes up to the end of the stream; an error of recv(2) comes through."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece, "the stream ended too early"
        data += piece
    return data


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.001)


def await_state(sock: socket.socket, state: int) -> None:
    """Waits until the kernel has the socket in this TCP state: a FIN or a RST has arrived."""
    until(lambda: sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == state)


CLOSED, CLOSE_WAIT = 7, 8
"""Of Linux's tcp_states.h."""
