"""How the peer waits for a socket: by a future that its event loop resolves, or, where the kernel tells nobody, by
asking again and again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

POLL = 0.001
"""Seconds between two looks at what the kernel counts but does not announce."""


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


async def until(true: Callable[[], object]) -> None:
    """For what the kernel counts but does not announce."""
    while not true():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(POLL)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():  # it is reported again until somebody has run
        ready.set_result(None)
