"""What the tests of agents over TLS share: an agent as a bare process, and a little TLS peer that a test writes.

No lab, no script and no capture: what is looked at is what an agent does with TLS, and nothing of how it is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from hangup.agents.build import ensure_built
from hangup.agents.manifest import Manifest
from hangup.agents.protocol import ClientInfo
from hangup.errors import BuildError

HOST = "127.0.0.1"
PATIENCE = 20.0
BODY = b"hello"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + BODY

Play = Callable[[socket.socket], None]
"""What the peer does on one connection."""


class BareAgent:
    """An agent's process, asked one thing at a time."""

    def __init__(self, manifest: Manifest, ca: Path) -> None:
        """``ca``: what HANGUP_CA names."""
        try:
            build = asyncio.run(ensure_built(manifest))
        except BuildError as error:
            pytest.skip(f"{manifest.language}/*: {error}")
        env = {name: value.replace("{ca}", str(ca)) for name, value in manifest.env.items()}
        self._process = subprocess.Popen(
            build.argv, cwd=build.folder, env={**os.environ, **env, "HANGUP_CA": str(ca)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._asked = 0
        hello = self._hear()
        self.clients = {name: ClientInfo.model_validate(info) for name, info in hello["clients"].items()}

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)

    def _hear(self) -> dict[str, Any]:
        return json.loads(self._lines.get(timeout=PATIENCE))

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        self._asked += 1
        self._process.stdin.write(json.dumps({"id": self._asked, "op": op, **fields}).encode() + b"\n")
        self._process.stdin.flush()
        reply = self._hear()
        assert reply["id"] == self._asked
        return reply

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


class Peer:
    """A listening peer that plays its part on each connection, and counts them."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(PATIENCE)
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # an ending that the client chose: a rejected certificate, a reset
            self._play(connection)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def peer(play: Play) -> Iterator[Peer]:
    playing = Peer(play)
    try:
        yield playing
    finally:
        playing.close()


class Session:
    """One session of a client with one peer."""

    _count = 0

    def __init__(self, agent: BareAgent, client: str, peer: Peer) -> None:
        Session._count += 1
        self._agent = agent
        self._fields = {"client": client, "session": f"s{Session._count}"}
        self._target = {"host": HOST, "port": peer.port, "tls": True}

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        return self._agent.ask(op, **self._fields, **fields)

    def connect(self, **fields: object) -> dict[str, Any]:
        return self.ask("connect", **{**self._target, **fields})

    def exchange(self, method: str = "GET", body: str = "", **fields: object) -> dict[str, Any]:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = f"{method} / HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n{body}"
        announced = len(RESPONSE)
        wanted = {"method": method, "path": "/", "body": body, "request": request, "announced": announced}
        return self.ask("exchange", **{**self._target, **wanted, **fields})

    def close(self) -> dict[str, Any]:
        return self.ask("close")


def server_context(ca: trustme.CA, version: ssl.TLSVersion | None = None, host: str = HOST) -> ssl.SSLContext:
    """A server's, with a certificate for the host, at one version of TLS or at any.

    Without session tickets: a client may find them unread when a reset comes, and where it finds both at once, libuv
    calls that the end of the stream.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    ca.issue_cert(host).configure_cert(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def over_tls(context: ssl.SSLContext, play: Callable[[ssl.SSLSocket], None]) -> Play:
    """The handshake, and then the part. The end of the part is a FIN without close_notify."""

    def whole(raw: socket.socket) -> None:
        with context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False) as secure:
            play(secure)

    return whole


def over_h2(context: ssl.SSLContext, respond: Callable[[h2.connection.H2Connection, int], bool | None]) -> Play:
    """HTTP/2, each request met by ``respond`` with its stream; where that returns True, the connection then ends."""
    context.set_alpn_protocols(["h2"])

    def talk(secure: ssl.SSLSocket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        secure.sendall(connection.data_to_send())
        last = False
        while not last and (data := secure.recv(65536)):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    last = bool(respond(connection, event.stream_id))
            secure.sendall(connection.data_to_send())
        with suppress(OSError):
            secure.shutdown(socket.SHUT_WR)  # and not close: unread frames would make that a reset
            while secure.recv(65536):
                pass

    return over_tls(context, talk)


def read_request(connection: socket.socket) -> bytes:
    """A request's head, and as much of a body as it announces; empty where the client has ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        more = connection.recv(missing)
        data, missing = data + more, missing - len(more)
    return data


def reset(connection: socket.socket) -> None:
    """End it with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
