"""How the peer waits for a socket: by a future that its event loop resolves, or, where the kernel tells nobody, by
asking again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
from typing import TYPE_CHECKING

from hangup_server import kernel

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

POLL = 0.001
"""Seconds between two looks at what the kernel counts but does not announce."""
_SELDOM = 0.1
"""The same, for what nothing else waits for."""


async def readable(sock: socket.socket) -> None:
    """Waits until poll(2) reports data, an end, an error, or, for a listener, a connection."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


async def writable(sock: socket.socket) -> None:
    """Waits until poll(2) reports room in the send buffer, or an error."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


async def ended(sock: socket.socket) -> None:
    """Waits until the client has ended its side, or the connection is dead. What is unread stays so."""
    if sys.platform != "linux":
        while not kernel.is_ended(sock):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(_SELDOM)
        return
    await _ENDS.wait(sock)


class _Ends:
    """One epoll(7) for all connections whose end is awaited. The event loop's own would report unread data for ever.

    Edge-triggered: a side that we have shut down ourselves is reported once, and the client's end once more.
    """

    def __init__(self) -> None:
        self._awaited: dict[int, asyncio.Event] = {}

    async def wait(self, sock: socket.socket) -> None:
        if not self._awaited:
            self._epoll = select.epoll()
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._look)
        number, event = sock.fileno(), asyncio.Event()
        self._awaited[number] = event
        try:
            self._epoll.register(number, select.EPOLLRDHUP | select.EPOLLET)
            while not kernel.is_ended(sock):
                event.clear()
                await event.wait()
        finally:
            del self._awaited[number]
            with contextlib.suppress(OSError):  # it could not be registered
                self._epoll.unregister(number)
            if not self._awaited:
                asyncio.get_running_loop().remove_reader(self._epoll.fileno())
                self._epoll.close()

    def _look(self) -> None:
        for number, _ in self._epoll.poll(0):
            self._awaited[number].set()


_ENDS = _Ends()


async def until(true: Callable[[], object]) -> None:
    """For what the kernel counts but does not announce."""
    while not true():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(POLL)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():  # it is reported again until somebody has run
        ready.set_result(None)
