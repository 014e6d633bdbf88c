"""A listening socket of its own for each trial: its port, and the connections that arrive at it.

It accepts when it is asked to and not before, so that a connection can stay in the kernel's queue. It knows
nothing of steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
from typing import TYPE_CHECKING

from hangup_server import hold
from hangup_server.log import Address
from hangup_server.waiting import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTS = range(10_000, 32_000)
"""Below the ephemeral ports of Linux (from 32768) and others (from 49152): no client's own port is here."""

_BACKLOG = 128
_PAUSE = 0.05
"""Seconds to leave a listener alone that has connections which we lack the resources to accept."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_GONE = (BlockingIOError, ConnectionAbortedError)
"""The connection had gone before we looked."""


class Ports:
    """Hands out ports in turn, so that one is used again only when all others were.

    It starts anywhere, so that two peers on one machine rarely meet.
    """

    def __init__(self) -> None:
        self._next = secrets.randbelow(len(PORTS))

    def listen(self, host: str) -> Listener:
        """A listener on the next port that is free. Raises OSError."""
        for _ in PORTS:
            port = PORTS[self._next]
            self._next = (self._next + 1) % len(PORTS)
            try:
                return Listener(host, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


class Listener:
    """Raises OSError where the address cannot be listened on."""

    def __init__(self, host: str, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._held = False
        self._inherited = False  # connections that wait in the queue may still have the filter
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
            sock.bind((host, port))
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        self._sock: socket.socket | None = sock
        self.port: int = sock.getsockname()[1]
        self._fillers: list[socket.socket] = []
        """Connections of our own that fill the accept queue."""

    @property
    def listening(self) -> bool:
        return self._sock is not None

    def hold(self) -> None:
        """Data of the connections that are established from now on stays at the door."""
        if self._sock is not None:
            hold.hold(self._sock)
            self._held = True

    def release(self) -> None:
        """Connections that are accepted from now on let data in, whenever they were established."""
        if self._held and self._sock is not None:
            hold.release(self._sock)
            self._held, self._inherited = False, True

    def hold_handshake(self) -> None:
        """Nothing but SYNs is let in; but the queue can still be filled, by a connection that is made before."""
        if self._sock is not None:
            self._connect()
            hold.hold_handshake(self._sock)

    def release_handshake(self) -> None:
        if self._sock is not None:
            hold.release(self._sock)

    def fill(self) -> None:
        """Linux drops SYNs, and resets what completes its handshake, while more is in the queue than its size."""
        if self._sock is not None:
            if not self._fillers:
                self._connect()
            self._sock.listen(0)

    def _connect(self) -> None:
        """On one host it is in the queue when connect(2) returns."""
        assert self._sock is not None
        self._fillers.append(socket.create_connection(self._sock.getsockname()[:2]))

    async def wait(self) -> None:
        """Waits until a connection is in the queue, and leaves it there. Not after `accept_all`."""
        if self._sock is not None:
            await readable(self._sock)

    def accept_all(self, arrived: Callable[[socket.socket, Address], None], failed: Callable[[OSError], None]) -> None:
        """Calls `arrived` for every connection from now on, and `failed` when one could not be accepted.

        A want of descriptors or memory is reported once; all that waited have to be accepted before it is again.
        """
        sock = self._sock
        if sock is None:
            return

        def look() -> None:
            error = self._take(sock, arrived)
            if error is not None and error.errno in _EXHAUSTED:
                self._loop.remove_reader(sock)  # it would be called again at once, for ever
                self._loop.call_later(_PAUSE, catch_up)
            report(error)

        def catch_up() -> None:
            if self._sock is None:
                return
            while (error := self._take(sock, arrived)) is None:
                pass
            if error.errno in _EXHAUSTED:
                self._loop.call_later(_PAUSE, catch_up)
            else:
                self._loop.add_reader(sock, look)
                report(error)

        def report(error: OSError | None) -> None:
            if error is not None and not isinstance(error, _GONE):
                failed(error)

        self._loop.add_reader(sock, look)

    def _take(self, sock: socket.socket, arrived: Callable[[socket.socket, Address], None]) -> OSError | None:
        """Accepts one connection; otherwise what the kernel said."""
        try:
            connection = _accept(sock)
        except OSError as error:
            return error
        self._hand_over(connection, arrived)
        return None

    def _hand_over(
        self, connection: tuple[socket.socket, Address], arrived: Callable[[socket.socket, Address], None]
    ) -> None:
        if self._is_own(connection):
            return
        if self._inherited:
            with contextlib.suppress(OSError):  # ENOENT: it came after the release
                hold.release(connection[0])
        arrived(*connection)

    def waiting(self) -> Iterator[tuple[socket.socket, Address]]:
        """Accepts what waits in the queue now, and nothing that comes later."""
        with contextlib.suppress(OSError):
            while self._sock is not None:
                connection = _accept(self._sock)
                if not self._is_own(connection):
                    yield connection

    def _is_own(self, connection: tuple[socket.socket, Address]) -> bool:
        """Whether it only filled the queue. It is closed then."""
        sock, address = connection
        own = any(filler.getsockname()[:2] == address for filler in self._fillers)
        if own:
            sock.close()
        return own

    def close(self) -> None:
        for filler in self._fillers:
            filler.close()
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._sock.close()
            self._sock = None


def _accept(listening: socket.socket) -> tuple[socket.socket, Address]:
    sock, address = listening.accept()
    sock.setblocking(False)
    return sock, Address(address[0], address[1])
