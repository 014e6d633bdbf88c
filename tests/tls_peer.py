"""A TLS peer for tests: it accepts connections on loopback and plays one act on each, in a thread of its own."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import trustme

BODY = b"x" * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n"
PATIENCE = 10.0

Act = Callable[[ssl.SSLSocket], None]
"""What the peer does on a connection once the handshake is done; the connection is closed, without a word to TLS, when
it returns."""


@dataclass
class Peer:
    """A peer that listens, and what it has seen."""

    port: int
    connections: list[ssl.SSLSocket] = field(default_factory=list)
    """Those whose handshake was done, in their order."""
    ends: list[str | None] = field(default_factory=list)
    """How each act ended: the error's type, ``None`` where it returned."""
    refused: list[ssl.SSLError] = field(default_factory=list)
    """Handshakes that failed."""


@contextmanager
def tls_peer(
    ca: trustme.CA, act: Act, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, alpn: tuple[str, ...] = ()
) -> Iterator[Peer]:
    """A peer with a certificate of this CA for 127.0.0.1; at the end it waits for all its acts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(list(alpn))
    ca.issue_cert("127.0.0.1").configure_cert(context)
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(listener.getsockname()[1])

        def serve(accepted: socket.socket) -> None:
            accepted.settimeout(PATIENCE)
            try:
                connection = context.wrap_socket(accepted, server_side=True)
            except ssl.SSLError as error:
                peer.refused.append(error)
                return
            with connection:
                peer.connections.append(connection)
                try:
                    act(connection)
                except OSError as error:
                    peer.ends.append(type(error).__name__)
                else:
                    peer.ends.append(None)

        def accept() -> None:
            with suppress(OSError):  # the listener is closed at the end
                while True:
                    accepted, _ = listener.accept()
                    threads.append(threading.Thread(target=serve, args=[accepted]))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield peer
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def answer(connection: ssl.SSLSocket) -> None:
    """Answer every request, until the client ends the connection."""
    while read_request(connection):
        connection.sendall(HEAD + BODY)


def end_before_response(connection: ssl.SSLSocket) -> None:
    """Read the request, and end the TCP connection without a close_notify."""
    read_request(connection)


def reset_mid_body(connection: ssl.SSLSocket) -> None:
    """Answer with half of the body, and reset."""
    read_request(connection)
    connection.sendall(HEAD + BODY[:512])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garble(connection: ssl.SSLSocket) -> None:
    """Answer with what is no TLS, and wait until the client goes."""
    read_request(connection)
    socket.socket.send(connection, b"no record of any version")
    connection.recv(1)


def silence(connection: ssl.SSLSocket) -> None:
    """Read the request, and say nothing until the client goes."""
    read_request(connection)
    connection.recv(1)


def answer_h2(connection: ssl.SSLSocket) -> None:
    """Answer every HTTP/2 request, until the client ends the connection."""
    assert connection.selected_alpn_protocol() == "h2"
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    speaker.initiate_connection()
    connection.sendall(speaker.data_to_send())
    while data := connection.recv(65536):
        for event in speaker.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                speaker.send_headers(event.stream_id, [(":status", "200"), ("content-length", str(len(BODY)))])
                speaker.send_data(event.stream_id, BODY, end_stream=True)
        connection.sendall(speaker.data_to_send())


def read_request(connection: ssl.SSLSocket) -> bytes:
    """A request without a body; nothing where the client has ended the connection."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        data = connection.recv(65536)
        if not data:
            return b""
        request += data
    return request
