"""The standard library's ``socket``: blocking, the plain wrapper of the system calls."""

from __future__ import annotations

import socket

from plumbing.client import StreamClient


class Session:
    """One socket."""

    _socket: socket.socket

    def connect(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def recv(self, limit: int) -> bytes:
        return self._socket.recv(limit)

    def shutdown(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()


CLIENT = StreamClient("python/socket", Session)
