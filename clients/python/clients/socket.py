"""The standard library's ``socket``: blocking, the plain wrapper of the system calls, with ``ssl`` around it for TLS.

An ``SSLSocket`` says nothing of its end to TLS, unless its user calls ``unwrap``: ``close`` and ``shutdown`` are
those of the socket below, a FIN without a close_notify. After ``shutdown`` what it reads is no longer decrypted.
It takes a FIN without a close_notify for an orderly end (``suppress_ragged_eofs``), and so, from CPython 3.10 until
gh-115627 was fixed in 3.13, a RST too, which the ``ssl`` module took for such a FIN.
"""

from __future__ import annotations

import socket
import ssl

from plumbing.client import StreamClient


class Session:
    """One socket."""

    _socket: socket.socket

    def __init__(self, ca: str | None) -> None:
        self._context = None if ca is None else ssl.create_default_context(cafile=ca)

    def connect(self, host: str, port: int, *, keepalive: bool) -> None:
        self._socket = socket.create_connection((host, port))
        if keepalive:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._context is not None:
            self._socket = self._context.wrap_socket(self._socket, server_hostname=host)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def recv(self, limit: int) -> bytes:
        return self._socket.recv(limit)

    def shutdown(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()


CLIENT = StreamClient("python/socket", Session)
