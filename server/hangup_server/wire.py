"""The socket of one connection: what goes in and out of it, what is kept at its door, how it ends.

Nothing blocks: all waiting is the event loop's. It knows neither steps nor logs, nor what its bytes mean.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

from hangup_server import hold, kernel
from hangup_server.errors import StepError
from hangup_server.waiting import ended, readable, until, writable

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDES = {"write": socket.SHUT_WR, "read": socket.SHUT_RD}


class Wire:
    """A non-blocking socket that is ours until it ends. Methods raise StepError or OSError where it cannot be done."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock
        self._before_hold = (0, 0)
        self.sent = 0
        """Bytes that its kernel has taken."""

    @property
    def sock(self) -> socket.socket:
        if self._sock is None:
            raise StepError("the peer has ended this connection already")
        return self._sock

    # Bytes

    async def recv(self, size: int, flags: int = 0) -> bytes:
        """What has come, at most `size` bytes; nothing at the end."""
        sock = self.sock
        await asyncio.sleep(0)  # a client that sends without a pause must not keep all others waiting
        while (data := kernel.unless_blocked(sock.recv, size, flags)) is None:
            await readable(sock)
        return data

    async def send(self, data: bytes, with_fin: bool) -> None:
        """Sends all; with `with_fin` its end shares a segment with the FIN that follows."""
        sock = self.sock
        flags = kernel.MSG_MORE if with_fin else 0
        left = memoryview(data)
        while left:
            sent = kernel.unless_blocked(sock.send, left, flags)
            if sent is None:
                await writable(sock)
            else:
                self.sent += sent
                left = left[sent:]

    async def drained(self) -> None:
        """Waits until all is acknowledged."""
        sock = self.sock
        await self._until(lambda: not kernel.unacknowledged(sock))

    async def _until(self, true: Callable[[], object]) -> None:
        """Fails when the connection is dead, because nothing becomes true of it any more."""
        sock = self.sock

        def look() -> bool:
            dead = kernel.is_dead(sock)  # before the other look, because it may become true and die in between
            done = bool(true())
            if dead and not done:
                raise StepError("the connection is dead: the client has reset it, or answers no more")
            return done

        await until(look)

    async def pause(self, seconds: float) -> None:
        """Does nothing for so long."""
        _ = self.sock
        await asyncio.sleep(seconds)

    # Data at the door

    def hold(self) -> None:
        """Drops what comes with data."""
        hold.hold(self.sock)
        self._before_hold = hold.dropped(self.sock), kernel.unread(self.sock)

    def hold_all(self) -> None:
        """Drops what comes."""
        hold.hold(self.sock, everything=True)

    def release(self) -> None:
        """Drops nothing more."""
        hold.release(self.sock)

    async def await_held(self) -> None:
        """Waits for the first drop. Fails when data came in: it was held too late, and no drop will come."""
        sock = self.sock
        dropped_before, unread_before = self._before_hold

        def held() -> bool:
            ended = kernel.is_ended(sock)
            if kernel.unread(sock) > unread_before:
                raise StepError("data had come in before it was held")
            done = hold.dropped(sock) > dropped_before
            if ended and not done:
                raise StepError("the client has ended its side without any data")
            return done

        await until(held)

    # Ends

    def shutdown(self, side: str) -> None:
        """Ends the side `write` or `read`."""
        self.sock.shutdown(_SIDES[side])

    def close(self) -> None:
        """FIN, or RST where something is unread."""
        self.detach().close()

    def reset(self) -> None:
        """RST."""
        kernel.reset(self.sock)
        self._sock = None

    def vanish(self) -> None:
        """Ends it, and tells nobody."""
        kernel.vanish(self.sock)
        self._sock = None

    def detach(self) -> socket.socket:
        """Gives the socket away."""
        sock, self._sock = self.sock, None
        return sock

    def abandon(self) -> None:
        """Closes it, where that was not done before."""
        if self._sock is not None:
            self.close()

    async def await_reset(self) -> None:
        """Waits until somebody else has reset it."""
        sock = self.sock
        await self._until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)

    async def await_end(self) -> None:
        """Waits until the client has ended its side."""
        await ended(self.sock)
