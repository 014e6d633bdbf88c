"""A little peer that a test writes: what it does on each connection is a function of the test's own.

No lab, no script and no capture: what is looked at is what a client does with TLS, and nothing of how it is measured.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import h2.config
import h2.connection
import h2.events
import trustme

HOST = "127.0.0.1"
PATIENCE = 10.0
BODY = b"x" * 1024
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + BODY

Play = Callable[[socket.socket], None]
"""What the peer does on one connection. When it returns, the connection is closed."""
Act = Callable[[ssl.SSLSocket], None]
"""What it does once the handshake is done. When it returns, a FIN follows, without a close_notify."""
Respond = Callable[[h2.connection.H2Connection, int], bool | None]
"""What it does about the request of a stream of HTTP/2. Where that returns True, the connection ends."""


class Peer:
    """A peer that listens, and what it has seen."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        """How many it has accepted."""
        self.ends: list[OSError | None] = []
        """How each play ended, where it has."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(PATIENCE)
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._play(connection)
            except OSError as error:  # an ending that the client chose: a rejected certificate, a reset
                self.ends.append(error)
            else:
                self.ends.append(None)

    def close(self) -> None:
        """Listen no more; what is played goes on, for not every client closes its connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def peer(play: Play) -> Iterator[Peer]:
    """A peer that plays this on each connection."""
    playing = Peer(play)
    try:
        yield playing
    finally:
        playing.close()


def server_context(
    ca: trustme.CA, version: ssl.TLSVersion | None = None, *, host: str = HOST, alpn: tuple[str, ...] = ()
) -> ssl.SSLContext:
    """A server's, with a certificate for the host, at one version of TLS or at any.

    Without session tickets: a client may find them unread when a reset comes, and where it finds both at once, libuv
    calls that the end of the stream.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    context.set_alpn_protocols(list(alpn))
    ca.issue_cert(host).configure_cert(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def over_tls(context: ssl.SSLContext, act: Act) -> Play:
    """The handshake, and then the act."""

    def whole(raw: socket.socket) -> None:
        with context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False) as secure:
            act(secure)

    return whole


def over_h2(ca: trustme.CA, respond: Respond) -> Play:
    """The handshake, and then HTTP/2: each request is met with ``respond`` and its stream."""

    def talk(secure: ssl.SSLSocket) -> None:
        for connection, stream in requests(secure):
            last = respond(connection, stream)
            secure.sendall(connection.data_to_send())
            if last:
                break
        with suppress(OSError):
            secure.shutdown(socket.SHUT_WR)  # and not close: unread frames would make that a reset
            while secure.recv(65536):
                pass

    return over_tls(server_context(ca, alpn=("h2", "http/1.1")), talk)


def requests(secure: ssl.SSLSocket) -> Iterator[tuple[h2.connection.H2Connection, int]]:
    """Each stream whose request is there, of a connection that speaks HTTP/2 and acknowledges what has to be."""
    assert secure.selected_alpn_protocol() == "h2"
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    secure.sendall(connection.data_to_send())
    while data := secure.recv(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                yield connection, event.stream_id
        secure.sendall(connection.data_to_send())


def answer_each(connection: ssl.SSLSocket) -> None:
    """Answer every request, until the client ends the connection, and say goodbye too."""
    while read_request(connection):
        connection.sendall(RESPONSE)
    connection.unwrap()


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
